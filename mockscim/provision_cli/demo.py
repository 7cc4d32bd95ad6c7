"""``mockscim provision demo``."""

# ruff: noqa: PLC0415 - what a command needs is imported inside it

from __future__ import annotations

import click

from mockscim.provision_cli.given import Failed


@click.command()
@click.option("--users", type=click.IntRange(60), default=1000, show_default=True, help="How many people there are.")
@click.option("--groups", type=click.IntRange(2), default=40, show_default=True, help="How many groups.")
@click.option("--seed", type=int, default=7, show_default=True, help="Who they are.")
def demo(*, users: int, groups: int, seed: int) -> None:
    """The whole story on one terminal: a mocked Segment, Entra ID's service, a fault, the log, the judge."""
    import asyncio

    from mockscim.demo import demo as tell

    if not asyncio.run(tell(users, groups, seed)):
        raise Failed("somebody failed in the end, or an invariant is broken")
