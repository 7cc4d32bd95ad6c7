"""Source directories: what a document may hold, live edits, time, deltas, and following an edited file."""

import contextlib
import copy

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockscim.clock import parse_instant
from mockscim.provisioning import directory as directories
from mockscim.provisioning.directory import Directory, DirectoryError, dump, follow, from_document, load, parse
from mockscim.provisioning.directory.invented import generate

START = parse_instant("2026-01-05T00:00:00Z")
DAY = 86400.0


def document(**more) -> dict:
    return {
        "kind": "directory",
        "users": [
            {"id": "a", "userPrincipalName": "ann@example.com", "displayName": "Ann"},
            {"id": "b", "userPrincipalName": "ben@example.com", "manager": "ann@example.com", "department": "Sales"},
            {"id": "c", "userPrincipalName": "cid@example.com", "manager": "b"},
        ],
        "groups": [
            {"id": "g", "displayName": "Sales", "members": ["ben@example.com", "a"]},
            {"id": "h", "displayName": "All", "members": ["Sales", "cid@example.com"]},
            {"id": "m", "displayName": "Mail", "securityEnabled": False, "members": ["c"]},
        ],
        "assignments": [{"principal": "Sales"}, {"principal": "Mail"}],
        **more,
    }


def graph(assignment: dict) -> dict:
    """The same with an assignment in Graph's shape."""
    base = document(appRoles=[{"id": "r", "displayName": "User"}], appRoleAssignments=[assignment])
    del base["assignments"]
    return base


def live(**more) -> Directory:
    made = from_document(document(**more))
    made.advance(START)
    return made


# --- documents ---


def test_names_are_resolved_to_ids():
    """Managers by userPrincipalName, members by either name, principals of assignments too."""
    found = live()
    assert found.user("BEN@example.com").manager == "a"
    assert found.members("g") == ["b", "a"]
    assert found.members("h") == ["g", "c"]
    assert [each.principal_id for each in found.assignments] == ["g", "m"]


def test_an_object_without_an_id_has_the_same_one_every_time():
    """Documents that people write need no UUIDs."""
    short = {"kind": "directory", "users": [{"userPrincipalName": "ann@example.com"}], "groups": []}
    first, second = from_document(short), from_document(copy.deepcopy(short))
    assert first == second
    assert len(next(iter(first.users))) == 36


def test_graphs_shape_of_assignments_is_read_and_written():
    """principalId, principalType and appRoleId, with the roles of the application."""
    roles = [{"id": "r1", "displayName": "User"}, {"id": "r2", "displayName": "Admin", "value": "admin"}]
    written = [
        {"principalId": "a", "principalType": "User", "appRoleId": "r2"},
        {"principalId": "g", "principalType": "Group", "appRoleId": "r1"},
    ]
    base = document(appRoles=roles, appRoleAssignments=written)
    del base["assignments"]
    found = from_document(base)
    assert [role.value for role in found.roles_of("a")] == ["admin", None]
    assert dump(found)["appRoleAssignments"] == written
    assert dump(found)["appRoles"] == roles


@pytest.mark.parametrize("name", ["directory-small", "directory-company", "small"])
def test_what_comes_along_is_read_by_name_and_dumped_whole(name):
    """The dump of a directory makes an equal one."""
    found = load(name)
    assert from_document(dump(found)) == found
    assert found.delta(found.watermark).empty


def test_the_small_one_tells_of_a_joiner_a_mover_and_a_leaver():
    """Gita comes, Bjørn changes groups, Chidi is gone for good after thirty days more."""
    small = load("directory-small")
    small.advance(START)
    assert small.user("gita@example.com") is None
    small.advance(START + 3600)
    gita = small.user("gita@example.com")
    assert gita.manager == small.user("ann@example.com").id
    small.advance(START + 2 * DAY)
    bjorn, chidi = small.user("bjorn@example.com"), small.user("chidi@example.com")
    assert bjorn.get("department") == "Sales"
    assert [small.groups[each].name for each in small.groups_of(bjorn.id)] == ["Sales"]
    assert chidi.deleted
    assert small.next_due() == START + 32 * DAY
    assert small.next_due(lambda user: user.upn == "chidi@example.com") == START + 32 * DAY
    assert small.next_due(lambda user: user.upn != "chidi@example.com") is None
    assert gita.id in small.reports(small.user("ann@example.com").id)
    small.advance(START + 32 * DAY)
    assert small.user(chidi.id) is None
    assert small.next_due() is None


WRONG = [
    ([], "", 'an object with "kind": "directory" was expected'),
    ({}, "/kind", '"directory" was expected'),
    ({"users": []}, "/kind", "this looks like a fixture"),
    ({"kind": "fixture"}, "/kind", '"directory" was expected'),
    ({"kind": "directory", "user": []}, "/user", "did you mean 'users'?"),
    ({"kind": "directory", "name": 5}, "/name", "a text"),
    ({"kind": "directory", "users": {}}, "/users", "a list"),
    ({"kind": "directory", "users": [5]}, "/users/0", 'an object with "userPrincipalName"'),
    (document(users=[{"userName": "ann"}]), "/users/0/userPrincipalName", '"userName" was found'),
    (document(users=[{"userPrincipalName": " "}]), "/users/0/userPrincipalName", "a text that is not empty"),
    (document(users=[{"userPrincipalName": "a", "id": 5}]), "/users/0/id", "a text that is not empty"),
    (document(users=[{"userPrincipalName": "a", "accountEnabled": "no"}]), "/users/0/accountEnabled", "true or false"),
    (document(users=[{"userPrincipalName": "a", "manager": 5}]), "/users/0/manager", "a user's id"),
    (document(users=[{"userPrincipalName": "a", "manager": "x"}]), "/users/0/manager", "there is no user 'x'"),
    (document(users=[{"userPrincipalName": "a", "manager": "a"}]), "/users/0/manager", "nobody is their own manager"),
    (document(users=[{"userPrincipalName": "a", "mail": 5}]), "/users/0/mail", "a text or null"),
    (document(users=[{"userPrincipalName": "a", "x/y": {}}]), "/users/0/x~1y", "a text, a number"),
    (document(users=[{"userPrincipalName": "a", "deletedDateTime": "x"}]), "/users/0/deletedDateTime", "no instant"),
    (document(users=[{"userPrincipalName": "a"}, {"userPrincipalName": "A", "id": "2"}]), "/users/1", "'A' is taken"),
    (
        document(users=[{"userPrincipalName": "a", "id": "1"}, {"userPrincipalName": "b", "id": "1"}]),
        "/users/1/id",
        "'1' is taken",
    ),
    (document(groups=[{"id": "g"}]), "/groups/0/displayName", "a text that is not empty"),
    (document(groups=[{"displayName": "g", "members": {"a": 1}}]), "/groups/0/members", "a list of members"),
    (document(groups=[{"displayName": "g", "members": ["a", 5]}]), "/groups/0/members/1", "a user's id or"),
    (document(groups=[{"displayName": "g", "members": ["a", "z"]}]), "/groups/0/members/1", "no user or group 'z'"),
    (document(groups=[{"displayName": "g", "members": ["g"]}]), "/groups/0/members/0", "not its own member"),
    (document(groups=[{"displayName": "g", "id": "a"}]), "/groups/0/id", "'a' is taken"),
    (document(assignments=[{"principal": "zed"}]), "/assignments/0/principal", "no user or group 'zed'"),
    (document(assignments=[{"principal": "a", "role": "king"}]), "/assignments/0/role", "there is no role 'king'"),
    (document(assignments=[{"who": "a"}]), "/assignments/0/who", "unknown key"),
    (document(appRoleAssignments=[]), "/assignments", "both are there"),
    (document(appRoles=[{"id": "r"}]), "/appRoles/0/displayName", "this key is required"),
    (
        document(appRoles=[{"id": "r", "displayName": "A"}, {"id": "r", "displayName": "B"}]),
        "/appRoles/1/id",
        "'r' is taken",
    ),
    (graph({"principalId": 5}), "/appRoleAssignments/0/principalId", "the id of a user or group"),
    (graph({"principalId": "zed"}), "/appRoleAssignments/0/principalId", "there is no user or group 'zed'"),
    (graph({"principalId": "a", "principalType": "Group"}), "/appRoleAssignments/0/principalId", "no Group 'a'"),
    (graph({"principalId": "a", "appRoleId": 5}), "/appRoleAssignments/0/appRoleId", "the id of a role"),
    (graph({"principalId": "a", "appRoleId": "x"}), "/appRoleAssignments/0/appRoleId", "one of the appRoles"),
    (document(steps=[{"at": "1h", "changes": [], "description": 5}]), "/steps/0/description", "a text"),
    (document(steps=[{"at": "1h", "changes": [5]}]), "/steps/0/changes/0", 'an object with "op"'),
    (document(steps=[5]), "/steps/0", 'an object with "at"'),
    (document(steps=[{"at": "1h"}]), "/steps/0/changes", "a list of changes"),
    (document(steps=[{"changes": []}]), "/steps/0/at", "a duration such as 40m"),
    (document(steps=[{"at": "soon", "changes": []}]), "/steps/0/at", "'soon' was found"),
    (document(steps=[{"at": "1h", "then": [], "changes": []}]), "/steps/0/then", "unknown key"),
    (
        document(steps=[{"at": "1h", "changes": [{"op": "user.ad"}]}]),
        "/steps/0/changes/0/op",
        "did you mean 'user.add'?",
    ),
    (document(steps=[{"at": "1h", "changes": [{"op": "user.add"}]}]), "/steps/0/changes/0/user", "required"),
    (
        document(steps=[{"at": "1h", "changes": [{"op": "user.edit", "id": "zed", "changes": {}}]}]),
        "/steps/0/changes/0/id",
        "there is no user 'zed'",
    ),
    (
        document(steps=[{"at": "1h", "changes": [{"op": "user.add", "user": {"userPrincipalName": ""}}]}]),
        "/steps/0/changes/0/user/userPrincipalName",
        "a text that is not empty",
    ),
    (document(history={"started": "x", "now": "y", "log": []}), "/history", "no instant"),
    (document(history={"now": "y"}), "/history/started", "required"),
]


@pytest.mark.parametrize(("value", "where", "message"), WRONG, ids=[f"{where} {what}" for _, where, what in WRONG])
def test_a_wrong_document_is_refused_at_its_place(value, where, message):
    """The error bears the file's name, the JSON pointer and what was expected there."""
    with pytest.raises(DirectoryError) as caught:
        parse(orjson.dumps(value), "company.json")
    assert caught.value.where.startswith(where)
    assert message in str(caught.value)
    assert str(caught.value).startswith("company.json: ")


def test_a_directory_is_read_from_a_file(tmp_path):
    """By its path; the name is in its errors."""
    path = tmp_path / "mine.json"
    path.write_bytes(orjson.dumps(document(name="Contoso")))
    assert load(path).name == "Contoso"
    path.write_bytes(b"[]")
    with pytest.raises(DirectoryError, match=r"mine\.json: an object"):
        load(str(path))


def test_what_is_not_json_is_told_by_line_and_column():
    """And a file that is not there names those that come along."""
    with pytest.raises(DirectoryError, match=r"^x\.json:2:1: not JSON"):
        parse(b'{"kind":\n', "x.json")
    with pytest.raises(DirectoryError, match=r"neither is found .*company, small"):
        load("nowhere.json")
    with pytest.raises(DirectoryError, match=r"^/: "):
        load("/")


# --- who is assigned ---


def test_an_assigned_group_assigns_its_direct_members_alone():
    """Nested groups are not expanded, and a group without securityEnabled assigns nobody."""
    found = live(assignments=[{"principal": "All"}, {"principal": "Mail"}])
    assert [user for user in "abc" if found.roles_of(user)] == ["c"]
    found.edit_group("Mail", securityEnabled=True)
    found.remove_member("All", "c")
    assert [user for user in "abc" if found.roles_of(user)] == ["c"]
    found.remove_member("Mail", "c")
    assert not found.roles_of("c")


def test_assigning_twice_is_once_and_unassigning_takes_all():
    """A role is named by id, value or displayName; without one it is the first."""
    roles = [{"id": "r1", "displayName": "User"}, {"id": "r2", "displayName": "Admin", "value": "adm"}]
    found = live(appRoles=roles, assignments=[])
    mark = found.watermark
    found.assign("a")
    found.assign("a", "user")
    found.assign("a", "ADM")
    found.assign("a", "Default Access")
    assert [role.id for role in found.roles_of("a")] == ["r1", "r2", directories.DEFAULT_ACCESS]
    found.unassign("a", "Admin")
    found.unassign("a", "Admin")
    assert [role.id for role in found.own_roles("a")] == ["r1", directories.DEFAULT_ACCESS]
    found.unassign("a")
    assert found.assignments == []
    assert found.delta(mark).principals == ["a"]
    assert found.delta(mark).entitled == ["a"]


# --- live edits, and what has changed ---


def test_a_delta_has_each_changed_object_once():
    """Adds, edits and managers of users, and groups, since a watermark; nothing since the last."""
    found = live()
    mark = found.watermark
    found.add_user({"id": "d", "userPrincipalName": "dee@example.com", "manager": "a"})
    found.edit_user("ben@example.com", department="Legal")
    found.edit_user("b", jobTitle="Counsel", manager=None)
    found.edit_group("Sales", displayName="Selling")
    found.add_group({"id": "n", "displayName": "New", "members": ["d"]})
    delta = found.delta(mark)
    assert delta.users == ["d", "b"]
    assert delta.managers == ["d", "b"]
    assert delta.groups == ["g", "n"]
    assert delta.members == {"n": (["d"], [])}
    assert found.delta(delta.watermark).empty
    assert found.group("Selling").id == "g"
    assert found.group("Sales") is None


def test_an_edit_that_changes_nothing_is_no_change():
    """Nor is joining where one is, leaving where one is not, deleting twice."""
    found = live()
    found.soft_delete_user("c")
    mark = found.watermark
    found.edit_user("b", department="Sales")
    found.edit_group("g", displayName="Sales")
    found.add_member("Sales", "ben@example.com")
    found.remove_member("Sales", "cid@example.com")
    found.soft_delete_user("c")
    found.restore_user("b")
    assert found.watermark == mark


def test_a_slip_in_the_name_of_an_attribute_is_refused():
    """What is nearly an attribute's name, and nobody has: told with the nearest; one's own attributes may be any."""
    found = live()
    mark = found.watermark
    for slip, near in (("departmnt", "department"), ("jobTitel", "jobTitle"), ("givenname", "givenName")):
        with pytest.raises(DirectoryError, match=f"^/{slip}: there is no such attribute: did you mean '{near}'"):
            found.edit_user("ben@example.com", **{slip: "x"})
    with pytest.raises(DirectoryError, match="did you mean 'displayName'"):
        found.edit_group("Sales", dispalyName="Selling")
    assert found.watermark == mark
    found.edit_user("ben@example.com", costCenter="7", extensionAttribute2="x", department2="Legal")
    assert found.user("b").get("department2") == "Legal"
    found.add_user({"id": "d", "userPrincipalName": "dee@example.com", "departement": "Ventes"})
    found.edit_user("ben@example.com", departement="Ventes")
    assert found.user("b").get("departement") == "Ventes"


def test_null_takes_an_attribute_away():
    """An attribute that was not there stays away."""
    found = live()
    found.edit_user("b", department=None, jobTitle=None)
    assert found.user("b").get("department") is None
    assert "jobTitle" not in found.user("b").attributes


def test_membership_changes_are_net():
    """Who joins and leaves between two looks is in neither list; a member of an assigned group is entitled anew."""
    found = live()
    mark = found.watermark
    found.add_member("Sales", "c")
    found.remove_member("Sales", "a")
    assert found.delta(mark).members == {"g": (["c"], ["a"])}
    assert found.delta(mark).entitled == ["c", "a"]
    found.remove_member("Sales", "c")
    found.add_member("Sales", "a")
    assert found.delta(mark).members == {}


def test_assigning_a_group_entitles_its_members():
    """And taking it back, deleting it, or making it one for mail alone does so, too."""
    for change in (
        {"op": "unassign", "principal": "Sales"},
        {"op": "group.delete", "id": "Sales"},
        {"op": "group.edit", "id": "Sales", "changes": {"securityEnabled": False}},
    ):
        found = live()
        mark = found.watermark
        found.apply(change)
        assert found.delta(mark).entitled == ["b", "a"]
        assert not found.roles_of("a")


def test_a_soft_deleted_user_is_out_of_the_groups_until_restored():
    """The memberships come back with the user."""
    found = live()
    mark = found.watermark
    found.soft_delete_user("ben@example.com")
    assert found.user("b").deleted_at == START
    assert found.members("g") == ["a"]
    assert found.delta(mark).members == {"g": ([], ["b"])}
    assert found.delta(mark).users == ["b"]
    found.restore_user("b")
    assert found.members("g") == ["b", "a"]
    assert found.delta(mark).members == {}
    assert not found.user("b").deleted


def test_a_name_in_the_recycle_bin_is_free():
    """Somebody else may take it; then its first bearer is not restored."""
    found = live()
    found.soft_delete_user("b")
    found.add_user({"id": "b2", "userPrincipalName": "ben@example.com"})
    assert found.user("ben@example.com").id == "b2"
    with pytest.raises(DirectoryError, match="is taken"):
        found.restore_user("b")
    found.hard_delete_user("b")
    assert found.user("ben@example.com").id == "b2"


def test_a_hard_deleted_user_leaves_nothing_behind():
    """Groups, assignments and those who had them as manager; the delta still tells the id."""
    found = live(assignments=[{"principal": "b"}])
    mark = found.watermark
    found.hard_delete_user("ben@example.com")
    assert found.user("b") is None
    assert found.members("g") == ["a"]
    assert found.assignments == []
    assert found.user("c").manager is None
    delta = found.delta(mark)
    assert delta.users == ["c", "b"]
    assert delta.managers == ["c"]
    assert delta.members == {"g": ([], ["b"])}


def test_a_group_that_is_gone_is_gone_from_other_groups():
    """Its own members are not told: they are gone with it."""
    found = live()
    mark = found.watermark
    found.delete_group("Sales")
    delta = found.delta(mark)
    assert delta.groups == ["g"]
    assert delta.members == {"h": ([], ["g"])}
    assert found.groups_of("a") == []


def test_watermark_0_is_for_everything_that_there_is():
    """Also the soft-deleted; members as if they had just joined."""
    found = live()
    found.soft_delete_user("c")
    delta = found.delta(0)
    assert delta.users == ["a", "b", "c"]
    assert delta.managers == ["b", "c"]
    assert delta.members == {"g": (["b", "a"], []), "h": (["g"], [])}
    assert delta.principals == ["g", "m"]


IMPOSSIBLE = [
    ({"op": "user.add", "user": {"id": "a", "userPrincipalName": "x@example.com"}}, "/user/id", "'a' is taken"),
    ({"op": "user.add", "user": {"userPrincipalName": "ANN@example.com"}}, "/user/userPrincipalName", "is taken"),
    ({"op": "user.edit", "id": "b", "changes": {"userPrincipalName": "ann@example.com"}}, "/changes/user", "is taken"),
    ({"op": "user.edit", "id": "b", "changes": {"id": "x"}}, "/changes/id", "it is not edited"),
    ({"op": "user.edit", "id": "b", "changes": {"deletedDateTime": None}}, "/changes/del", "it is not edited"),
    ({"op": "user.edit", "id": "b", "changes": {"accountEnabled": 1}}, "/changes/accountEnabled", "true or false"),
    ({"op": "user.edit", "id": "b", "changes": {"manager": "b"}}, "/changes/manager", "their own manager"),
    ({"op": "group.edit", "id": "g", "changes": {"members": []}}, "/changes/members", "member.add"),
    ({"op": "group.edit", "id": "g", "changes": {"displayName": ""}}, "/changes/displayName", "not empty"),
    ({"op": "member.add", "group": "zed", "member": "a"}, "/group", "there is no group 'zed'"),
    ({"op": "member.add", "group": "g", "member": ["c", "zed"]}, "/member", "there is no user or group 'zed'"),
    ({"op": "assign", "principal": "zed"}, "/principal", "there is no user or group 'zed'"),
    ({"op": "user.rename"}, "/op", "expected one of user.add"),
    ({"op": "user.softDelete"}, "/id", "required"),
    ({"op": "user.softDelete", "id": "a", "at": 5}, "/at", "unknown key"),
]


@pytest.mark.parametrize(("change", "where", "message"), IMPOSSIBLE, ids=[f"{c['op']} {w}" for c, w, _ in IMPOSSIBLE])
def test_a_change_that_cannot_be_changes_nothing(change, where, message):
    """Not even by half: of several members none has joined."""
    found = live()
    before = dump(found)
    with pytest.raises(DirectoryError) as caught:
        found.apply(change)
    assert caught.value.where.startswith(where)
    assert message in caught.value.message
    assert dump(found) == before


def test_attributes_go_by_graphs_name_or_the_services():
    """A mapping may say mobile where the document says mobilePhone."""
    found = live()
    found.edit_user("a", mobilePhone="+1", businessPhones=["+2", "+3"], officeLocation="4", faxNumber="5")
    ann = found.user("a")
    assert [ann.get(name) for name in ("mobile", "telephoneNumber", "physicalDeliveryOfficeName")] == ["+1", "+2", "4"]
    assert ann.get("facsimileTelephoneNumber") == "5"
    assert ann.get("objectId") == "a"


# --- time ---


def test_steps_happen_when_they_are_due():
    """Durations from the first advance, in order of time, and each once."""
    found = from_document(
        document(
            steps=[
                {"at": "2h", "changes": [{"op": "user.edit", "id": "a", "changes": {"jobTitle": "second"}}]},
                {"at": "40m", "changes": [{"op": "user.edit", "id": "a", "changes": {"jobTitle": "first"}}]},
                {"at": 0, "changes": [{"op": "user.edit", "id": "a", "changes": {"jobTitle": "at once"}}]},
            ]
        )
    )
    assert found.next_due() is None
    titles = []
    for minutes in (0, 39, 40, 119, 120, 500):
        found.advance(START + minutes * 60)
        titles.append(found.user("a").get("jobTitle"))
    assert titles == ["at once", "at once", "first", "first", "second", "second"]


def test_steps_may_be_told_by_instants():
    """What was to be before the start is made at the start; time does not go back."""
    steps = [
        {"at": "2026-01-01T00:00:00Z", "changes": [{"op": "user.softDelete", "id": "a"}]},
        {"at": "2026-01-06T00:00:00Z", "changes": [{"op": "user.restore", "id": "a"}]},
    ]
    found = from_document(document(steps=steps))
    assert len(found.advance(START)) == 1
    assert found.user("a").deleted
    assert found.next_due() == START + DAY
    assert found.advance(START - DAY) == []
    assert found.now == START
    found.advance(START + DAY)
    assert not found.user("a").deleted


def test_thirty_days_in_the_recycle_bin_are_the_end():
    """To the second, counted from the step that deleted; also within one long advance."""
    steps = [{"at": "1d", "changes": [{"op": "user.softDelete", "id": "a"}]}]
    found = from_document(document(steps=steps))
    found.advance(START)
    found.advance(START + 31 * DAY - 1)
    assert found.user("a").deleted
    found.advance(START + 31 * DAY)
    assert found.user("a") is None
    again = from_document(document(steps=steps))
    again.advance(START)
    again.advance(START + 365 * DAY)
    assert again.user("a") is None


def test_a_step_that_live_edits_made_impossible_is_named_and_passed():
    """It is not tried again; what comes later is made."""
    steps = [
        {"at": "1h", "changes": [{"op": "user.edit", "id": "c", "changes": {"jobTitle": "x"}}]},
        {"at": "2h", "changes": [{"op": "user.edit", "id": "a", "changes": {"jobTitle": "y"}}]},
    ]
    found = from_document(document(steps=steps), "story.json")
    found.advance(START)
    found.hard_delete_user("c")
    with pytest.raises(DirectoryError, match=r"^story\.json: /steps/0/changes/0/id: there is no user 'c'"):
        found.advance(START + 2 * 3600)
    found.advance(START + 2 * 3600)
    assert found.user("a").get("jobTitle") == "y"


def test_the_time_has_to_be_known_to_delete():
    """Else nobody could tell when the thirty days are over."""
    with pytest.raises(DirectoryError, match=r"advance\(now\) comes first"):
        from_document(document()).soft_delete_user("a")


# --- from run to run ---


def test_a_dump_carries_what_has_happened():
    """Another process goes on: same watermark, same deltas, the steps that are still to come."""
    first = load("directory-small")
    first.advance(START)
    first.advance(START + DAY)
    second = from_document(orjson.loads(orjson.dumps(dump(first))))
    assert second == first
    assert second.watermark == first.watermark
    assert second.delta(1) == first.delta(1)
    first.advance(START + 3 * DAY)
    second.advance(START + 3 * DAY)
    assert second == first


def test_edits_of_the_source_file_are_followed():
    """What differs between two versions of the file is done to the directory that has gone on meanwhile."""
    old = from_document(document(steps=[{"at": "1h", "changes": [{"op": "assign", "principal": "a"}]}]))
    ours = from_document(dump(old))
    ours.advance(START)
    ours.advance(START + 3600)
    ours.edit_user("a", jobTitle="by hand")
    mark = ours.watermark
    changed = dump(old)
    changed["users"][1]["department"] = "Legal"
    changed["users"] = [{"id": "z", "userPrincipalName": "zoe@example.com", "manager": "y"}, *changed["users"][:2]]
    changed["users"].append({"id": "y", "userPrincipalName": "yan@example.com"})
    changed["groups"][0]["members"] = ["a", "z"]
    changed["groups"][0]["displayName"] = "Selling"
    changed["groups"] = [*changed["groups"][:1], {"id": "n", "displayName": "New", "members": ["y"]}]
    changed["appRoleAssignments"] = [{"principalId": "z", "principalType": "User"}]
    new = from_document(changed)
    assert follow(ours, old, new) == []
    delta = ours.delta(mark)
    assert set(delta.users) == {"b", "c", "y", "z"}
    assert set(delta.groups) == {"g", "h", "m", "n"}
    assert ours.group("Selling").id == "g"
    assert delta.members == {"g": (["z"], ["b"]), "n": (["y"], [])}
    assert ours.user("z").manager == "y"
    assert ours.user("a").get("jobTitle") == "by hand"
    assert [each.principal_id for each in ours.assignments] == ["a", "z"]


def test_a_file_that_is_not_edited_changes_nothing():
    """Nor do the steps that were made begin again."""
    old = load("directory-small")
    ours = from_document(dump(old))
    ours.advance(START)
    ours.advance(START + 3 * DAY)
    mark = ours.watermark
    assert follow(ours, old, load("directory-small")) == []
    ours.advance(START + 4 * DAY)
    assert ours.watermark == mark


def test_following_tells_what_could_not_be_done():
    """An edit of somebody who is there no more is left out; the rest is done."""
    old = from_document(document())
    ours = from_document(dump(old))
    ours.advance(START)
    ours.hard_delete_user("c")
    changed = dump(old)
    changed["users"][2]["department"] = changed["users"][0]["department"] = "Legal"
    missed = follow(ours, old, from_document(changed))
    assert [each.reason for each in missed] == ["/id: there is no user 'c'"]
    assert ours.user("a").get("department") == "Legal"


# --- invented ---


def test_an_invented_directory_is_the_same_by_its_seed():
    """Of the size asked for; groups are assigned, and most of those in none."""
    made = generate(200, 12, 3)
    assert made == generate(200, 12, 3)
    assert made != generate(200, 12, 4)
    found = from_document(made)
    assert (len(found.users), len(found.groups)) == (200, 12)
    assert set(found.assigned_groups()) == set(found.groups)
    assert 0 < sum(1 for user in found.users if not found.roles_of(user)) < 60
    with pytest.raises(ValueError, match="negative"):
        generate(1, 1, 1, days=-1)


@pytest.mark.parametrize("seed", range(4))
def test_an_invented_quarter_of_a_year_can_happen(seed):
    """People join, move, are blocked, leave and come back, from Monday to Friday, and every step can be made."""
    made = generate(60, 6, seed, days=92)
    ops = {change["op"] for step in made["steps"] for change in step["changes"]}
    assert {"user.add", "user.edit", "user.softDelete", "member.add", "member.remove", "group.add", "assign"} <= ops
    assert {int(step["at"].removesuffix("h")) // 24 % 7 for step in made["steps"]} <= {0, 1, 2, 3, 4}
    found = from_document(made)
    found.advance(START)
    found.advance(START + 130 * DAY)
    assert from_document(dump(found)) == found


def test_there_may_be_nobody():
    """An empty company has no story but joiners."""
    found = from_document(generate(0, 0, 1, days=10))
    found.advance(START)
    found.advance(START + 10 * DAY)
    assert all(each.name for each in found.users.values())


# --- laws ---

_KEYS = st.sampled_from(["a", "b", "c", "d", "ben@example.com"])
_GROUPS = st.sampled_from(["g", "h", "Mail", "n"])
_CHANGES = st.one_of(
    st.builds(lambda key: {"op": "user.add", "user": {"id": key, "userPrincipalName": f"{key}@x"}}, _KEYS),
    st.builds(lambda key, to: {"op": "user.edit", "id": key, "changes": {"department": to}}, _KEYS, _KEYS),
    st.builds(lambda key, to: {"op": "user.edit", "id": key, "changes": {"manager": to}}, _KEYS, _KEYS),
    st.builds(
        lambda op, key: {"op": op, "id": key},
        st.sampled_from(["user.softDelete", "user.restore", "user.hardDelete"]),
        _KEYS,
    ),
    st.builds(lambda key: {"op": "group.add", "group": {"id": key, "displayName": key}}, _GROUPS),
    st.builds(lambda key: {"op": "group.delete", "id": key}, _GROUPS),
    st.builds(
        lambda op, group, member: {"op": op, "group": group, "member": member},
        st.sampled_from(["member.add", "member.remove"]),
        _GROUPS,
        st.one_of(_KEYS, _GROUPS),
    ),
    st.builds(
        lambda op, principal: {"op": op, "principal": principal},
        st.sampled_from(["assign", "unassign"]),
        st.one_of(_KEYS, _GROUPS),
    ),
)


@given(st.lists(_CHANGES, max_size=25), st.integers(0, 25))
def test_a_delta_is_what_makes_the_older_state_the_newer(changes, split):
    """Whoever keeps members and follows the deltas has the members that there are; a dump is whole at any time."""
    found = live()
    kept, mark = {}, 0
    for number, change in enumerate([*changes, None]):
        if number == split or change is None:
            delta = found.delta(mark)
            for group in [group for group in kept if group not in found.groups]:
                del kept[group]
            for group, members in delta.members.items():
                now = kept.setdefault(group, set())
                assert not now & set(members.added)
                assert set(members.removed) <= now
                kept[group] = (now | set(members.added)) - set(members.removed)
            assert {group: who for group, who in kept.items() if who} == {
                group: set(found.members(group)) for group in found.groups if found.members(group)
            }
            mark = delta.watermark
            if change is None:
                break
        with contextlib.suppress(DirectoryError):
            found.apply(change)
    assert from_document(dump(found)) == found


@given(st.lists(_CHANGES, max_size=15))
def test_the_difference_of_two_directories_makes_the_one_the_other(changes):
    """difference(a, b) applied to a gives what b holds."""
    newer, older = live(), live()
    for change in changes:
        try:
            newer.apply(change)
        except DirectoryError:
            continue
    ours = from_document(dump(older))
    assert follow(ours, older, newer) == []

    def held(one):
        return {
            "users": {
                key: {k: v for k, v in user.attributes.items() if v is not None} for key, user in one.users.items()
            },
            "groups": one.groups,
            "members": {group: set(one.stored_members(group)) for group in one.groups},
            "assignments": {(each.principal_id, each.role_id) for each in one.assignments},
        }

    assert held(ours) == held(newer)
