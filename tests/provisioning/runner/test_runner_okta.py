"""Okta's client over real sockets."""

import pytest

from mockscim import MockScim, Okta


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
