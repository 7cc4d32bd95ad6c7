"""Cycles: what is looked at, in which order, and what becomes of people and groups in the target."""

import random

import msgspec
import pytest
from entra_drive import BASE, HOUR, MINUTE, START, Run, Target, answers, codes, company, person

from mockscim.provisioning import mapping
from mockscim.provisioning.entra import Job, Settings
from mockscim.provisioning.scoping import Scope

ALL = Scope(mode="all")


@pytest.fixture
def run():
    """Ann and Bo in Engineering, which is assigned; both in the target."""
    made = Run(company("ann", "bo", groups={"Eng": ["ann", "bo"]}))
    made.cycle()
    made.target.forget()
    return made


def sent(run):
    """The lines of what was sent, but for the test of the connection and for what only reads."""
    return [line for line in run.target.lines if not line.startswith("GET")]


def active_of(run, name="ann"):
    return run.target.users[f"{name}@example.com"]["active"]


# --- initial and incremental ---


def test_an_initial_cycle_creates_users_then_groups_then_memberships():
    """Users come before groups, groups before memberships; a group is created empty and gets its members by PATCH."""
    run = Run(company("ann", person("bo", manager="src-ann"), groups={"Eng": ["ann", "bo"]}))
    cycle = run.cycle()
    assert cycle.initial
    ways = [each.method + " " + each.path.split("?")[0].split("/")[1] for each in run.target.requests]
    assert ways == [
        "GET Users", "GET Groups",
        *["GET Users", "POST Users"] * 2,
        "GET Groups", "POST Groups",
        "PATCH Users",
        "PATCH Groups",
    ]  # fmt: skip
    assert "members" not in run.target.sent("POST", "/Groups")[0].body
    assert run.target.groups == {"Eng": ["ann@example.com", "bo@example.com"]}
    ann = run.target.users["ann@example.com"]["id"]
    manager = run.target.users["bo@example.com"]["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"][
        "manager"
    ]
    assert manager["value"] == ann


def test_a_cycle_without_changes_sends_nothing(run):
    """Not even the connection is tested, and there is no log entry."""
    cycle = run.cycle()
    assert (cycle.quiet, run.target.requests, cycle.entries) == (True, [], [])
    assert cycle.execution.state == "Succeeded"


def test_an_incremental_cycle_looks_at_what_changed_alone(run):
    """Only the changed user is read, and what differs is sent."""
    run.directory.edit_user("src-bo", jobTitle="Lead")
    cycle = run.cycle()
    assert [line for line in run.target.lines if line.startswith(("GET /Users/", "PATCH"))] == [
        f"GET /Users/{run.link('bo').id}",
        f"PATCH /Users/{run.link('bo').id}",
    ]
    assert run.target.sent("PATCH")[0].body["Operations"] == [{"op": "Add", "path": "title", "value": "Lead"}]
    assert not cycle.initial


def test_cycles_come_forty_minutes_after_each_other(run):
    """The interval runs from the beginning of a cycle; a stopped job has none."""
    assert run.job.next_cycle() == START + 40 * MINUTE
    run.job.stop(run.now)
    assert (run.job.next_cycle(), run.job.why_not()) == (None, "provisioning was stopped")


def test_a_cycle_that_has_begun_ends_after_a_stop():
    """Stopping takes nothing away from the cycle in progress."""
    run = Run(company("ann", "bo"))
    cycle = run.job.cycle(run.directory, run.now)
    from mockscim.provisioning.wire import drive

    for phase in cycle.phases():
        run.job.stop(run.now)
        for item in phase.items:
            item.end(drive(item.steps(), run.target), run.now)
    assert len(run.target.users) == 2
    assert run.job.status()["schedule"]["state"] == "Paused"


def test_a_stopped_job_goes_on_where_it_was(run):
    """After a start only what has changed meanwhile is looked at."""
    run.job.stop(run.now)
    run.directory.edit_user("src-bo", jobTitle="Lead")
    run.job.start(run.now)
    assert not run.cycle().initial
    assert sent(run) == [f"PATCH /Users/{run.link('bo').id}"]


def test_what_has_no_value_in_the_source_is_left_alone_in_the_target(run):
    """Outbound provisioning never clears an attribute."""
    run.directory.edit_user("src-ann", jobTitle="Lead")
    run.cycle()
    run.directory.edit_user("src-ann", jobTitle=None)
    run.again()
    assert sent(run) == []
    assert run.target.users["ann@example.com"]["title"] == "Lead"


def test_the_order_in_which_answers_come_changes_nothing():
    """State and log are the same whichever item of a phase ends first."""
    found = []
    for shuffle in (None, random.Random(3)):  # noqa: S311
        names = [f"u{n}" for n in range(12)]
        run = Run(company(*names, groups={f"g{n}": names[n::3] for n in range(3)}))
        run.cycle(shuffle=shuffle)
        run.directory.edit_user("src-u3", jobTitle="Lead")
        run.directory.remove_member("grp-g1", "src-u4")
        run.cycle(shuffle=shuffle)
        log = [(e["id"], e["sourceIdentity"]["id"], e["provisioningAction"]) for c in run.cycles for e in c.entries]
        found.append((log, run.target.active(), run.target.groups))
    assert found[0] == found[1]


def test_the_same_seed_gives_the_same_requests():
    """GUIDs, too, follow from the seed; another seed gives others."""

    def requests(seed):
        run = Run(company("ann", groups={"Eng": ["ann"]}), seed=seed)
        run.cycle()
        return run.target.requests

    assert requests(4) == requests(4)
    assert requests(4)[0] != requests(5)[0]


# --- matching ---


def test_who_is_there_already_is_matched_and_updated():
    """An account of that userName is linked, and brought up to date; nobody is created."""
    target = Target()
    there = target.ask("POST", "/Users", {"userName": "ann@example.com", "displayName": "Other"}).body["id"]
    run = Run(company("ann"), target)
    run.cycle()
    assert run.link("ann").id == there
    assert [each.method for each in target.requests[2:]] == ["GET", "PATCH"]
    assert target.users["ann@example.com"]["displayName"] == "Ann"


def by_two(run):
    """Matching by externalId first, then by userName."""
    rows = []
    for each in run.job.schema.users.attributeMappings:
        turn = {"externalId": 1, "userName": 2}.get(each.targetAttributeName, 0)
        rows.append(msgspec.structs.replace(each, matchingPriority=turn))
    users = msgspec.structs.replace(run.job.schema.users, attributeMappings=rows)
    return msgspec.structs.replace(run.job.schema, users=users)


def test_matching_attributes_are_asked_one_by_one_and_the_first_hit_wins():
    """By precedence; the second is asked only where the first finds nobody."""
    target = Target()
    target.ask("POST", "/Users", {"userName": "other@example.com", "externalId": "ann"})
    target.ask("POST", "/Users", {"userName": "bo@example.com"})
    run = Run(company("ann", "bo"), target, by_two(Run(company())))
    run.cycle()
    asked = [each.purpose for each in target.requests if each.purpose.startswith("match")]
    assert asked == ["match user by externalId", "match user by externalId", "match user by userName"]
    assert len(target.users) == 2


def test_more_than_one_hit_is_duplicate_target_entries():
    """Nobody is chosen among several; the object fails."""
    run = Run(company("ann"))
    two = {"totalResults": 2, "Resources": [{"id": "1"}, {"id": "2"}]}
    run.target.say = [lambda r: answers(200, two)(r) if r.purpose.startswith("match") else None]
    assert codes(run.cycle()) == [("Ann", "other", "failure", "DuplicateTargetEntries")]
    assert run.target.sent("POST") == []


def test_a_group_that_comes_with_members_is_an_error():
    """Members are excluded from the query; a target that returns them all the same is not compatible."""
    run = Run(company("ann", groups={"Eng": ["ann"]}))
    one = {"totalResults": 1, "Resources": [{"id": "1", "displayName": "Eng", "members": [{"value": "x"}]}]}
    run.target.say = [lambda r: answers(200, one)(r) if r.purpose == "match group by displayName" else None]
    code = "SystemForCrossDomainIdentityManagementMultipleEntriesInResponse"
    assert codes(run.cycle())[1] == ("Eng", "other", "failure", code)


def test_two_people_of_the_source_do_not_share_one_of_the_target():
    """The second who matches the same object fails with DuplicateSourceEntries."""
    run = Run(company("ann", "bo"), schema=None)
    only = {"totalResults": 1, "Resources": [{"id": "1", "userName": "x", "active": True}]}
    run.target.say = [lambda r: answers(200, only)(r) if r.purpose.startswith("match") else None]
    run.target.say += [answers(200, {"id": "1"}, method="PATCH")]
    assert [each[3] for each in codes(run.cycle())] == [None, "DuplicateSourceEntries"]


def test_without_a_value_to_match_on_there_is_no_query():
    """MissingValues: neither created nor looked for."""
    run = Run(company(person("ann", mailNickname=None)), None, by_only("externalId"))
    assert codes(run.cycle()) == [("Ann", "other", "failure", "MissingValues")]


def by_only(name):
    schema = Run(company()).job.schema
    rows = [
        msgspec.structs.replace(each, matchingPriority=int(each.targetAttributeName == name))
        for each in schema.users.attributeMappings
    ]
    return msgspec.structs.replace(schema, users=msgspec.structs.replace(schema.users, attributeMappings=rows))


def test_characters_that_cannot_be_filtered_by_fail_where_one_says_so():
    """A known issue, as a switch; by default they are quoted and sent."""
    run = Run(company(person("o'brien")), unfilterable="'")
    assert codes(run.cycle())[0][2] == "failure"
    assert Run(company(person("o'brien"))).cycle().entries[0]["provisioningStatusInfo"]["status"] == "success"


# --- references ---


def test_members_are_never_read_back(run):
    """A membership that is changed in the target is not noticed, and not put right."""
    group = run.target.ask("GET", "/Groups", None).body["Resources"][0]["id"]
    everybody = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}
    run.target.ask("PATCH", f"/Groups/{group}", {**everybody, "Operations": [{"op": "remove", "path": "members"}]})
    run.directory.edit_group("grp-Eng", displayName="Engineering")
    run.again()
    assert all("excludedAttributes=members" in each.path for each in run.target.sent("GET", "/Groups"))
    run.job.restart(run.now)
    run.again()
    assert run.target.groups == {"Engineering": []}


def test_a_full_restart_sends_memberships_again(run):
    """Full forgets the links: everything is matched, and the members are added once more."""
    run.job.restart(run.now, "Full")
    run.cycle()
    assert run.target.sent("POST") == []
    assert len(run.target.sent("PATCH", "/Groups")) == 1


def test_a_member_who_comes_into_scope_later_is_noticed_at_a_restart_alone():
    """The reference was passed over, and stays so in incremental cycles."""
    run = Run(company("ann", person("bo", accountEnabled=False), groups={"Eng": ["ann", "bo"]}))
    run.cycle()
    run.directory.edit_user("src-bo", accountEnabled=True)
    run.again()
    run.directory.add_user(person("cy"))
    run.directory.add_member("grp-Eng", "src-cy")
    run.directory.remove_member("grp-Eng", "src-cy")
    run.directory.edit_group("grp-Eng", mailNickname="eng")
    run.again()
    assert run.target.active() == ["ann@example.com", "bo@example.com"]
    assert run.target.groups == {"Eng": ["ann@example.com"]}
    run.job.restart(run.now)
    run.again()
    assert run.target.groups == {"Eng": ["ann@example.com", "bo@example.com"]}


def test_a_manager_who_comes_into_scope_later_is_noticed_at_a_restart_alone():
    """As with members."""
    run = Run(company(person("ann", manager="src-boss"), "boss", assigned=["src-ann"]))
    run.cycle()
    run.directory.assign("src-boss")
    run.again()
    assert run.link("ann").manager is None
    run.job.restart(run.now)
    run.again()
    assert run.link("ann").manager == "src-boss"


def test_a_new_manager_replaces_the_old_one():
    """The reference delta is sent in the second pass."""
    run = Run(company(person("ann", manager="src-bo"), "bo", "cy"))
    run.cycle()
    run.directory.edit_user("src-ann", manager="src-cy")
    run.again()
    operations = run.target.sent("PATCH")[0].body["Operations"]
    assert [each["value"] for each in operations] == [run.link("cy").id]


def test_nested_groups_are_not_expanded():
    """Neither the group inside nor its people are provisioned."""
    directory = company("ann", "bo", groups={"Inner": ["bo"], "Outer": ["ann"]}, assigned=["grp-Outer"])
    directory.add_member("grp-Outer", "grp-Inner")
    run = Run(directory)
    run.cycle()
    assert (run.target.active(), run.target.groups) == (["ann@example.com"], {"Outer": ["ann@example.com"]})


def test_a_group_that_is_no_security_group_is_not_provisioned():
    """It can be assigned to nothing."""
    directory = company("ann", groups={"Lunch": ["ann"]})
    directory.edit_group("grp-Lunch", securityEnabled=False)
    run = Run(directory, scope=ALL)
    run.cycle()
    assert run.target.groups == {}


def test_members_go_in_batches():
    """So many in one PATCH; those who leave go by another."""
    names = [f"u{n}" for n in range(7)]
    run = Run(company(*names, groups={"Eng": names}), members_per_patch=3)
    run.cycle()
    sizes = [len(each.body["Operations"][0]["value"]) for each in run.target.sent("PATCH", "/Groups")]
    assert sizes == [3, 3, 1]


def test_one_member_who_is_refused_does_not_keep_the_others_out():
    """A batch that is refused is sent one by one; who is refused stays in escrow."""
    run = Run(company("ann", "bo", "cy", groups={"Eng": ["ann", "bo", "cy"]}))

    def refuse(request):
        if request.method == "PATCH" and run.target.users["bo@example.com"]["id"] in str(request.body):
            return answers(400, {"detail": "no"})(request)
        return None

    run.target.say = [refuse]
    cycle = run.cycle()
    assert run.target.groups == {"Eng": ["ann@example.com", "cy@example.com"]}
    assert codes(cycle)[-1][2] == "failure"
    assert list(run.job.state.escrows) == ["Group:references:grp-Eng"]


def test_with_the_reference_check_what_is_there_is_not_sent():
    """Older documentation: the target is asked for a reference before it is set."""
    people = [person("ann", manager="src-bo"), "bo"]
    run = Run(company(*people, groups={"Eng": ["ann"]}), scope=ALL, reference_check=True)
    run.cycle()
    run.job.restart(run.now, "Full")
    run.again()
    assert run.target.sent("PATCH") == []
    assert [each.purpose for each in run.target.requests if each.purpose.startswith("check")] == [
        "check manager",
        "check member",
    ]


# --- changes of the job ---


def test_a_change_of_a_mapping_clears_the_watermark(run):
    """Everything is looked at again; another setting leaves it."""
    assert not run.job.configure(run.now, settings=Settings(target=BASE, interval=HOUR))
    schema = mapping.dump(run.job.schema)
    schema["users"]["attributeMappings"].append({"targetAttributeName": "nickName", "source": "mailNickname"})
    assert run.job.configure(run.now, schema=mapping.load(schema))
    assert run.cycle().initial
    assert run.target.users["ann@example.com"]["nickName"] == "ann"


def test_a_restart_keeps_the_links(run):
    """All are looked at by their cached ids; nothing differs, so nothing is sent."""
    run.job.restart(run.now)
    cycle = run.cycle()
    assert cycle.initial
    assert sent(run) == []
    assert not [each for each in run.target.requests if each.purpose.startswith("match")]
    assert {each[3] for each in codes(cycle)} == {"RedundantExport"}


def test_what_a_restart_resets_is_chosen_by_name(run):
    """resetScope: the names of Graph's, one or several; an unknown one is named."""
    run.job.restart(run.now, "Escrows")
    assert run.job.state.watermark is not None
    run.job.restart(run.now, "Watermark, ConnectorDataStore")
    assert (run.job.state.watermark, run.job.state.users) == (None, {})
    with pytest.raises(ValueError, match="'Everything' cannot be reset"):
        run.job.restart(run.now, "Everything")


def test_a_job_survives_being_written_and_read(run):
    """Between two runs the state is a file; the next cycle goes on from there."""
    run.job = Job.load(run.job.dump())
    assert run.cycle().quiet
    run.directory.edit_user("src-bo", jobTitle="Lead")
    run.again()
    assert sent(run) == [f"PATCH /Users/{run.link('bo').id}"]


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"version": 2}', b'{"version":1}', b"\xff"])
def test_a_file_that_is_no_job_is_refused(data):
    """With a ValueError that says what was expected."""
    with pytest.raises(ValueError, match="state"):
        Job.load(data)


def test_a_cycle_that_is_broken_off_keeps_what_was_done():
    """Who was created is linked; the next cycle is an initial one again, and creates the rest."""
    from mockscim.provisioning.wire import drive

    run = Run(company("ann", "bo", "cy"))
    cycle = run.job.cycle(run.directory, run.now)
    for phase in cycle.phases():
        for item in phase.items[:2]:
            item.end(drive(item.steps(), run.target), run.now)
        if phase.name == "users":
            break
    cycle.finish(run.now)
    assert (sorted(run.job.state.users), run.job.state.watermark) == (["src-ann", "src-bo"], None)
    run.again()
    assert len(run.target.sent("POST")) == 1
    assert len(run.target.users) == 3


def test_a_change_of_the_scope_looks_again_at_who_was_passed_over():
    """The watermark is cleared, and references are looked at as at a restart."""
    run = Run(company("ann", person("bo", accountEnabled=False), groups={"Eng": ["ann", "bo"]}))
    run.cycle()
    run.directory.edit_user("src-bo", accountEnabled=True)
    run.job.configure(run.now, settings=Settings(target=BASE, scope=ALL))
    run.cycle()
    assert run.target.groups == {"Eng": ["ann@example.com", "bo@example.com"]}


def test_what_changes_while_a_cycle_runs_is_for_the_next_one(run):
    """The watermark is that of the reading, not of the end."""
    run.directory.edit_user("src-ann", jobTitle="Lead")
    run.target.say = [
        lambda r: run.directory.edit_user("src-bo", jobTitle="Clerk") and None if r.method == "PATCH" else None
    ]
    run.cycle()
    run.target.say = []
    run.again()
    assert run.target.users["bo@example.com"]["title"] == "Clerk"


def test_who_vanished_before_a_restart_is_deleted_by_it(run):
    """An initial cycle reads the source, and what is linked and not there any more."""
    run.directory.hard_delete_user("src-ann")
    run.directory.delete_group("grp-Eng")
    run.directory.assign("src-bo")
    run.job.restart(run.now)
    run.cycle()
    assert (list(run.target.users), run.target.groups) == (["bo@example.com"], {})


def test_deletes_come_before_what_takes_their_place(run):
    """A group, and a person, of the same name as one that is deleted in the same cycle are made, not confused."""
    run.directory.soft_delete_user("src-ann")
    run.directory.add_user(person("ann") | {"id": "src-ann2"})
    run.directory.add_group({"id": "grp-2", "displayName": "Eng", "members": ["src-ann2", "src-bo"]})
    run.directory.assign("grp-2")
    run.directory.hard_delete_user("src-ann")
    run.directory.delete_group("grp-Eng")
    cycle = run.cycle()
    assert {each[2] for each in codes(cycle)} <= {"success", "skipped"}
    assert run.target.groups == {"Eng": ["ann@example.com", "bo@example.com"]}


def test_who_was_deleted_for_good_is_not_taken_out_of_groups_as_well(run):
    """The target has done so by itself; a later change of the group sends nothing about them."""
    run.directory.hard_delete_user("src-ann")
    run.cycle()
    assert sent(run) == [f"DELETE {run.target.sent('DELETE')[0].path}"]
    run.directory.edit_group("grp-Eng", displayName="Engineering")
    run.again()
    assert "members" not in str(run.target.sent("PATCH", "/Groups")[0].body)
    assert len(run.target.sent("PATCH", "/Groups")) == 1


def test_an_account_that_is_no_longer_managed_may_be_matched_by_somebody_else(run):
    """A person of the same name who comes after one who has left gets the account."""
    run.directory.remove_member("grp-Eng", "src-ann")
    run.cycle()
    before = run.link("ann").id
    run.directory.soft_delete_user("src-ann")
    run.directory.add_user(person("ann") | {"id": "src-ann2"})
    run.directory.add_member("grp-Eng", "src-ann2")
    run.cycle()
    assert run.job.state.users["src-ann2"].id == before
    assert active_of(run) is True
