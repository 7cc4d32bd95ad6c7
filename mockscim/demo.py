"""The whole story on one terminal: ``make demo``, ``mockscim provision demo``.

A mocked Segment, and Entra ID's provisioning service in front of it: 1,000 people and 40 groups go over, some join,
move and leave, the target throttles, what failed is tried again, and at the end the judge says whether the client was
good.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import Iterable
from typing import Any

import click

from mockscim.client import MockScim
from mockscim.client.rules import Fault
from mockscim.provision import Entra, Report
from mockscim.provision.pages import job_lines, log_lines, plural
from mockscim.provision.progress import Lines, for_terminal
from mockscim.provisioning.directory import Directory, from_document
from mockscim.provisioning.directory.invented import generate
from mockscim.tables import WIDTH, judgement_lines

USERS, GROUPS = 1000, 40
_HOUR = 3600.0
_JOINERS = 60


async def demo(users: int = USERS, groups: int = GROUPS, seed: int = 7) -> bool:
    """Tell the story.

    Args:
        users: how many people there are in the source directory.
        groups: how many groups.
        seed: who they are, and what happens.

    Returns:
        Whether nobody failed in the end, and no invariant is broken.
    """
    began = time.perf_counter()
    watcher = for_terminal()
    directory = from_document(generate(users, groups, seed))
    async with (
        MockScim(profile="segment", clock="virtual", seed=seed) as scim,
        Entra(
            directory,
            f"{scim.base_url}?aadOptscim062020",
            token=scim.token,
            admin_token=scim.admin_token,
            app="segment",
            seed=seed,
            concurrency=4,
            advance_target=True,
            mark_target=True,
            watcher=watcher,
        ) as job,
    ):
        _title(f"A mocked Segment at {scim.base_url}, and Entra ID's provisioning service with {users} people")
        click.echo((await job.test_connection()).message)
        await job.start()
        await job.cycle()
        click.echo(f"At Segment there are {plural(len(scim.users), 'user')} and {plural(len(scim.groups), 'group')}.")
        await _changes(job)
        await _throttled(job, scim, watcher)
        _title("The log of what failed and of what was done last; mockscim provision entra log shows it all")
        failed = [entry for entry in job.log if entry["provisioningStatusInfo"]["status"] == "failure"]
        _say(log_lines([*failed[:6], *job.log[-6:]], _width()))
        _title("The job as an administrator sees it")
        _say(job_lines(job.status(), job.job.why_not(), job.job.settings.target, job.now, _width()))
        _title("What the judge says of the client, told where it should have arrived")
        judgement = scim.invariants(desired=implied(job.directory)).document
        _say(judgement_lines(judgement, _width()))
        click.echo(f"\n{plural(job.sent, 'request')} in {time.perf_counter() - began:.1f} s")
        return not judgement["broken"] and not job.job.state.escrows


def implied(directory: Directory) -> dict[str, Any]:
    """Where Segment should arrive, as a fixture: who is assigned and enabled, and the assigned groups with them."""
    there = {
        user.id: user.upn
        for user in directory.users.values()
        if directory.roles_of(user.id) and user.enabled and not user.deleted
    }
    groups = (directory.groups[key] for key in directory.assigned_groups())
    return {
        "profile": "segment",
        "users": [{"userName": upn, "displayName": directory.users[key].name} for key, upn in there.items()],
        "groups": [
            {"displayName": group.name, "members": [there[one] for one in directory.members(group.id) if one in there]}
            for group in groups
        ],
    }


async def _changes(job: Entra) -> None:
    """Joiners, movers, leavers, each seen by the cycle that is due next."""
    _title("Time goes on, 40 minutes from cycle to cycle: joiners, movers, leavers")
    directory = job.directory
    people = [user.id for user in directory.users.values() if directory.roles_of(user.id) and user.enabled]
    home = directory.assigned_groups()
    for number in range(5):
        _join(directory, f"joiner.{number}", home[number % len(home)])
    await job.cycle()
    for number, who in enumerate(people[:8]):
        for group in directory.groups_of(who):
            directory.remove_member(group, who)
        directory.add_member(home[(number + 1) % len(home)], who)
    await job.cycle()
    for who in people[8:12]:
        directory.soft_delete_user(who)
    await job.cycle()
    await job.run(duration=12 * _HOUR)


async def _throttled(job: Entra, scim: MockScim, watcher: Lines) -> None:
    """A target with a limit that a Monday morning is too much for; what failed is tried again, hours later."""
    watcher.flush()
    _title(f"Segment allows twenty requests at once now (the scenario rate-limited), and {_JOINERS} people join")
    home = job.directory.assigned_groups()
    for number in range(_JOINERS):
        _join(job.directory, f"monday.{number}", home[number % len(home)])
    with scim.scenario("rate-limited") as scenario:
        report = await job.cycle()
        _told(report, scenario.faults)
    watcher.flush()
    _title("The limit is gone; what failed is tried again 6, 12 and 24 hours after its first failure")
    await job.run(duration=26 * _HOUR)
    watcher.flush()


def _join(directory: Directory, name: str, group: str) -> None:
    shown = name.replace(".", " ").title()
    user = directory.add_user(
        {
            "userPrincipalName": f"{name}@example.com",
            "displayName": shown,
            "mail": f"{name}@example.com",
            "mailNickname": name,
            "accountEnabled": True,
        }
    )
    directory.add_member(group, user.id)


def _told(report: Report, faults: Iterable[Fault]) -> None:
    hits = sum(fault.hits for fault in faults)
    click.echo(f"{plural(hits, 'request')} were answered with 429; {plural(len(report.failures), 'object')} failed.")


def _title(text: str) -> None:
    click.echo()
    click.secho(text, bold=True)


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _width() -> int:
    return max(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns) if sys.stdout.isatty() else WIDTH


def main() -> None:
    """The demonstration with its usual numbers; exit status 1 when something is wrong in the end."""
    sys.exit(0 if asyncio.run(demo()) else 1)


if __name__ == "__main__":
    main()
