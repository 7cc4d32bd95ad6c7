"""Bulk jobs (RFC 7644 §3.7): references, order, circles, failures and what is undone, limits."""

from __future__ import annotations

from typing import Any

import devices
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from provider import BASE, ENTERPRISE, Answer, Provider

from mockscim.scim import bulk_request, urns
from mockscim.scim.call import Call, Verdict
from mockscim.scim.errors import ScimError

Operation = dict[str, Any]


def post_user(bulk_id: str | None, name: str, **more: Any) -> Operation:
    data = {"schemas": [urns.USER], "userName": name, **more}
    return {"method": "POST", "path": "/Users", **({"bulkId": bulk_id} if bulk_id else {}), "data": data}


def managed(bulk_id: str, name: str, manager: Any) -> Operation:
    value = manager if isinstance(manager, dict) else {"value": manager}
    return post_user(bulk_id, name, **{"schemas": [urns.USER, ENTERPRISE], ENTERPRISE: {"manager": value}})


def post_group(bulk_id: str, name: str, *members: Any) -> Operation:
    listed = [one if isinstance(one, dict) else {"value": one} for one in members]
    data = {"schemas": [urns.GROUP], "displayName": name, "members": listed}
    return {"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data}


def patch(path: str, *operations: Operation, **more: Any) -> Operation:
    data = {"schemas": [urns.PATCH_OP], "Operations": list(operations)}
    return {"method": "PATCH", "path": path, "data": data, **more}


def add_members(path: str, *members: str) -> Operation:
    return patch(path, {"op": "add", "path": "members", "value": [{"value": one} for one in members]})


def delete(path: str, **more: Any) -> Operation:
    return {"method": "DELETE", "path": path, **more}


def send(provider: Provider, *operations: Operation, **more: Any) -> Answer:
    return provider.ask("POST", "/Bulk", {"schemas": [urns.BULK_REQUEST], "Operations": list(operations), **more})


def done(provider: Provider, *operations: Operation, **more: Any) -> list[dict[str, Any]]:
    """The results of a job."""
    answer = send(provider, *operations, **more)
    assert answer.status == 200, answer.document
    assert answer["schemas"] == [urns.BULK_RESPONSE]
    results: list[dict[str, Any]] = answer["Operations"]
    for result in results:
        if int(result["status"]) >= 400:
            assert result["response"]["schemas"] == [urns.ERROR]
            assert result["response"]["status"] == result["status"]
            assert result["response"]["detail"]
            assert ("location" in result) is (result["method"] != "POST")
    assert_sound(provider)
    return results


def statuses(results: list[dict[str, Any]]) -> list[str]:
    return [result["status"] for result in results]


def id_of(result: dict[str, Any]) -> str:
    return str(result["location"].rsplit("/", 1)[1])


def assert_sound(provider: Provider) -> None:
    """Nothing in the store is a literal reference, and every member and every group of a user is there."""
    store = provider.store
    for table in store.tables.values():
        for record in table:
            assert b"bulkId:" not in orjson.dumps(store.document(record, BASE))
            assert "bulkId:" not in str(record.secrets)
            for member in record.members or ():
                found = store.find(member.value)
                assert found is not None
                assert found.type.name == member.type
                assert record.id in store.memberships[member.value]
    for member_id, groups in store.memberships.items():
        assert store.find(member_id) is not None
        for group in groups:
            holder = store.find(group)
            assert holder is not None
            assert holder.members is not None
            assert member_id in holder.members
    assert provider.service.planner.promised == {}


# --- results ---


def test_every_method_with_its_result() -> None:
    """method, bulkId, location, version and status (a text) for POST, PUT, PATCH and DELETE, in order (§3.7.3)."""
    provider = Provider()
    one, two, three = (provider.user(name) for name in ("a", "b", "c"))
    results = done(
        provider,
        post_user("qwerty", "alice"),
        {"method": "PUT", "path": f"/Users/{one}", "data": {"schemas": [urns.USER], "userName": "bob"}},
        patch(f"/Users/{two}", {"op": "add", "path": "nickName", "value": "D"}, bulkId="mine"),
        delete(f"/Users/{three}"),
    )
    made = id_of(results[0])
    versions = [provider.get(f"/Users/{id_}")["meta"]["version"] for id_ in (made, one, two)]
    users = f"{BASE}/Users"
    assert results == [
        {
            "method": "POST",
            "bulkId": "qwerty",
            "location": f"{users}/{made}",
            "version": versions[0],
            "status": "201",
        },
        {"method": "PUT", "location": f"{users}/{one}", "version": versions[1], "status": "200"},
        {
            "method": "PATCH",
            "bulkId": "mine",
            "location": f"{users}/{two}",
            "version": versions[2],
            "status": "200",
        },
        {"method": "DELETE", "location": f"{users}/{three}", "status": "204"},
    ]
    assert provider.get(f"/Users/{two}")["nickName"] == "D"
    assert provider.get(f"/Users/{three}").status == 404


def test_a_provider_without_versions_and_bodies() -> None:
    """No version where there are no ETags, 204 where a PATCH answers without a body."""
    provider = Provider(etag=False, patch_answer="none")
    one = provider.user("a")
    results = done(
        provider,
        post_user("x", "b"),
        patch(f"/Users/{one}", {"op": "add", "path": "title", "value": "T"}, version='W/"0"'),
    )
    assert statuses(results) == ["201", "204"]
    assert not any("version" in result for result in results)


def test_all_changes_are_told() -> None:
    """The reply has every change in the order of the commits, those of groups that a DELETE touches included."""
    provider = Provider()
    user = provider.user("a")
    group = provider.group("G", user)
    answer = send(provider, post_user("x", "b"), delete(f"/Users/{user}"))
    assert answer.reply is not None
    told = [(change.operation, change.id) for change in answer.reply.changes]
    assert told == [("create", "id-3"), ("delete", user), ("update", group)]


@pytest.mark.parametrize(
    ("path", "location"), [("/Users/a b", "Users/a%20b"), ("/Æ", "%C3%86"), ("/Users/50%", "Users/50%25")]
)
def test_locations_are_uris(path: str, location: str) -> None:
    """The location of what is not there is escaped where its path is no URI's."""
    [result] = done(Provider(), delete(path))
    assert (result["status"], result["location"]) == ("404", f"{BASE}/{location}")


def test_names_in_any_case() -> None:
    """Attribute names have no case (RFC 7643 §2.1), endpoints are found as elsewhere, escapes are decoded."""
    provider = Provider()
    user = provider.user("a")
    operation = {"METHOD": "DELETE", "Path": f"/users/%69{user[1:]}"}
    answer = provider.ask("POST", "/bulk", {"SCHEMAS": [urns.BULK_REQUEST.upper()], "operations": [operation]})
    assert answer["Operations"] == [{"method": "DELETE", "location": f"{BASE}/Users/{user}", "status": "204"}]


# --- references ---

MEMBERS = {
    "backwards": [post_user("u", "ann"), post_group("g", "G", "bulkId:u")],
    "forwards": [post_group("g", "G", "bulkId:u"), post_user("u", "ann")],
    "by $ref": [post_user("u", "ann"), post_group("g", "G", {"$ref": f"{BASE}/Users/bulkId:u"})],
    "by relative $ref": [post_group("g", "G", {"$ref": "../Users/bulkId:u"}), post_user("u", "ann")],
    "by value and $ref": [
        post_user("u", "ann"),
        post_group("g", "G", {"value": "bulkId:u", "$ref": "/Users/bulkId:u", "type": "User"}),
    ],
    "PATCH add": [post_user("u", "ann"), post_group("g", "G"), add_members("/Groups/bulkId:g", "bulkId:u")],
    "PATCH forwards": [add_members("/Groups/bulkId:g", "bulkId:u"), post_group("g", "G"), post_user("u", "ann")],
    "PATCH replace": [
        post_user("u", "ann"),
        post_group("g", "G"),
        patch("/Groups/bulkId:g", {"op": "replace", "value": {"members": [{"value": "bulkId:u"}]}}),
    ],
    "PATCH remove another": [
        post_user("u", "ann"),
        post_user("v", "bo"),
        post_group("g", "G", "bulkId:u", "bulkId:v"),
        patch("/Groups/bulkId:g", {"op": "remove", "path": 'members[value eq "bulkId:v"]'}),
    ],
    "PATCH remove by an escaped filter": [
        post_user("u", "ann"),
        post_user("v w", "bo"),
        post_group("g", "G", "bulkId:u", "bulkId:v w"),
        patch("/Groups/bulkId:g", {"op": "remove", "path": 'members[value eq "bulk\\u0049d:v w" and type eq "User"]'}),
    ],
    "PUT": [
        {"method": "PUT", "path": "/Groups/bulkId:g", "data": post_group("", "G", "bulkId:u")["data"]},
        post_user("u", "ann"),
        post_group("g", "Before"),
    ],
}


@pytest.mark.parametrize("operations", MEMBERS.values(), ids=MEMBERS)
def test_a_member_by_bulk_id(operations: list[Operation]) -> None:
    """However the reference to the user is put and wherever it stands, the group has that one member (§3.7.2)."""
    provider = Provider()
    results = done(provider, *operations)
    assert set(statuses(results)) <= {"200", "201"}
    assert [result["method"] for result in results] == [operation["method"] for operation in operations]
    made = {result["bulkId"]: id_of(result) for result in results if "bulkId" in result}
    assert provider.member_ids(made["g"]) == [made["u"]]
    assert provider.groups_of(made["u"]) == {made["g"]: "direct"}


MANAGERS = {
    "value": lambda boss: managed("u", "ann", boss),
    "$ref": lambda boss: managed("u", "ann", {"$ref": f"{BASE}/Users/{boss}"}),
    "relative $ref": lambda boss: managed("u", "ann", {"$ref": f"/Users/{boss}"}),
    "bare": lambda boss: post_user("u", "ann", **{"schemas": [urns.USER, ENTERPRISE], ENTERPRISE: {"manager": boss}}),
}


@pytest.mark.parametrize("shape", MANAGERS.values(), ids=MANAGERS)
@pytest.mark.parametrize("forwards", [False, True])
def test_a_manager_by_bulk_id(shape: Any, forwards: bool) -> None:
    """References of extensions are resolved in the same way (§3.7.2), and their $ref is the provider's."""
    provider = Provider()
    operations = [post_user("boss", "bo"), shape("bulkId:boss")]
    results = done(provider, *(reversed(operations) if forwards else operations))
    made = {result["bulkId"]: id_of(result) for result in results}
    manager = provider.get(f"/Users/{made['u']}")[ENTERPRISE]["manager"]
    assert manager == {"value": made["boss"], "$ref": f"{BASE}/Users/{made['boss']}"}


@pytest.mark.parametrize("path", [f"{ENTERPRISE}:manager", f"{ENTERPRISE}:manager.value"])
def test_a_manager_by_patch(path: str) -> None:
    """In the value of a PATCH operation, also where it is a bare text."""
    provider = Provider()
    user = provider.user("ann")
    value = "bulkId:boss" if path.endswith(".value") else {"value": "bulkId:boss"}
    results = done(
        provider, patch(f"/Users/{user}", {"op": "add", "path": path, "value": value}), post_user("boss", "b")
    )
    assert provider.get(f"/Users/{user}")[ENTERPRISE]["manager"]["value"] == id_of(results[1])


def test_a_whole_text_is_replaced_wherever_it_stands() -> None:
    """The text "bulkId:u" is replaced with the id (§3.7.2) also where no reference is expected."""
    provider = Provider()
    results = done(provider, post_user("u", "ann"), post_user("v", "bo", externalId="bulkId:u"))
    assert provider.get(f"/Users/{id_of(results[1])}")["externalId"] == id_of(results[0])


def test_nested_groups_in_any_order() -> None:
    """A chain of groups given outermost first ends in the user, who is in all of them."""
    provider = Provider()
    chain = [post_group(f"g{n}", f"G{n}", f"bulkId:g{n + 1}") for n in range(5)]
    results = done(provider, *chain, post_group("g5", "G5", "bulkId:u"), post_user("u", "ann"))
    assert set(statuses(results)) == {"201"}
    assert [result["bulkId"] for result in results] == [*(f"g{n}" for n in range(6)), "u"]
    groups = provider.groups_of(id_of(results[6]))
    assert list(groups.values()) == ["direct", *["indirect"] * 5]


def test_bulk_ids_with_odd_characters() -> None:
    """A bulkId is any text of the client's: one may be the beginning of another, or hold what a filter ends with."""
    provider = Provider()
    names = ["a", "ab", 'a"b', "a]b", "a/b", "ü", "a\\b", "bulkId:a"]
    users = [post_user(name, f"u{n}") for n, name in enumerate(names)]
    gone = [
        patch(
            "/Groups/bulkId:g", {"op": "remove", "path": f"members[value eq {orjson.dumps('bulkId:' + name).decode()}]"}
        )
        for name in names[1:]
    ]
    results = done(provider, post_group("g", "G", *(f"bulkId:{name}" for name in names)), *users, *gone)
    assert set(statuses(results)) == {"200", "201"}
    assert provider.member_ids(id_of(results[0])) == [id_of(results[1])]


# --- circles ---


def circle(size: int) -> list[Operation]:
    return [post_group(f"g{n}", f"G{n}", f"bulkId:g{(n + 1) % size}") for n in range(size)]


@pytest.mark.parametrize("size", [2, 3, 7])
def test_circular_groups(size: int) -> None:
    """Groups that are members of each other in a circle are all there with their members (§3.7.1)."""
    provider = Provider()
    results = done(provider, post_user("u", "x"), *circle(size), add_members("/Groups/bulkId:g0", "bulkId:u"))
    assert statuses(results) == ["201"] * (size + 1) + ["200"]
    made = [id_of(result) for result in results[1:-1]]
    for n, group in enumerate(made[1:], 1):
        assert provider.member_ids(group) == [made[(n + 1) % size]]
        assert provider.get(f"/Groups/{group}")["meta"]["version"] == results[n + 1]["version"]
    assert provider.member_ids(made[0]) == [made[1 % size], id_of(results[0])]


def test_circular_managers_and_oneself() -> None:
    """Users who manage each other, and one who manages himself; what waits for them comes after."""
    provider = Provider()
    results = done(
        provider,
        post_group("g", "All", "bulkId:a", "bulkId:b", "bulkId:c"),
        managed("a", "ann", "bulkId:b"),
        managed("b", "bo", "bulkId:a"),
        managed("c", "cy", "bulkId:c"),
    )
    assert statuses(results) == ["201"] * 4
    group, a, b, c = (id_of(result) for result in results)
    managers = [provider.get(f"/Users/{id_}")[ENTERPRISE]["manager"]["value"] for id_ in (a, b, c)]
    assert managers == [b, a, c]
    assert provider.member_ids(group) == [a, b, c]


def test_two_circles_and_what_lies_between() -> None:
    """One circle that refers to another waits for it; an operation on a circle's group waits for the circle."""
    provider = Provider()
    results = done(
        provider,
        post_group("a", "A", "bulkId:b", "bulkId:c"),
        patch("/Groups/bulkId:a", {"op": "remove", "path": 'members[value eq "bulkId:c"]'}),
        post_group("b", "B", "bulkId:a"),
        post_group("c", "C", "bulkId:d"),
        post_group("d", "D", "bulkId:c"),
    )
    assert statuses(results) == ["201", "200", "201", "201", "201"]
    made = {result["bulkId"]: id_of(result) for result in results if "bulkId" in result}
    assert {name: provider.member_ids(id_) for name, id_ in made.items()} == {
        "a": [made["b"]],
        "b": [made["a"]],
        "c": [made["d"]],
        "d": [made["c"]],
    }


def test_the_type_of_what_is_promised() -> None:
    """In a circle of several types each $ref points at the endpoint of the other, though it is not there yet."""
    provider = Provider(registry=devices.registry())
    device = {
        "method": "POST",
        "path": "/Devices",
        "bulkId": "d",
        "data": {
            "schemas": [devices.DEVICE],
            "serialNumber": "1",
            "watchers": [{"value": "bulkId:g"}],
            "parts": [{"value": "bulkId:e"}],
        },
    }
    other = {"schemas": [devices.DEVICE], "serialNumber": "2", "watchers": [{"value": "bulkId:g"}]}
    other_parts = {**other, "parts": [{"value": "bulkId:d"}]}
    results = done(
        provider,
        device,
        {"method": "POST", "path": "/Devices", "bulkId": "e", "data": other_parts},
        post_group("g", "G"),
    )
    made = {result["bulkId"]: id_of(result) for result in results}
    found = provider.get(f"/Devices/{made['d']}")
    assert found["watchers"][0]["$ref"] == f"{BASE}/Groups/{made['g']}"
    assert found["parts"][0]["$ref"] == f"{BASE}/Devices/{made['e']}"


def test_the_type_of_what_is_promised_to_a_reference_of_several_types() -> None:
    """The same for an attribute that may refer to users and groups, when a group is what is promised."""
    provider = Provider(registry=devices.registry())
    device = {"schemas": [devices.DEVICE], "serialNumber": "1", "watchers": [{"value": "bulkId:g"}]}
    results = done(
        provider,
        {"method": "POST", "path": "/Devices", "bulkId": "d", "data": device},
        post_group("g", "G", "bulkId:d"),
    )
    found = provider.get(f"/Devices/{id_of(results[0])}")
    assert found["watchers"][0]["$ref"] == f"{BASE}/Groups/{id_of(results[1])}"


BROKEN_CIRCLES: dict[str, tuple[list[Operation], list[str]]] = {
    "a member that is not there": ([*circle(2)[:1], post_group("g1", "G1", "bulkId:g0", "nobody")], ["409", "400"]),
    "the first fails": ([post_group("g0", "G0", "nobody", "bulkId:g1"), circle(2)[1]], ["400", "409"]),
    "a name that is taken": ([managed("a", "ANN", "bulkId:b"), managed("b", "bo", "bulkId:a")], ["409", "409"]),
    "one of three": ([*circle(3)[:2], post_group("g2", " ", "bulkId:g0")], ["409", "409", "400"]),
    "no such endpoint": (
        [circle(2)[0], {**circle(2)[1], "path": "/Nonsense"}],
        ["409", "404"],
    ),
    "a group in itself": ([post_group("g", "G", "bulkId:g")], ["400"]),
    "what comes after it": (
        [circle(2)[0], post_group("g1", "G1", "bulkId:g0", "nobody"), post_group("x", "X", "bulkId:g0")],
        ["409", "400", "400"],
    ),
}


@pytest.mark.parametrize(("operations", "expected"), BROKEN_CIRCLES.values(), ids=BROKEN_CIRCLES)
def test_a_circle_that_cannot_be_closed_leaves_nothing(operations: list[Operation], expected: list[str]) -> None:
    """One fails, the others are undone and told 409 (§3.7.1): resources, versions and indexes as before."""
    provider = Provider()
    provider.group("Before", provider.user("ann"))
    before = provider.state()
    answer = send(provider, *operations)
    assert statuses(answer["Operations"]) == expected
    assert provider.state() == before
    assert answer.reply is not None
    assert list(answer.reply.changes) == []
    results = done(provider, *circle(2))
    assert statuses(results) == ["201", "201"]


def test_what_else_there_is_in_a_job_stays() -> None:
    """Only the circle is undone; what came before and after it in the same job is done."""
    provider = Provider()
    results = done(
        provider,
        post_user("u", "ann"),
        post_group("a", "A", "bulkId:b", "bulkId:u"),
        post_group("b", "B", "bulkId:a", "nobody"),
        add_members("/Groups/bulkId:a", "bulkId:u"),
        post_group("c", "C", "bulkId:u"),
    )
    assert statuses(results) == ["201", "409", "400", "400", "201"]
    assert [group["displayName"] for group in provider.get("/Groups")["Resources"]] == ["C"]


def test_a_circle_around_an_account() -> None:
    """A POST that joins an account keeps its id, also in a circle; undone, the account is outside again."""
    provider = Provider(join_accounts=True, deactivate="leave", delete="leave")
    provider.store.put_account("acc", {"userName": "ann"}, "2026-01-01T00:00:00Z")
    broken = send(
        provider,
        managed("b", "bo", "bulkId:g"),
        post_group("g", "G", "bulkId:b", "bulkId:a", "no"),
        post_user("a", "ann"),
    )
    assert statuses(broken["Operations"])[:2] == ["409", "400"]
    provider = Provider(join_accounts=True, deactivate="leave", delete="leave")
    provider.store.put_account("acc", {"userName": "ann"}, "2026-01-01T00:00:00Z")
    before = provider.state()
    failed = send(provider, managed("a", "ann", "bulkId:b"), managed("b", "", "bulkId:a"))
    assert statuses(failed["Operations"]) == ["409", "400"]
    assert provider.state() == before
    results = done(provider, managed("a", "ann", "bulkId:b"), managed("b", "bo", "bulkId:a"))
    assert statuses(results) == ["201", "201"]
    assert id_of(results[0]) == "acc"
    assert provider.get(f"/Users/{id_of(results[1])}")[ENTERPRISE]["manager"]["value"] == "acc"


def test_a_circle_around_one_who_stays_outside() -> None:
    """Where active=false leaves a user outside there is nothing to refer to: the circle is undone, account and all."""
    provider = Provider(join_accounts=True, deactivate="leave", delete="leave")
    out = managed("a", "ann", "bulkId:b")
    out["data"]["active"] = False
    before = provider.state()
    results = done(provider, out, managed("b", "bo", "bulkId:a"))
    assert statuses(results) == ["409", "409"]
    assert provider.state() == before


# --- failures ---

FAILURES: dict[str, tuple[Operation, int, str | None]] = {
    "no method": ({"path": "/Users/id-1"}, 400, "invalidValue"),
    "GET": ({"method": "GET", "path": "/Users/id-1"}, 400, "invalidValue"),
    "method of another type": ({"method": 5, "path": "/Users/id-1"}, 400, "invalidValue"),
    "no path": ({"method": "DELETE"}, 400, "invalidValue"),
    "an empty path": ({"method": "DELETE", "path": "/"}, 400, "invalidValue"),
    "a path of another type": ({"method": "DELETE", "path": ["/Users"]}, 400, "invalidValue"),
    "POST without data": ({"method": "POST", "path": "/Users", "bulkId": "x"}, 400, "invalidValue"),
    "data of another type": ({"method": "POST", "path": "/Users", "bulkId": "x", "data": "y"}, 400, "invalidSyntax"),
    "PUT without data": ({"method": "PUT", "path": "/Users/id-1"}, 400, "invalidValue"),
    "bulkId of another type": ({**post_user("x", "y"), "bulkId": 7}, 400, "invalidValue"),
    "version of another type": (delete("/Users/id-1", version=1), 400, "invalidValue"),
    "POST to a resource": ({**post_user("x", "y"), "path": "/Users/id-1"}, 405, None),
    "DELETE of a type": (delete("/Users"), 405, None),
    "an unknown endpoint": (delete("/Nonsense/1"), 404, None),
    "an unknown resource": (delete("/Users/nobody"), 404, None),
    "a job within a job": ({**post_user("x", "y"), "path": "/Bulk"}, 400, "invalidValue"),
    "a search": ({**post_user("x", "y"), "path": "/Users/.search"}, 400, "invalidValue"),
    "discovery": (delete("/Schemas"), 405, None),
    "a taken name": (post_user("x", "ANN"), 409, "uniqueness"),
    "a bad PATCH": (patch("/Users/id-1", {"op": "add", "path": "nonsense", "value": 1}), 400, "invalidPath"),
    "another version": (delete("/Users/id-1", version='W/"99"'), 412, None),
    "an unknown bulkId": (post_group("x", "G", "bulkId:nobody"), 400, "invalidValue"),
    "an empty bulkId": (post_group("x", "G", "bulkId:"), 400, "invalidValue"),
    "an unknown bulkId in a path": (delete("/Users/bulkId:nobody"), 400, "invalidValue"),
    "an unknown bulkId in a $ref": (post_group("x", "G", {"$ref": "/Users/bulkId:no"}), 400, "invalidValue"),
    "an unknown bulkId in a filter": (
        patch("/Users/id-1", {"op": "remove", "path": 'emails[value eq "bulkId:no"]'}),
        400,
        "invalidValue",
    ),
    "a bulkId amid a text": (post_user("x", "y", title="see bulkId:x there"), 400, "invalidValue"),
    "a bulkId in a name": (
        patch("/Users/id-1", {"op": "add", "value": {'emails[value eq "bulkId:x"].display': "y"}}),
        400,
        "invalidValue",
    ),
    "a bulkId as a name": (post_user("x", "y", **{"bulkId:x": 1}), 400, "invalidValue"),
    "a bulkId hidden in a name": (
        patch("/Users/id-1", {"op": "add", "value": {'emails[value eq "bulk\\u0049d:x"].display': "y"}}),
        400,
        "invalidValue",
    ),
    "a bulkId in a secret": (post_user("x", "y", password="the bulkId:x"), 400, "invalidValue"),
    "a bulkId in another case": (post_group("x", "G", "BULKID:x"), 400, "invalidValue"),
}


@pytest.mark.parametrize(("operation", "status", "scim_type"), FAILURES.values(), ids=FAILURES)
def test_an_operation_that_fails_alone(operation: Operation, status: int, scim_type: str | None) -> None:
    """It has its own status and error, changes nothing, and the others are done (§3.7: as many as possible)."""
    provider = Provider()
    provider.user("ann", emails=[{"value": "a@example.com"}])
    results = send(provider, post_user("first", "bo"), operation, post_user("last", "cy"))["Operations"]
    failed = results[1]
    assert (failed["status"], failed["response"].get("scimType")) == (str(status), scim_type)
    assert failed["response"]["schemas"] == [urns.ERROR]
    assert failed.get("method") == (operation.get("method") if isinstance(operation.get("method"), str) else None)
    assert (results[0]["status"], results[2]["status"]) == ("201", "201")
    assert [user["userName"] for user in provider.get("/Users")["Resources"]] == ["ann", "bo", "cy"]
    assert provider.get("/Users/id-1")["meta"]["version"] == 'W/"1"'
    assert_sound(provider)


def test_what_depends_on_a_failure_fails_too() -> None:
    """An operation whose reference was not created is 400, and so is what depends on that, in values and paths."""
    provider = Provider()
    provider.user("ann")
    results = done(
        provider,
        post_group("g", "G", "bulkId:u"),
        add_members("/Groups/bulkId:g", "id-1"),
        managed("v", "bo", "bulkId:u"),
        delete("/Users/bulkId:u"),
        post_user("u", "ANN"),
    )
    assert statuses(results) == ["400", "400", "400", "400", "409"]
    assert "bulkId:u, which was not created" in results[0]["response"]["detail"]
    assert provider.get("/Groups")["totalResults"] == 0


def test_a_bulk_id_given_twice() -> None:
    """Which of the two is meant nobody can say: both fail, and what refers to them; the rest is done."""
    provider = Provider()
    results = done(
        provider, post_user("x", "a"), post_user("x", "b"), post_group("g", "G", "bulkId:x"), post_user("y", "c")
    )
    assert statuses(results) == ["400", "400", "400", "201"]
    assert all("given more than once" in result["response"]["detail"] for result in results[:3])


def test_a_bulk_id_beside_another_method_is_only_repeated() -> None:
    """A bulkId names what a POST creates; elsewhere it comes back in the result and means nothing else."""
    provider = Provider()
    user = provider.user("ann")
    results = done(provider, post_user("x", "bo"), delete(f"/Users/{user}", bulkId="x"))
    assert [(result["bulkId"], result["status"]) for result in results] == [("x", "201"), ("x", "204")]


def test_what_was_deleted_is_not_referred_to() -> None:
    """A reference to what the same job has deleted meanwhile is refused, also where members are not checked."""
    provider = Provider()
    results = done(
        provider,
        post_user("u", "ann"),
        delete("/Users/bulkId:u"),
        managed("v", "bo", "bulkId:u"),
        post_group("g", "G", "bulkId:u"),
    )
    assert statuses(results) == ["201", "204", "400", "400"]


def test_an_unknown_member_may_be_accepted_a_lost_reference_not() -> None:
    """With unknown-member in force a group may hold ids of nobody, but never a bulkId."""
    provider = Provider(accepted=frozenset({"unknown-member"}))
    results = send(
        provider, post_group("g", "G", "nobody"), post_group("h", "H", "bulkId:x"), post_group("i", "I", "bulkId:h")
    )["Operations"]
    assert statuses(results) == ["201", "400", "400"]
    single = post_group("", "J", "bulkId:x")["data"]
    assert provider.ask("POST", "/Groups", single).error == (400, "invalidValue")


@pytest.mark.parametrize("manager", ["bulkId:x", {"value": "bulkId:x"}])
def test_a_bulk_id_outside_a_bulk(manager: Any) -> None:
    """A reference to a bulkId in a single request refers to nothing."""
    provider = Provider()
    document = {"schemas": [urns.USER, ENTERPRISE], "userName": "a", ENTERPRISE: {"manager": manager}}
    assert provider.ask("POST", "/Users", document).error == (400, "invalidValue")


# --- versions ---


def test_the_version_acts_as_if_match() -> None:
    """The version of PUT, PATCH and DELETE must be the resource's, as with If-Match; a POST's means nothing."""
    provider = Provider()
    user = provider.user("ann")
    version = provider.get(f"/Users/{user}")["meta"]["version"]
    title = {"op": "replace", "path": "title", "value": "T"}
    results = done(
        provider,
        patch(f"/Users/{user}", title, version='W/"7"'),
        patch(f"/Users/{user}", title, version=version),
        delete(f"/Users/{user}", version=version),
        {**post_user("x", "bo"), "version": 'W/"7"'},
    )
    assert statuses(results) == ["412", "200", "412", "201"]
    assert done(provider, delete(f"/Users/{user}", version=results[1]["version"]))[0]["status"] == "204"


# --- order ---


def test_what_happens_to_a_resource_keeps_its_order() -> None:
    """While one operation waits for its reference, later ones about the same resource wait behind it."""
    provider = Provider()
    group = provider.group("G", provider.user("ann"))
    results = done(
        provider,
        add_members(f"/Groups/{group}", "bulkId:u"),
        patch(f"/groups/{group}", {"op": "remove", "path": "members"}),
        post_user("u", "bo"),
    )
    assert statuses(results) == ["200", "200", "201"]
    assert provider.member_ids(group) == []


def test_a_deletion_does_not_overtake() -> None:
    """The group gets its member before it is deleted, as the client wrote it."""
    provider = Provider()
    group = provider.group("G")
    results = done(
        provider, add_members(f"/Groups/{group}", "bulkId:u"), delete(f"/Groups/{group}"), post_user("u", "b")
    )
    assert statuses(results) == ["200", "204", "201"]


def test_a_waiting_operation_is_next_once_it_can_be() -> None:
    """What waited is done as soon as its reference is there, before what the client wrote after that."""
    provider = Provider()
    results = done(provider, post_group("g", "G", "bulkId:u"), post_user("u", "b"), delete("/Users/bulkId:u"))
    assert statuses(results) == ["201", "201", "204"]
    assert provider.member_ids(id_of(results[0])) == []


def test_a_name_that_an_earlier_operation_frees() -> None:
    """Operations are done in the order given: a DELETE frees the userName that a POST after it takes."""
    provider = Provider()
    user = provider.user("ann")
    assert statuses(done(provider, delete(f"/Users/{user}"), post_user("x", "ann"))) == ["204", "201"]


# --- failOnErrors ---


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (None, ["201", "404", "201", "404", "201"]),
        (3, ["201", "404", "201", "404", "201"]),
        (2, ["201", "404", "201", "404"]),
        (1, ["201", "404"]),
        (0, ["201", "404"]),
    ],
)
def test_fail_on_errors(most: int | None, expected: list[str]) -> None:
    """With so many errors the job ends: what is left is neither done nor in the response (§3.7)."""
    provider = Provider()
    gone = delete("/Users/nobody")
    operations = [post_user("a", "a"), gone, post_user("b", "b"), gone, post_user("c", "c")]
    results = done(provider, *operations, **({} if most is None else {"failOnErrors": most}))
    assert statuses(results) == expected
    assert provider.get("/Users")["totalResults"] == expected.count("201")


def test_fail_on_errors_with_what_waits() -> None:
    """What waits when the job ends was not processed; a circle that fails is told whole."""
    provider = Provider()
    results = done(provider, post_group("g", "G", "bulkId:u"), delete("/Users/no"), post_user("u", "u"), failOnErrors=1)
    assert [(result["method"], result["status"]) for result in results] == [("DELETE", "404")]
    results = done(
        provider, circle(2)[0], post_group("g1", "G1", "bulkId:g0", "no"), post_user("u", "u"), failOnErrors=1
    )
    assert statuses(results) == ["409", "400"]
    assert provider.get("/")["totalResults"] == 0


# --- the message ---

MESSAGES: dict[str, tuple[Any, int, str | None]] = {
    "a list": ([], 400, "invalidSyntax"),
    "no Operations": ({}, 400, "invalidSyntax"),
    "empty Operations": ({"Operations": []}, 400, "invalidSyntax"),
    "Operations of another type": ({"Operations": {"method": "POST"}}, 400, "invalidSyntax"),
    "an operation of another type": ({"Operations": [delete("/Users/id-1"), "DELETE"]}, 400, "invalidSyntax"),
    "schemas of another type": ({"schemas": "x", "Operations": [delete("/Users/id-1")]}, 400, "invalidSyntax"),
    "failOnErrors below 0": ({"failOnErrors": -1, "Operations": [delete("/Users/id-1")]}, 400, "invalidValue"),
    "failOnErrors as a text": ({"failOnErrors": "1", "Operations": [delete("/Users/id-1")]}, 400, "invalidValue"),
    "failOnErrors as true": ({"failOnErrors": True, "Operations": [delete("/Users/id-1")]}, 400, "invalidValue"),
    "too many operations": ({"Operations": [delete("/Users/id-1")] * 4}, 413, None),
    "too large": ({"Operations": [delete("/Users/id-1")], "more": "x" * 500}, 413, None),
}


@pytest.mark.parametrize(("document", "status", "scim_type"), MESSAGES.values(), ids=MESSAGES)
def test_a_message_that_is_none(document: Any, status: int, scim_type: str | None) -> None:
    """The whole request is refused and nothing is done; 413 names the limit (§3.7.4)."""
    provider = Provider(max_operations=3, max_payload=500)
    provider.user("ann")
    before = provider.state()
    answer = provider.ask("POST", "/Bulk", document)
    assert answer.error == (status, scim_type)
    assert provider.state() == before
    if status == 413:
        assert "maxOperations is 3" in answer["detail"] or "maxPayloadSize is 500" in answer["detail"]


def test_the_limits_are_those_that_are_published() -> None:
    """As many operations and bytes as ServiceProviderConfig says are taken, one more is 413."""
    provider = Provider(max_operations=3, max_payload=2000)
    published = provider.get("/ServiceProviderConfig")["bulk"]
    assert published == {"supported": True, "maxOperations": 3, "maxPayloadSize": 2000}
    gone = delete("/Users/no")
    assert send(provider, *[gone] * 3).status == 200
    assert send(provider, *[gone] * 4).status == 413
    body = orjson.dumps({"schemas": [urns.BULK_REQUEST], "Operations": [gone]})
    assert provider.ask("POST", "/Bulk", raw=body + b" " * (2000 - len(body))).status == 200
    assert provider.ask("POST", "/Bulk", raw=body + b" " * (2001 - len(body))).status == 413


def test_a_provider_without_bulk() -> None:
    """Where a profile has no bulk it is 501, and ServiceProviderConfig says so."""
    provider = Provider(bulk=False)
    assert send(provider, delete("/Users/x")).status == 501
    published = provider.get("/ServiceProviderConfig")["bulk"]
    assert published == {"supported": False, "maxOperations": 0, "maxPayloadSize": 0}


def test_deep_data_is_no_trouble() -> None:
    """Data nested as deep as JSON is taken is read, and fails as it would alone."""
    provider = Provider()
    raw = b'{"Operations":[{"method":"POST","path":"/Users","bulkId":"x","data":{"userName":"a","name":%s}}]}'
    deep = b"[" * 240 + b'"bulkId:x"' + b"]" * 240
    answer = provider.ask("POST", "/Bulk", raw=raw % deep)
    assert statuses(answer["Operations"]) == ["400"]


def test_one_job_must_not_keep_the_server_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """What all PATCHes and PUTs of a job look at counts together; beyond the bound the rest is 413."""
    monkeypatch.setattr("mockscim.scim.bulk.MOST_LOOKED_AT", 10)
    monkeypatch.setattr("mockscim.scim.patch.MOST_LOOKED_AT", 10)
    provider = Provider()
    group = provider.group("G", *(provider.user(f"u{n}") for n in range(4)))
    by_name = patch(f"/Groups/{group}", {"op": "remove", "path": 'members[display eq "nobody"]'})
    whole = {"method": "PUT", "path": f"/Groups/{group}", "data": post_group("", "G", "id-1", "id-2")["data"]}
    clear = patch(f"/Groups/{group}", {"op": "replace", "path": "members", "value": [{"value": "id-1"}]})
    assert statuses(done(provider, *[by_name] * 4)) == ["200", "200", "413", "413"]
    assert statuses(done(provider, clear, add_members(f"/Groups/{group}", "id-2", "id-3", "id-4"))) == ["200", "200"]
    assert statuses(done(provider, *[by_name] * 2, clear, whole)) == ["200", "200", "200", "413"]
    assert statuses(done(provider, *[whole] * 9))[-1] == "413"


def test_a_job_renders_nothing_that_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results of what went well have no response (§3.7 leaves it open), so no resource is rendered for them."""
    provider = Provider()
    provider.user("ann")
    monkeypatch.setattr(provider.store, "render", None)
    title = {"op": "replace", "path": "title", "value": "T"}
    results = done(provider, post_user("x", "bo"), patch("/Users/id-1", title), post_group("g", "G", "bulkId:x"))
    assert statuses(results) == ["201", "200", "201"]
    assert not any("response" in result for result in results)


# --- what stands between ---


def call_for(provider: Provider, *operations: Operation) -> Call:
    call = provider.service.route("POST", "/Bulk", BASE)
    provider.service.read(call, (), orjson.dumps({"schemas": [urns.BULK_REQUEST], "Operations": list(operations)}))
    return call


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([post_user("u", "b", active="True"), post_group("g", "G", "bulkId:u")], True),
        (circle(2), True),
        ([circle(2)[0], post_group("g1", "G1", "bulkId:g0", "no")], False),
        ([delete("/Users/no")], False),
        ([patch("/Users/id-1", {"op": "replace", "path": "userName", "value": "ann"})], False),
    ],
)
def test_looking_ahead_changes_nothing(operations: list[Operation], expected: bool) -> None:
    """Whether a job would commit anything is found out without a trace, and the job is done afterwards all the same."""
    provider = Provider()
    provider.user("ann")
    before = provider.state()
    call = call_for(provider, *operations)
    assert provider.service.commits(call) is expected
    assert provider.state() == before
    assert call.tolerance.report() == []
    reply = provider.service.perform(call, "2026-01-01T00:00:00Z")
    assert bool(reply.changes) is expected
    assert_sound(provider)


GATES: dict[str, tuple[list[Operation], int, Verdict, list[str], list[str]]] = {
    "an error before": (
        [post_user("u", "bo"), post_group("g", "G", "bulkId:u"), post_user("v", "cy")],
        0,
        Verdict(carry_out=False, status=503, body=b'{"status":"503"}'),
        ["503", "400", "201"],
        ["cy"],
    ),
    "an error after": (
        [post_user("u", "bo"), post_group("g", "G", "bulkId:u")],
        0,
        Verdict(status=503, body=b"sorry"),
        ["503", "201"],
        ["bo", "G"],
    ),
    "a stop": (
        [post_user("u", "bo"), post_user("v", "cy"), post_user("w", "dee")],
        1,
        Verdict(stop=True),
        ["201"],
        ["bo"],
    ),
    "an error before in a circle": (
        circle(2),
        1,
        Verdict(carry_out=False, status=429),
        ["409", "429"],
        [],
    ),
    "an error after in a circle": (circle(2), 0, Verdict(status=500), ["500", "201"], ["G0", "G1"]),
    "a stop in a circle": ([post_user("u", "bo"), *circle(2)], 2, Verdict(stop=True), ["201"], ["bo"]),
    "a success in its place": ([post_user("u", "bo")], 0, Verdict(carry_out=False, status=200), ["200"], []),
}


@pytest.mark.parametrize(("operations", "struck", "verdict", "expected", "left"), GATES.values(), ids=GATES)
def test_a_fault_in_the_midst(
    operations: list[Operation], struck: int, verdict: Verdict, expected: list[str], left: list[str]
) -> None:
    """What a fault does to one operation is its result; what depends on it knows whether it was really done."""
    provider = Provider()
    call = call_for(provider, *operations)
    asked: list[str] = []

    def gate(inner: Call) -> Verdict:
        asked.append(inner.operation)
        return verdict if len(asked) == struck + 1 else Verdict()

    call.verdict = gate
    reply = provider.service.perform(call, "2026-01-01T00:00:00Z")
    assert reply.body is not None
    results = orjson.loads(reply.body)["Operations"]
    assert statuses(results) == expected
    if verdict.body == b"sorry":
        assert results[0]["response"] == ScimError(503, None, "sorry").document()
    named = [one.get("userName") or one["displayName"] for one in provider.get("/")["Resources"]]
    assert named == left
    assert len(reply.changes) == len(left)
    assert_sound(provider)


def test_leniencies_of_operations_are_reported() -> None:
    """They are noted with the place of the operation; when refused, that operation fails and no other."""
    provider = Provider()
    operations = [post_user("x", "a", active="True"), post_user("y", "b")]
    assert send(provider, *operations).leniencies == {"boolean-string"}
    call = call_for(provider, post_user("z", "c"), post_user("w", "d", active="True"))
    provider.service.perform(call, "2026-01-01T00:00:00Z")
    assert call.tolerance.report()[0]["detail"].startswith("Operations[1]: active")
    assert statuses(done(Provider(strict=True), *operations)) == ["400", "201"]


# --- laws ---

NAMES = ["a", "b", "c", "d"]
TARGETS = st.sampled_from([*(f"bulkId:{name}" for name in NAMES), "bulkId:nobody", "id-1", "id-2", "nobody"])
MEMBER = st.one_of(TARGETS, TARGETS.map(lambda one: {"$ref": f"/Users/{one}"}))
OPERATIONS = st.one_of(
    st.builds(post_user, st.sampled_from(NAMES), st.sampled_from(["u1", "u2", "u3", "taken"])),
    st.builds(managed, st.sampled_from(NAMES), st.sampled_from(["u1", "u2", "u4"]), TARGETS),
    st.builds(
        lambda name, members: post_group(name, f"G-{name}", *members),
        st.sampled_from(NAMES),
        st.lists(MEMBER, max_size=3),
    ),
    st.builds(lambda one, members: add_members(f"/Groups/{one}", *members), TARGETS, st.lists(TARGETS, max_size=2)),
    st.builds(
        lambda one, member: patch(f"/Groups/{one}", {"op": "remove", "path": f'members[value eq "{member}"]'}),
        TARGETS,
        TARGETS,
    ),
    st.builds(lambda one, kind: delete(f"/{kind}/{one}"), TARGETS, st.sampled_from(["Users", "Groups"])),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(OPERATIONS, max_size=9, min_size=1), st.sampled_from([None, 1, 2]), st.booleans())
def test_no_job_leaves_a_literal_or_an_orphan(operations: list[Operation], most: int | None, leaving: bool) -> None:
    """After any job no reference is left unresolved, every member is there, and what is told is what is."""
    ways: dict[str, Any] = {"join_accounts": True, "deactivate": "leave", "delete": "leave"} if leaving else {}
    provider = Provider(**ways)
    provider.user("taken")
    provider.group("Before", "id-1")
    before = {id_ for table in provider.store.tables.values() for id_ in table.records}
    operations = orjson.loads(orjson.dumps(operations))  # what is drawn may share parts
    answer = send(provider, *operations, **({} if most is None else {"failOnErrors": most}))
    assert answer.status == 200
    assert_sound(provider)
    results = answer["Operations"]
    assert len(results) == len(operations) or most is not None
    after = {id_ for table in provider.store.tables.values() for id_ in table.records}
    made = {id_of(result) for result in results if result["method"] == "POST" and result["status"] == "201"}
    gone = {id_of(result) for result in results if result["method"] == "DELETE" and result["status"] == "204"}
    assert after <= before | made
    assert (before | made) - after <= gone
    for table in provider.store.tables.values():
        for record in table:
            assert record.version <= provider.store.commits
    assert answer.reply is not None
    for change in answer.reply.changes:
        assert change.after is None or change.after.version <= provider.store.commits


@given(st.lists(st.sampled_from([*NAMES, "e"]), min_size=1, max_size=5, unique=True), st.data())
def test_groups_of_any_shape_are_made_in_any_order(names: list[str], data: st.DataObject) -> None:
    """Groups that refer to each other anyhow, in any order, all come to be with just those members."""
    wanted = {
        name: data.draw(st.lists(st.sampled_from([one for one in names if one != name] or [name]), unique=True))
        if len(names) > 1
        else []
        for name in names
    }
    provider = Provider()
    order = data.draw(st.permutations(names))
    results = done(provider, *(post_group(name, name, *(f"bulkId:{m}" for m in wanted[name])) for name in order))
    assert set(statuses(results)) == {"201"}
    made = {result["bulkId"]: id_of(result) for result in results}
    for name, members in wanted.items():
        assert provider.member_ids(made[name]) == [made[member] for member in members]


@given(st.text(max_size=40), st.booleans())
def test_any_text_is_resolved_or_refused(text: str, is_path: bool) -> None:
    """Whatever a text is, after resolving it holds no literal reference."""
    for given_text in (text, f"bulkId:{text}", f"/Users/bulkId:{text}", f'x "bulkId:{text}', f'[a eq "bulkId:{text}"]'):
        try:
            found = bulk_request.resolved(given_text, lambda _: "id", is_path=is_path)
        except ScimError as error:
            found = str(error.scim_type)
        assert "bulkId:" not in found


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.sampled_from(
        ["", "bulkId:a", "/Users/bulkId:a", "id-1", "/Users", "a", 'members[value eq "bulkId:a"]', urns.USER]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["userName", "members", "value", "$ref", "schemas", "Operations", "op", "path", "bulkId:a"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
ODD = st.fixed_dictionaries(
    {},
    optional={
        "method": st.sampled_from(["POST", "PUT", "PATCH", "DELETE", "GET"]) | VALUES,
        "path": st.sampled_from(["/Users", "/Groups", "/Users/id-1", "/Groups/bulkId:a", "/Devices"]) | VALUES,
        "bulkId": st.sampled_from(["a", "b"]) | VALUES,
        "version": VALUES,
        "data": VALUES,
    },
)


@settings(max_examples=300, deadline=None)
@given(st.lists(ODD, min_size=1, max_size=4) | VALUES, st.sampled_from([None, 1]) | VALUES)
def test_nothing_that_is_sent_breaks_it(operations: Any, most: Any) -> None:
    """Whatever a message holds, it is refused as a whole or answered for each operation."""
    provider = Provider(registry=devices.registry())
    provider.user("ann")
    answer = provider.ask("POST", "/Bulk", {"Operations": operations, "failOnErrors": most})
    assert answer.status in (200, 400)
    if answer.status == 200:
        assert all(200 <= int(result["status"]) < 500 for result in answer["Operations"])
    assert_sound(provider)


def test_looking_ahead_does_not_count() -> None:
    """What fault rules look at in advance is not held against the PATCH itself."""
    provider = Provider()
    group = provider.group("G", provider.user("ann"), provider.user("bo"))
    call = provider.service.route("PATCH", f"/Groups/{group}", BASE)
    provider.service.take(call, {"Operations": [{"op": "remove", "path": 'members[type eq "User"]'}]})
    assert provider.service.commits(call)
    assert call.looked_at == 0


def test_the_components_of_a_long_chain_need_no_recursion() -> None:
    """A thousand groups in one circle, and in one chain."""
    provider = Provider()
    assert set(statuses(done(provider, *circle(1000)))) == {"201"}
    chain = [post_group(f"g{n}", f"G{n}", f"bulkId:g{n + 1}") for n in range(999)]
    assert set(statuses(done(provider, *chain, post_group("g999", "G999")))) == {"201"}


def test_what_the_job_has_deleted_is_gone_whatever_is_sent_to_it() -> None:
    """A PUT of it that refers to it is 404, as one that does not; another's reference to it is 400."""
    results = done(
        Provider(),
        post_user("a", "ann"),
        delete("/Users/bulkId:a"),
        {"method": "PUT", "path": "/Users/bulkId:a", "data": managed("a", "ann", "bulkId:a")["data"]},
        managed("b", "bob", "bulkId:a"),
    )
    assert statuses(results) == ["201", "204", "404", "400"]
