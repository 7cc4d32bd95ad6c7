"""Entra ID's service over real sockets: a whole company, faults of every kind, a quarter of a year, another server."""

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
import orjson
import pytest

from mockscim import Entra
from mockscim.demo import implied
from mockscim.faults import bundled_scenarios, read_scenario
from tests.benchmarks.data import TOKEN

DAY = 86_400.0

# Presets that refuse the credentials, or answer with what is no SCIM: quarantine at once, as documented.
QUARANTINED = {"groups-are-a-login-page", "monday-morning", "token-dies-mid-cycle", "token-owner-leaves"}
# The documentation says that 429 fails the object, so that a next cycle may come before Retry-After is over.
IMPOLITE = {"flaky", "monday-morning", "rate-limited"}
# What these do is seen in failures of the log.
FAILING = {
    "bad-gateway": {"InternalServerError", "WebExceptionProtocolError"},
    "conflict-for-ever": {"Conflict"},
    "conflict-says-400": {"WebExceptionProtocolError"},
    "conflict-without-scimtype": {"Conflict"},
    "create-race-fails": {"InternalServerError"},
    "created-twice-over": {"InternalServerError"},
    "eventually-consistent": {"WebExceptionProtocolError"},
    "flaky": {"InternalServerError", "TooManyRequests", "WebExceptionProtocolError"},
    "lost-create": {"WebExceptionProtocolError"},
    "maintenance-window": {"InternalServerError"},
    "monday-morning": {"TooManyRequests", "Unauthorized"},
    "rate-limited": {"TooManyRequests"},
    "retry-after-is-a-fraction": {"TooManyRequests"},
    "retry-after-is-a-timestamp": {"TooManyRequests"},
    "slow": {"Timeout"},
    "throttled-into-conflicts": {"TooManyRequests"},
    "token-dies-mid-cycle": {"Unauthorized"},
    "token-owner-leaves": {"Unauthorized"},
    "user-not-there-yet": {"InvalidAnchor"},
}
# Following from another failure, or said of an object that waits.
_FOLLOWING = {"EntrySynchronizationSkipped"}


def codes(log):
    """The error codes of the failures in a log."""
    infos = [entry["provisioningStatusInfo"] for entry in log]
    return {info["errorInformation"]["errorCode"] for info in infos if info["status"] == "failure"}


def at_target(scim):
    """What is there: user names with display names, group names with members' names."""
    users = {user["userName"]: user["displayName"] for user in scim.users}
    return users, {group["displayName"]: set(group.members.names) for group in scim.groups}


async def test_a_thousand_people_and_forty_groups_into_segment(segment, company, entra_for):
    """Segment ends with those assigned and enabled, under their names, and the assigned groups with them; no more."""
    directory = company(1000, 40)
    wanted = implied(directory)
    async with entra_for(directory, concurrency=4) as job:
        await job.start()
        report = await job.cycle()
        assert report.ok, report.failures[:3]
        assert report.initial
        quiet = await job.cycle()
    assert (quiet.quiet, quiet.requests) == (True, 0)
    users, groups = at_target(segment)
    assert users == {user["userName"]: user["displayName"] for user in wanted["users"]}
    assert groups == {group["displayName"]: set(group["members"]) for group in wanted["groups"]}
    assert (len(users), len(groups)) == (968, 40)
    assert segment.check(desired=wanted, only=["I1", "I2", "I3", "I5", "I9"]).broken == []


@pytest.mark.parametrize("name", bundled_scenarios())
async def test_every_preset_is_survived_or_quarantined_as_documented(segment, company, entra_for, person, name):
    """The log names what failed, quarantine comes where it should, and all is well once the fault is gone."""
    directory = company(12, 3)
    if name in ("retry-after-is-a-timestamp", "rate-limited", "throttled-into-conflicts"):
        directory = company(40, 6)
    scenario = read_scenario(name)
    # Where hardly anything gets through, a cycle that begins with a test of the connection would not begin at all.
    slow = {"timeout": 0.25, "settings": {"probe": False}} if name == "slow" else {}
    async with entra_for(directory, concurrency=4, **slow) as job:
        with segment.scenario({"seed": scenario.seed, "rules": scenario.rules}):
            await job.start()
            reports = [await job.cycle()]
            if name == "maintenance-window":
                segment.clock.advance("5m")
                directory.add_member(directory.assigned_groups()[0], directory.add_user(person("late")).id)
                job.job.state.next = job.now  # due now, inside the window
                reports.append(await job.cycle())
            reports += await job.run(cycles=12)
            told = [event["reason"] for report in reports for event in report.events if event["event"] == "quarantine"]
            assert told == (["EncounteredQuarantineException"] if name in QUARANTINED else [])
            seen = codes(job.log)
        assert seen - _FOLLOWING <= FAILING.get(name, set()) | {"InternalServerError", "WebExceptionProtocolError"}
        if name in FAILING:
            assert seen & FAILING[name], seen
        else:
            assert not seen
        await job.run(duration=3 * DAY)
        assert job.status()["status"]["code"] == "Active"
        assert not job.job.state.escrows
    broken = segment.invariants(desired=implied(directory)).broken
    assert set(broken) <= ({"I8"} if name in IMPOLITE else set()), broken


async def test_honoured_throttling_waits_as_told(segment, company, entra_for):
    """With throttling honoured a 429 is waited for, in the target's time, and nothing fails."""
    directory = company(40, 6)
    async with entra_for(directory, throttling="honour") as job:
        with segment.scenario("rate-limited") as scenario:
            await job.start()
            report = await job.cycle()
            assert sum(fault.hits for fault in scenario.faults) > 0
        assert report.ok, report.failures[:2]
    segment.check(desired=implied(directory))


async def test_a_quarter_of_a_year(segment, company, entra_for):
    """Joiners, movers and leavers for ninety days in virtual time, and every invariant holds."""
    directory = company(60, 6, days=90)
    async with entra_for(directory) as job:
        await job.start()
        reports = await job.run(duration=90 * DAY)
        assert len(reports) == 90 * 36 + 1
        assert all(report.ok for report in reports)
        assert sum(not report.quiet for report in reports) > 50
        assert {"create", "update", "delete"} <= {name for report in reports for name in report.actions}
        assert job.status()["status"]["code"] == "Active"
    at_end = set(at_target(segment)[0])
    # Segment keeps the names of the first day: they cannot be changed there.
    assert len(at_end) == len(implied(directory)["users"])
    assert segment.invariants().broken == []


@contextmanager
def scim2_server():
    """scim2-server from the package index, in a process of its own; empty."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.servers", "scim2-server", "0"],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield f"http://127.0.0.1:{orjson.loads(process.stdout.readline())['port']}/v2"
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


async def everything(url):
    """All users and groups of a server, page after page."""
    found = {}
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        for kind in ("Users", "Groups"):
            found[kind] = []
            while True:
                params = {"startIndex": len(found[kind]) + 1, "count": 100}
                page = (await client.get(f"{url}/{kind}", params=params)).raise_for_status().json()
                found[kind] += page.get("Resources", [])
                if len(found[kind]) >= page["totalResults"]:
                    break
    return found


async def test_another_server_is_provisioned_just_as_well(company, person):
    """scim2-server of the package index ends with the same people, attributes and memberships, by either shape."""
    directory = company(30, 4)
    # It refuses a schema that it does not know, and a manager that is a string: both are switches.
    settings = {"adscim_schema": False, "manager": "complex"}
    with scim2_server() as url:
        async with Entra(directory, url, token=TOKEN, settings=settings) as job:
            assert (await job.test_connection()).ok
            await job.start()
            report = await job.cycle()
            assert report.ok, report.failures[0]
            joiner, group = directory.add_user(person("nia", jobTitle="Pilot")), directory.assigned_groups()[0]
            directory.add_member(group, joiner.id)
            leaver = next(one for one in directory.member_users(group) if one != joiner.id)
            directory.edit_user(leaver, accountEnabled=False)
            report = await job.cycle()
            assert report.ok, report.failures[0]
        # Another job finds everybody by the matching attributes, and speaks in the other shape.
        async with Entra(directory, f"{url}?aadOptscim062020", token=TOKEN, settings=settings) as job:
            await job.start()
            report = await job.cycle()
            assert report.ok, report.failures[0]
            assert "create" not in report.actions
            mover = next(one.id for one in directory.users.values() if directory.roles_of(one.id) and one.id != leaver)
            directory.edit_user(mover, jobTitle="Captain", displayName="Captain")
            report = await job.cycle()
            assert (report.ok, report.actions) == (True, {"update": 1})
        found = await everything(url)
    users = {user["userName"]: user for user in found["Users"]}
    wanted = implied(directory)
    assert {name for name, user in users.items() if user["active"]} == {one["userName"] for one in wanted["users"]}
    assert users[directory.users[leaver].upn]["active"] is False
    assert (users["nia@example.com"]["title"], users[directory.users[mover].upn]["title"]) == ("Pilot", "Captain")
    names = {user["id"]: name for name, user in users.items()}
    members = {
        group["displayName"]: {names.get(one["value"]) for one in group.get("members", ())} for group in found["Groups"]
    }
    for group in wanted["groups"]:
        assert members[group["displayName"]] - {directory.users[leaver].upn} == set(group["members"])
