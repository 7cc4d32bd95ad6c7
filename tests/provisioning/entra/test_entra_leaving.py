"""Who leaves, and who comes back: disabling, deleting, what is no longer managed; and the switches for guesses."""

import msgspec
import pytest
from entra_drive import BASE, DAY, Run, Target, answers, codes, company, person

from mockscim.provisioning import mapping
from mockscim.provisioning.directory import DEFAULT_ACCESS
from mockscim.provisioning.entra import Settings
from mockscim.provisioning.scoping import Clause, Scope, ScopingFilter

ALL = Scope(mode="all")
FLAGGED = f"{BASE}?aadOptscim062020"


@pytest.fixture
def run():
    """Ann and Bo in Engineering, which is assigned; both in the target."""
    made = Run(company("ann", "bo", groups={"Eng": ["ann", "bo"]}))
    made.cycle()
    made.target.forget()
    return made


def with_filter(run, attribute, operator, value=None):
    """The job's mapping with a scoping filter for users."""
    users = msgspec.structs.replace(run.job.schema.users, scope=[ScopingFilter([Clause(attribute, operator, value)])])
    return msgspec.structs.replace(run.job.schema, users=users)


def with_types(schema, kind, *types):
    """A mapping with some of the target object actions ticked."""
    return msgspec.structs.replace(
        schema, **{kind: msgspec.structs.replace(getattr(schema, kind), flowTypes=list(types))}
    )


def sent(run):
    """The lines of what was sent, but for the test of the connection and for what only reads."""
    return [line for line in run.target.lines if not line.startswith("GET")]


def active_of(run, name="ann"):
    return run.target.users[f"{name}@example.com"]["active"]


# --- leaving, and coming back ---


def test_who_is_unassigned_is_disabled_and_no_longer_managed(run):
    """PATCH active=false; a later deletion in the source sends nothing."""
    run.directory.remove_member("grp-Eng", "src-ann")
    run.cycle()
    assert active_of(run) is False
    assert not run.link("ann").managed
    run.directory.soft_delete_user("src-ann")
    run.directory.hard_delete_user("src-ann")
    run.again()
    assert run.target.requests == []
    assert "ann@example.com" in run.target.users


def test_who_is_scoped_out_by_a_filter_is_disabled(run):
    """Scope loss, here by a change of the filter, which clears the watermark."""
    run.directory.edit_user("src-ann", department="Sales")
    assert run.job.configure(run.now, schema=with_filter(run, "department", "NOT EQUALS", "Sales"))
    cycle = run.cycle()
    assert cycle.initial
    # A clause about an attribute without a value is false: so Bo is out, too.
    assert run.target.active() == []


def test_who_is_soft_deleted_is_disabled_and_deleted_when_gone_for_good(run):
    """30 days after the soft deletion the source forgets the person: only then there is a DELETE."""
    run.directory.soft_delete_user("src-ann")
    run.cycle()
    assert (active_of(run), run.link("ann").managed) == (False, True)
    run.now += 31 * DAY
    run.again()
    assert [line for line in sent(run) if line.startswith("DELETE")]
    assert run.target.active() == ["bo@example.com"]
    assert "ann@example.com" not in run.target.users


def test_who_is_blocked_is_disabled_and_enabled_again(run):
    """accountEnabled=false disables, true enables; memberships are not sent again."""
    run.directory.edit_user("src-ann", accountEnabled=False)
    run.cycle()
    assert active_of(run) is False
    run.directory.edit_user("src-ann", accountEnabled=True)
    run.again()
    assert active_of(run) is True
    assert [each.body["Operations"] for each in run.target.sent("PATCH")] == [
        [{"op": "Replace", "path": "active", "value": "True"}]
    ]


def test_a_deletion_that_is_taken_back_sends_active_alone(run):
    """Who is restored is enabled, and gets no membership back."""
    run.directory.soft_delete_user("src-ann")
    run.cycle()
    run.directory.restore_user("src-ann")
    run.again()
    assert [line.split("/")[1] for line in sent(run)] == ["Users"]


def test_who_is_assigned_again_is_matched_anew(run):
    """No longer managed means that the cached id is not trusted: there is a query, and active=true."""
    run.directory.remove_member("grp-Eng", "src-ann")
    run.cycle()
    run.directory.add_member("grp-Eng", "src-ann")
    run.again()
    assert "match user by userName" in [each.purpose for each in run.target.requests]
    assert active_of(run) is True
    assert run.target.groups["Eng"] == ["ann@example.com", "bo@example.com"]


def test_who_is_disabled_when_first_seen_is_not_provisioned():
    """There is an entry in the log, and no request about them."""
    run = Run(company(person("ann", accountEnabled=False), "bo"))
    assert codes(run.cycle())[0] == ("Ann", "other", "skipped", "Disabled")
    assert run.target.active() == ["bo@example.com"]


def test_who_is_not_assigned_is_not_even_logged():
    """Assigned users and groups only: nobody else is imported."""
    run = Run(company("ann", "bo", assigned=["src-ann"]))
    assert [each[0] for each in codes(run.cycle())] == ["Ann"]


def test_with_the_scope_all_everybody_is_provisioned():
    """Assignments do not matter."""
    run = Run(company("ann", "bo", groups={"Eng": ["ann"]}, assigned=[]), scope=ALL)
    run.cycle()
    assert run.target.active() == ["ann@example.com", "bo@example.com"]
    assert run.target.groups == {"Eng": ["ann@example.com"]}


def test_the_deletion_of_a_group_sends_delete(run):
    """Its people, who were assigned by it, are disabled."""
    run.directory.delete_group("grp-Eng")
    run.cycle()
    assert (run.target.groups, run.target.active()) == ({}, [])


def test_a_group_that_leaves_the_scope_is_deleted(run):
    """Out-of-scope groups: DELETE; there is no way of disabling a group."""
    run.directory.assign("src-ann")
    run.directory.unassign("grp-Eng")
    run.cycle()
    assert (run.target.groups, run.target.active()) == ({}, ["ann@example.com"])


def test_skip_out_of_scope_deletions_keeps_everybody():
    """Scope loss then does nothing; a soft deletion still disables."""
    run = Run(company("ann", "bo", groups={"Eng": ["ann", "bo"]}), skip_out_of_scope_deletions=True)
    run.cycle()
    run.directory.unassign("grp-Eng")
    cycle = run.again()
    assert sent(run) == []
    assert {each[3] for each in codes(cycle)} == {"SkipOutOfScopeDeletions"}
    run.directory.soft_delete_user("src-ann")
    run.again()
    assert run.target.active() == ["bo@example.com"]


def test_where_active_is_not_mapped_people_are_deleted_instead():
    """Segment's published mapping has no active: the target is then taken not to know soft deletion."""
    run = Run(company("ann", "bo", groups={"Eng": ["ann", "bo"]}), Target("segment"), app="segment", target=FLAGGED)
    run.cycle()
    run.directory.edit_user("src-ann", accountEnabled=False)
    run.again()
    assert f"DELETE /Users/{run.target.requests[-1].path.split('/')[-1]}" in run.target.lines
    assert list(run.target.users) == ["bo@example.com"]


def test_a_switch_disables_where_active_is_not_mapped():
    """soft_delete: active=false is sent all the same."""
    run = Run(company("ann"), None, None, app="segment", soft_delete=True)
    run.cycle()
    run.directory.unassign("src-ann")
    run.again()
    assert active_of(run) is False


def test_active_mapped_from_account_enabled_does_not_fire_on_unassignment():
    """Cloudflare's warning: nothing differs, so nothing is sent."""
    schema = mapping.dump(mapping.load("non-gallery"))
    for each in schema["users"]["attributeMappings"]:
        if each["targetAttributeName"] == "active":
            each.update(type="Direct", source="accountEnabled")
    run = Run(company("ann"), None, mapping.load(schema))
    run.cycle()
    run.directory.unassign("src-ann")
    run.again()
    assert (sent(run), active_of(run)) == ([], True)


@pytest.mark.parametrize(
    ("ticked", "reason"),
    [(("Update", "Delete"), "CreateNotSelected"), (("Add", "Delete"), "UpdateNotSelected")],
)
def test_target_object_actions_can_be_unticked(ticked, reason):
    """Create or Update unticked: the log says so, and nothing is sent."""
    target = Target()
    target.ask("POST", "/Users", {"userName": "bo@example.com", "displayName": "Other"})
    run = Run(company("ann", "bo"), target, with_types(Run(company()).job.schema, "users", *ticked))
    assert reason in [each[3] for each in codes(run.cycle())]
    assert ("ann@example.com" in target.users) == ("Add" in ticked)


def test_without_delete_a_hard_deletion_sends_nothing(run):
    """Delete unticked: the person stays in the target."""
    run.job.configure(run.now, schema=with_types(run.job.schema, "users", "Add", "Update"))
    run.directory.hard_delete_user("src-ann")
    run.again()
    assert run.target.sent("DELETE") == []
    assert "ann@example.com" in run.target.users


def test_default_access_can_be_excluded():
    """As it was for jobs made before 16 April 2020: not effectively entitled."""
    directory = company("ann", assigned=[])
    directory.assign("src-ann", DEFAULT_ACCESS)
    run = Run(directory, scope=Scope(default_access_excluded=True))
    assert codes(run.cycle()) == [("Ann", "other", "skipped", "NotEffectivelyEntitled")]
    other = Run(directory)
    other.cycle()
    assert other.target.active() == ["ann@example.com"]


# --- switches that stand for what is documented nowhere, or differently ---


def test_a_target_that_is_known_not_to_disable_is_sent_deletes():
    """soft_delete=false: DELETE on unassignment, though active is mapped."""
    run = Run(company("ann"), soft_delete=False)
    run.cycle()
    run.directory.unassign("src-ann")
    run.again()
    assert [each.method for each in run.target.requests[2:]] == ["DELETE"]


def test_the_test_of_the_connection_at_the_beginning_can_be_left_out():
    """probe=false: the first request is about somebody."""
    run = Run(company("ann"), probe=False)
    run.cycle()
    assert [each.purpose for each in run.target.requests] == ["match user by userName", "create user"]


def test_creates_can_be_sent_without_what_strict_servers_refuse():
    """empty_roles, user_schemas and adscim_schema: so even a strict server takes them, with the flag."""
    schemas = ("urn:ietf:params:scim:schemas:core:2.0:User",)
    directory = company("ann", groups={"Eng": ["ann"]})
    settings = {"user_schemas": schemas, "empty_roles": False, "adscim_schema": False}
    run = Run(directory, Target(strict=True), compliant=True, **settings)
    run.cycle()
    assert run.target.groups == {"Eng": ["ann@example.com"]}
    user, group = (each.body for each in run.target.sent("POST"))
    assert (user["schemas"], "roles" in user, len(group["schemas"])) == (list(schemas), False, 1)


def test_a_refused_batch_can_be_left_refused():
    """split_refused=false: nobody of the batch gets in."""
    run = Run(company("ann", "bo", groups={"Eng": ["ann", "bo"]}), split_refused=False)
    run.target.say = [answers(400, method="PATCH", start="/Groups")]
    run.cycle()
    assert len(run.target.sent("PATCH", "/Groups")) == 1


def test_an_expression_that_fails_fails_the_object_alone():
    """The log names the target attribute; everybody else is provisioned."""
    schema = mapping.dump(mapping.load("non-gallery"))
    schema["users"]["attributeMappings"].append(
        {"targetAttributeName": "nickName", "type": "Expression", "source": "CDate([jobTitle])"}
    )
    run = Run(company(person("ann", jobTitle="no date"), "bo"), None, mapping.load(schema))
    cycle = run.cycle()
    assert [each[2:] for each in codes(cycle)] == [("failure", "InternalError"), ("success", None)]
    assert "nickName" in cycle.entries[0]["provisioningStatusInfo"]["errorInformation"]["reason"]


@pytest.mark.parametrize(
    "wrong",
    [{"interval": 0}, {"members_per_patch": 0}, {"deletion_threshold": -1}, {"escrow_series": (7200.0, 3600.0)}],
)
def test_settings_no_job_could_run_with_are_refused(wrong):
    """A ValueError names the setting."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings(**wrong)
