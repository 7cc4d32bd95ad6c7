"""Group push."""

import pytest
from okta_driver import NOW, Script, Target, app, directory, listed, person, refused, run

from mockscim.provisioning.okta import PushRule
from mockscim.provisioning.wire import Answer

PEOPLE = [person("Ann Ashdown"), person("Ben Bray"), person("Cleo Cole")]
ANN, BEN, CLEO = (each["userPrincipalName"] for each in PEOPLE)


def crew(*members, assigned=None):
    """A source with one group."""
    return directory(*PEOPLE, groups=[("Crew", members)], assigned=assigned)


def pushed(source, target, **settings):
    """An application that has pushed once."""
    made = app(**{"push_groups": "all", **settings})
    run(made.push(source, NOW), target)
    target.taken()
    return made


def operations(target):
    """The operations of each PATCH of a group since last asked, as short texts."""
    found = [each.body["Operations"] for each in target.requests if each.method == "PATCH"]
    target.requests.clear()
    return [[each.get("path", "").partition("[")[0] + " " + each["op"] for each in listed] for listed in found]


def test_a_group_is_created_empty_and_filled_afterwards():
    """Look-up, POST with no members, then the name again and one add with everybody."""
    target = Target()
    run(app(push_groups="all").push(crew(ANN, BEN), NOW), target)
    requests = [each for each in target.requests if "/Groups" in each.path]
    assert [each.method for each in requests] == ["GET", "POST", "PATCH", "PATCH"]
    assert requests[1].body["members"] == []
    assert [each["display"] for each in requests[3].body["Operations"][0]["value"]] == [ANN, BEN]
    assert target.groups() == {"Crew": {ANN, BEN}}


def test_a_group_of_nobody_is_only_created():
    """There is no second request for members that are not there."""
    target = Target()
    run(app(push_groups="all").push(crew(), NOW), target)
    assert [each.method for each in target.requests if "/Groups" in each.path] == ["GET", "POST"]


def test_members_go_and_come_in_one_patch_behind_the_name():
    """The name is sent again with each change of members; removes stand before the add."""
    target = Target()
    source = crew(ANN)
    made = pushed(source, target)
    source.remove_member("Crew", ANN)
    source.add_member("Crew", BEN)
    source.add_member("Crew", CLEO)
    run(made.push(source, NOW), target)
    assert operations(target) == [[" replace"], ["members remove", "members add"]]
    assert target.groups() == {"Crew": {BEN, CLEO}}


def test_a_rename_alone_sends_the_name_alone():
    """With the id beside it, as documented; the members stay."""
    target = Target()
    source = crew(ANN)
    made = pushed(source, target)
    source.edit_group("Crew", displayName="Team")
    run(made.push(source, NOW), target)
    value = target.requests[0].body["Operations"][0]["value"]
    assert value == {"id": made.state.groups["id-crew"].target, "displayName": "Team"}
    assert len(target.requests) == 1
    assert target.groups() == {"Team": {ANN}}


def test_only_those_with_an_account_are_members():
    """A member of the group is to be assigned to the application too; who is assigned later joins then."""
    target = Target()
    source = crew(ANN, BEN, assigned=[ANN])
    made = pushed(source, target)
    assert target.groups() == {"Crew": {ANN}}
    source.assign(BEN)
    run(made.push(source, NOW), target)
    assert target.groups() == {"Crew": {ANN, BEN}}


def test_who_loses_the_account_leaves_the_group():
    """The removal names an id that a server such as Segment has forgotten already, and that is no error."""
    for profile in ("standard", "segment"):
        target = Target(profile)
        source = crew(ANN, BEN)
        made = pushed(source, target)
        source.unassign(BEN)
        run(made.push(source, NOW), target)
        assert target.groups() == {"Crew": {ANN}}
        assert made.tasks == []


def test_who_loses_the_account_may_stay_in_the_group():
    """The switch: nothing is sent about the group."""
    target = Target()
    source = crew(ANN, BEN)
    made = pushed(source, target, remove_unassigned=False)
    source.unassign(BEN)
    run(made.push(source, NOW), target)
    assert operations(target) == [[" replace"]]  # of the user
    assert target.groups() == {"Crew": {ANN, BEN}}


def test_a_suspended_member_neither_comes_nor_goes():
    """Of one who is suspended nothing is said, until it is over."""
    target = Target()
    source = crew(ANN, BEN)
    made = pushed(source, target)
    for name in (BEN, CLEO):
        source.edit_user(name, status="SUSPENDED")
    source.remove_member("Crew", BEN)
    source.add_member("Crew", CLEO)
    assert run(made.push(source, NOW), target).quiet
    for name in (BEN, CLEO):
        source.edit_user(name, status="ACTIVE")
    run(made.push(source, NOW), target)
    assert target.groups() == {"Crew": {ANN, CLEO}}


def test_push_now_replaces_all_members():
    """A full push mends what somebody has changed over there."""
    target = Target()
    source = crew(ANN, BEN)
    made = pushed(source, target)
    made.state.groups["id-crew"].members.pop("id-ben")  # Okta believes what it has sent last
    run(made.push_now(source, "Crew", NOW), target)
    assert operations(target) == [[" replace"], ["members replace"]]
    assert target.groups() == {"Crew": {ANN, BEN}}
    for wrong in ("nobody", "Crew"):
        made.settings.push_groups = "none" if wrong == "Crew" else "all"
        with pytest.raises(ValueError, match="group"):
            made.push_now(source, wrong, NOW)


def test_a_group_that_is_there_is_linked_and_gets_the_members_of_the_source():
    """Found by displayName: no POST, and a full push."""
    target = Target()
    pushed(crew(CLEO), target)
    made = pushed(crew(ANN), target)
    assert len(target.resources("/Groups")) == 1
    assert target.groups() == {"Crew": {ANN}}
    assert made.state.groups["id-crew"].target == target.resources("/Groups")[0]["id"]


def test_another_group_of_the_name_is_created_where_the_switch_says_so():
    """No look-up, a POST; what the server makes of a name that is taken is its affair."""
    target = Target()
    run(app(push_groups="all", existing_group="create").push(crew(), NOW), target)
    assert [each.method for each in target.requests if "/Groups" in each.path] == ["POST"]


def test_a_group_is_linked_to_an_id_that_an_administrator_chooses():
    """It is read to see whether it is there; one that belongs to another group is refused."""
    target = Target()
    source = directory(*PEOPLE, groups=[("Crew", [ANN]), ("Club", [BEN])])
    made = pushed(source, target)
    pushed(directory(*PEOPLE, groups=[("Old crew", [CLEO])]), target)
    old = next(each["id"] for each in target.resources("/Groups") if each["displayName"] == "Old crew")
    run(made.link_group(source, "Crew", old, NOW), target)
    assert target.taken()[0] == f"GET /Groups/{old}"
    assert made.state.groups["id-crew"].target == old
    club = made.state.groups["id-club"].target
    with pytest.raises(ValueError, match="linked to another"):
        made.link_group(source, "Crew", club, NOW)


@pytest.mark.parametrize(("unlink", "left"), [("leave", {"Crew": {ANN}}), ("delete", {})])
def test_a_group_that_is_not_pushed_any_more_is_left_or_deleted(unlink, left):
    """Leave the group in the target app, or delete it there."""
    target = Target()
    source = crew(ANN)
    made = pushed(source, target, unlink=unlink)
    source.delete_group("Crew")
    push = run(made.push(source, NOW), target)
    assert target.groups() == left
    assert made.state.groups == {}
    assert push.entries[-1]["eventType"] == "application.provision.group_push.removed"


def test_groups_are_chosen_by_assignment_or_by_rule():
    """Those assigned to the application, all, those whose name a rule fits, or none."""
    groups = [("Crew", []), ("Sales EU", []), ("Sales US", [])]
    wanted = {
        "assigned": {"Crew"},
        "all": {"Crew", "Sales EU", "Sales US"},
        "none": set(),
        "rules": {"Sales EU", "Sales US"},
    }
    for mode, names in wanted.items():
        target = Target()
        source = directory(*PEOPLE, groups=groups, assigned=["Crew"])
        run(app(push_groups=mode, push_rules=[PushRule("starts with", "sales")]).push(source, NOW), target)
        assert set(target.groups()) == names
    tests = {("ends with", "EU"): "Sales EU", ("contains", "LES U"): "Sales US", ("equals", "crew"): "Crew"}
    for (operator, value), name in tests.items():
        assert [each for each, _ in groups if PushRule(operator, value).holds(each)] == [name]


def test_a_group_that_is_gone_over_there_is_not_pushed_until_the_link_is_changed():
    """The wording is Okta's; a retry looks for the name anew, and creates the group again."""
    target = Target()
    source = crew(ANN)
    made = pushed(source, target, app_name="Segment")
    target.break_next("PATCH /Groups", refused(404, "no such group"))
    source.add_member("Crew", BEN)
    push = run(made.push(source, NOW), target)
    words = "Linked group is missing in Segment. Change the linked group to resume pushing group memberships."
    assert [(task.message, task.automatic) for task in made.tasks] == [(words, False)]
    failed = "application.provision.group_push.mapping.update.or.delete.failed.with.error"
    assert push.entries[-1]["eventType"] == failed
    source.add_member("Crew", CLEO)
    assert run(made.push(source, NOW), target).quiet
    run(made.retry(source, NOW), target)
    assert target.groups() == {"Crew": {ANN, BEN, CLEO}}
    assert made.tasks == []


@pytest.mark.parametrize("trouble", [refused(503), refused(429), Answer(None, error="timeout")])
def test_what_may_go_by_itself_is_tried_again_with_the_next_push(trouble):
    """The event type says that it will be retried, and it is, without anybody's asking."""
    target = Target()
    source = crew(ANN)
    made = pushed(source, target)
    target.break_next("PATCH /Groups", trouble)
    source.add_member("Crew", BEN)
    push = run(made.push(source, NOW), target)
    assert push.entries[-1]["eventType"] == "application.provision.group_push.mapping.update.or.delete.failed"
    assert made.tasks[0].automatic
    run(made.push(source, NOW), target)
    assert target.groups() == {"Crew": {ANN, BEN}}
    assert made.tasks == []


def test_a_failing_look_up_keeps_the_link_of_before():
    """An administrator's change of a link that does not work changes nothing."""
    target = Target()
    source = crew(ANN)
    made = pushed(source, target)
    before = made.state.groups["id-crew"]
    target.break_next("GET /Groups", refused(500))
    run(made.link_group(source, "Crew", "elsewhere", NOW), target)
    assert made.state.groups["id-crew"] == before


def test_several_groups_of_a_name_are_an_error():
    """Nothing tells which one is meant."""
    two = [{"id": "1", "displayName": "Crew"}, {"id": "2", "displayName": "Crew"}]
    made = app(push_groups="all")
    run(made.push(directory(groups=[("Crew", [])]), NOW), Script(listed(*two)))
    assert "Multiple matches found" in made.tasks[0].message


def test_one_whose_deactivation_fails_leaves_the_group_all_the_same():
    """The assignment is gone; the account over there is the task's affair."""
    target = Target()
    source = crew(ANN, BEN)
    made = pushed(source, target)
    target.break_next("PATCH /Users", refused(500))
    source.unassign(BEN)
    run(made.push(source, NOW), target)
    assert target.groups() == {"Crew": {ANN}}
    assert [task.key for task in made.tasks] == ["id-ben"]


def test_one_who_left_while_suspended_leaves_afterwards():
    """The group is looked at again when its member of before is spoken of again."""
    target = Target()
    source = crew(ANN, BEN)
    made = pushed(source, target)
    source.edit_user(BEN, status="SUSPENDED")
    source.remove_member("Crew", BEN)
    assert run(made.push(source, NOW), target).quiet
    source.edit_user(BEN, status="ACTIVE")
    run(made.push(source, NOW), target)
    assert target.groups() == {"Crew": {ANN}}


def test_an_account_that_comes_to_another_stays_in_the_group_without_a_request():
    """The one member of before and the one of now have the same account."""
    target = Target()
    source = crew(ANN)
    made = pushed(source, target)
    source.hard_delete_user(ANN)
    source.add_user({**PEOPLE[0], "id": "another"})
    source.assign("another")
    source.add_member("Crew", "another")
    run(made.push(source, NOW), target)
    assert not [each for each in target.requests if "/Groups" in each.path]
    assert list(made.state.groups["id-crew"].members) == ["another"]
    source.remove_member("Crew", "another")
    run(made.push(source, NOW), target)
    assert target.groups() == {"Crew": set()}


def test_a_full_push_that_fails_for_now_is_made_up_for():
    """What may go by itself is pending, whoever asked for it."""
    target = Target()
    source = crew(ANN)
    made = app(push_groups="all")
    run(made.push(source, NOW), target)
    source.add_member("Crew", BEN)
    target.break_next("PATCH /Groups", refused(503))
    run(made.push_now(source, "Crew", NOW), target)
    assert made.state.pending_groups == ["id-crew"]
    run(made.push(source, NOW), target)
    assert (target.groups(), made.state.pending_groups) == ({"Crew": {ANN, BEN}}, [])


def test_one_who_comes_back_before_the_deactivation_worked_is_a_member_again():
    """The account never went, the membership did."""
    target = Target()
    source = crew(ANN, BEN)
    made = pushed(source, target)
    target.break_next("PATCH /Users", refused(500))
    source.unassign(BEN)
    run(made.push(source, NOW), target)
    source.assign(BEN)
    run(made.push(source, NOW), target)
    assert target.groups() == {"Crew": {ANN, BEN}}
