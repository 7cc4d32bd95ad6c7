"""Okta's client over real sockets."""

import asyncio

import orjson
import pytest

from mockscim import MockScim, Okta
from mockscim.provisioning.directory import dump


@pytest.mark.parametrize("app_type", ["oin", "aiw"])
async def test_a_company_and_its_changes(company, person, app_type):
    """Everybody who is assigned is pushed with the groups; joiners, movers and leavers follow, and invariants hold."""
    directory = company(40, 5)
    async with (
        MockScim(profile="standard", clock="virtual", seed=7) as scim,
        Okta(directory, scim.base_url, token=scim.token, app_type=app_type, concurrency=4) as app,
    ):
        assert (await app.test_connection()).ok
        report = await app.push()
        assert report.ok, report.failures[0]
        assigned = {one.upn for one in directory.users.values() if directory.roles_of(one.id) and one.enabled}
        assert {user["userName"] for user in scim.users} == assigned
        assert len(scim.groups) == len(directory.assigned_groups())
        directory.add_member(
            directory.assigned_groups()[0], directory.add_user(person("nia", surname="Nia", givenName="N")).id
        )
        leaver = directory.member_users(directory.assigned_groups()[0])[0]
        directory.edit_user(leaver, accountEnabled=False)
        report = await app.push()
        assert report.ok, report.failures[0]
        assert scim.users["nia@example.com"]["active"] is True
        assert scim.users[directory.users[leaver].upn]["active"] is False
        assert (await app.push()).quiet
        assert scim.invariants().broken == []
        methods = {one.method for one in scim.journal if one.operation == "user.replace"}
        assert methods == (set() if app_type == "oin" else {"PUT"})


async def test_steps_failures_and_tasks(segment):
    """A run pushes at the time of each step; what failed is a task until it is tried again."""
    async with Okta("small", segment.base_url, token=segment.token) as app:
        with segment.fault("abort", operation="user.create", status=500, times=1):
            report = await app.push()
        assert len(report.failures) == 1
        (task,) = app.tasks
        report = await app.retry([task.id])
        assert report.ok
        assert app.tasks == []
        reports = await app.run()
        assert len(reports) == 3
        assert all(one.ok for one in reports)
    assert {one.request.headers["user-agent"] for one in segment.journal} == {"Okta SCIM Client 1.0.0"}


async def test_a_group_that_failed_is_not_tried_all_the_time(segment):
    """In a run of real time once, and again when its time has come; the directory's changes do not wait for that."""
    settings = {"retry_interval": 0.5}
    async with Okta("small", segment.base_url, token=segment.token, clock="real", settings=settings) as app:
        with segment.fault("abort", operation="group.create", status=503) as fault:
            reports = await app.run(duration=0.4)
            assert (len(reports), fault.hits) == (1, 2)
            reports = await app.run(2, duration=30)
            assert (len(reports), fault.hits) == (2, 6)
            assert reports[1].at - reports[0].at >= 0.5
    async with Okta("small", segment.base_url, token=segment.token, clock="virtual") as app:
        with segment.fault("abort", operation="group.list", status=503, times=4):
            reports = await app.run(duration=1800)
        assert [round(one.at - reports[0].at) for one in reports] == [0, 600, 1200]
        assert reports[-1].ok


async def test_a_run_in_real_time_sees_an_edit_at_once(segment, company, tmp_path):
    """Of the source's file, and of the directory as it lives."""
    source = tmp_path / "directory.json"
    document = dump(company(6, 2))
    source.write_bytes(orjson.dumps(document))
    one, two = (user["id"] for user in document["users"][:2])
    settings = {"push_groups": "none"}
    async with Okta(source, segment.base_url, token=segment.token, clock="real", settings=settings) as app:
        running = asyncio.create_task(app.run(3))
        async with asyncio.timeout(10):
            while not app.app.state.last_push:
                await asyncio.sleep(0.01)
            document["users"][0]["displayName"] = "Renamed"
            source.write_bytes(orjson.dumps(document))
            while app.app.state.users[one].profile["displayName"] != "Renamed":
                await asyncio.sleep(0.01)
            app.directory.edit_user(two, displayName="Renamed, too")
            reports = await running
    assert [one.ok for one in reports] == [True, True, True]
    assert app.app.state.users[two].profile["displayName"] == "Renamed, too"
