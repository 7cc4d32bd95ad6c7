"""``mockscim provision``: the simulated identity providers on the command line.

A provider's commands are imported when they are asked for, and what a command needs is imported inside it.
"""

from __future__ import annotations

from importlib import import_module

import click

_COMMANDS = ("entra", "okta", "demo")


class _Providers(click.Group):
    """Knows what there is without importing it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"mockscim.provision_cli.{cmd_name}"), cmd_name)
        return command


@click.group(cls=_Providers)
def provision() -> None:
    """The simulated identity providers: what Entra ID and Okta send to a SCIM server, and what they say of it."""
