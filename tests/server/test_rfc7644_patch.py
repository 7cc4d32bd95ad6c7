"""RFC 7644 §3.5.2: the PATCH request, with --strict wherever the RFC's own word is asked for."""

import pytest
from edge import PATCH_OP, USER, assert_scim_error
from rfc import (
    ANN,
    ENTERPRISE,
    GROUPS,
    HOME,
    OTHER,
    RACK,
    USERS,
    a_box,
    a_person,
    add,
    patch,
    patched,
    remove,
    replace,
    values,
)


@pytest.fixture
def zed(strict):
    """The path of a user with some of everything."""
    return a_person(strict)


@pytest.fixture
def box(devices):
    """The path of a device whose immutable attributes have values, but for the room."""
    return a_box(devices)


@pytest.mark.rfc("3.5-2", "3.5.2-15")
@pytest.mark.parametrize("path", [ANN, f"{GROUPS}/g-1"])
def test_patch(strict, path):
    """A PATCH answers 200 with the whole resource as it is then."""
    answer = patch(strict, path, replace("displayName", "New"))
    assert answer.status_code == 200
    assert answer.json()["displayName"] == "New"
    assert answer.json() == strict.get(path).json()


@pytest.mark.rfc("3.5.2-1")
@pytest.mark.parametrize("schemas", [[USER], [], None, PATCH_OP])
def test_another_message(strict, schemas):
    """A body that is no PatchOp is refused."""
    body = {"schemas": schemas, "Operations": [replace("displayName", "x")]}
    assert_scim_error(strict.patch(ANN, json=body), 400, "invalidSyntax")
    assert strict.get(ANN).json()["displayName"] == "Ann Ashdown"


@pytest.mark.rfc("3.5.2-2")
@pytest.mark.parametrize("more", [{}, {"Operations": []}, {"Operations": None}, {"Operations": replace("title", "x")}])
def test_no_operations(client, more):
    """Operations is an array of at least one operation."""
    assert_scim_error(client.patch(ANN, json={"schemas": [PATCH_OP], **more}), 400, "invalidSyntax")


@pytest.mark.rfc("3.5.2-3")
@pytest.mark.parametrize(
    "operation",
    [{}, {"op": None}, {"op": "move"}, {"op": "test"}, {"op": ""}, {"op": ["add"]}, {"op": 1}, {"op": "Add"}],
)
def test_other_operations(strict, operation):
    """An operation has an op, which is add, remove or replace."""
    answer = patch(strict, ANN, {"path": "displayName", "value": "x", **operation})
    assert_scim_error(answer, 400)
    assert strict.get(ANN).json()["displayName"] == "Ann Ashdown"


@pytest.mark.rfc("3.5.2-4", "3.5.2.2-a")
@pytest.mark.parametrize("more", [{}, {"path": None}, {"path": ""}, {"value": {"title": "x"}}])
def test_remove_without_path(strict, more):
    """A remove without a path is 400 noTarget."""
    assert_scim_error(patch(strict, ANN, {"op": "remove", **more}), 400, "noTarget")


@pytest.mark.rfc("3.5.2-5", "3.5.2-7", "3.5.2-14")
@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        (replace("active", "perhaps"), "invalidValue"),
        (replace("title", {"value": "x"}), "invalidValue"),
        (replace("title", ["x", "y"]), "invalidValue"),
        (replace("name", "Ann"), "invalidValue"),
        (add("emails", [{"value": 7}]), "invalidValue"),
        (add("emails", "ann@example.com"), "invalidValue"),
        (replace("userName", ""), "invalidValue"),
        (replace("userName", "bjorn@example.com"), "uniqueness"),
        (replace("colour", "red"), "invalidPath"),
        (replace("name.colour", "red"), "invalidPath"),
        (replace("title.value", "x"), "invalidPath"),
        (replace("emails[", "x"), "invalidPath"),
        (replace("..", "x"), "invalidPath"),
    ],
)
def test_what_the_schema_does_not_have(strict, operation, scim_type):
    """An operation that does not fit the schema gets a SCIM Error of the kind that says why; nothing is changed."""
    before = strict.get(ANN).json()
    answer = patch(strict, ANN, operation)
    assert_scim_error(answer, 409 if scim_type == "uniqueness" else 400, scim_type)
    assert strict.get(ANN).json() == before


@pytest.mark.rfc("3.5.2-5", "3.5.2-6", "3.5.2-7", "7643/7-10", "7643/3.1-6")
@pytest.mark.parametrize(
    "operation",
    [
        replace("id", "mine"),
        replace("meta.created", "2001-01-01T00:00:00Z"),
        add("groups", [{"value": "g-2"}]),
        replace(None, {"id": "mine"}),
        replace(None, {"meta": {"resourceType": "Group"}}),
    ],
)
def test_read_only(strict, operation):
    """A readOnly attribute is not modified: 400 mutability."""
    before = strict.get(ANN).json()
    assert_scim_error(patch(strict, ANN, operation), 400, "mutability")
    assert strict.get(ANN).json() == before


@pytest.mark.rfc("3.5.2-5", "3.5.2-6", "3.5.2-7", "7643/7-11")
@pytest.mark.parametrize(
    "operation",
    [
        replace("serialNumber", "S2"),
        add("serialNumber", "S2"),
        replace(None, {"serialNumber": "S2"}),
        replace("case.code", "d"),
        replace("case", {"code": "d", "colour": "red"}),
        remove("case.code"),
        replace(f"{RACK}:state", "broken"),
    ],
)
def test_immutable(devices, box, operation):
    """An immutable attribute that has a value keeps it: 400 mutability."""
    before = devices.get(box).json()
    assert_scim_error(patch(devices, box, operation), 400, "mutability")
    assert devices.get(box).json() == before


@pytest.mark.rfc("3.5.2-a")
def test_an_immutable_attribute_without_a_value(devices, box):
    """An immutable attribute that has no value may be added, once."""
    assert patched(devices, box, add(f"{RACK}:room", "cellar"))[RACK]["room"] == "cellar"
    assert_scim_error(patch(devices, box, add(f"{RACK}:room", "attic")), 400, "mutability")


@pytest.mark.rfc("3.5.2-8")
def test_names_without_a_urn(devices, box):
    """A name without a URN is the core schema's; with the extension's URN it is the extension's of the same name."""
    after = patched(devices, box, add("hostName", "core"), add(f"{RACK}:hostName", "rack"))
    assert (after["hostName"], after[RACK]["hostName"]) == ("core", "rack")


@pytest.mark.rfc("3.5.2-b", "7643/3-3")
@pytest.mark.parametrize(
    "operation",
    [
        add(f"{ENTERPRISE}:employeeNumber", "7"),
        replace(f"{ENTERPRISE}:employeeNumber", "7"),
        add(ENTERPRISE, {"employeeNumber": "7"}),
        add(None, {ENTERPRISE: {"employeeNumber": "7"}}),
    ],
)
def test_an_extension_comes_with_its_attribute(strict, operation):
    """Writing an attribute of an extension puts the extension's URN into schemas."""
    after = patched(strict, ANN, operation)
    assert sorted(after["schemas"]) == sorted([USER, ENTERPRISE])
    assert after[ENTERPRISE] == {"employeeNumber": "7"}


@pytest.mark.rfc("3.5.2-c")
def test_operations_in_order(strict, zed):
    """Each operation works on what the one before left."""
    after = patched(
        strict,
        zed,
        add("emails", [OTHER]),
        replace('emails[type eq "other"].value', "new@example.com"),
        remove('emails[value eq "home@example.com"]'),
        replace("title", "A"),
        replace("title", "B"),
        remove("name"),
        add("name.givenName", "Q"),
    )
    assert values(after) == ["work@example.com", "new@example.com"]
    assert (after["title"], after["name"]) == ("B", {"givenName": "Q"})


@pytest.mark.rfc("3.5.2-10")
@pytest.mark.parametrize(
    "operation",
    [
        add("emails", [{**OTHER, "primary": True}]),
        replace('emails[type eq "home"].primary', True),
        replace('emails[type eq "home"]', {**HOME, "primary": True}),
    ],
)
def test_primary(strict, zed, operation):
    """When a value becomes primary, the one that was is so no longer."""
    after = patched(strict, zed, operation)
    (primary,) = (email["type"] for email in after["emails"] if email.get("primary"))
    assert primary != "work"
    assert [email.get("primary", False) for email in after["emails"] if email["type"] == "work"] == [False]


@pytest.mark.rfc("3.5.2-11", "3.5.2-12", "3.5.2-13", "3.5.2-14")
@pytest.mark.parametrize(
    ("bad", "status", "scim_type"),
    [
        (replace("id", "x"), 400, "mutability"),
        (replace("active", 7), 400, "invalidValue"),
        (remove("nothing"), 400, "invalidPath"),
        (replace('emails[type eq "none"].value', "x"), 400, "noTarget"),
        (replace("userName", "ann@example.com"), 409, "uniqueness"),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_atomic(strict, zed, bad, status, scim_type, place):
    """When one operation of several fails, the answer is its error and the resource and its version are as before."""
    before = strict.get(zed).json()
    operations = [replace("title", "Other"), remove("emails")]
    operations.insert(place, bad)
    assert_scim_error(patch(strict, zed, *operations), status, scim_type)
    assert strict.get(zed).json() == before


@pytest.mark.rfc("3.5.2-11", "3.5.2-12")
def test_atomic_with_members(strict):
    """Members added before the failure are none, and the users know of no group."""
    before = strict.get(f"{GROUPS}/g-1").json()
    assert_scim_error(
        patch(strict, f"{GROUPS}/g-1", add("members", [{"value": "u-4"}]), replace("displayName", None)), 400
    )
    assert strict.get(f"{GROUPS}/g-1").json() == before
    assert "groups" not in strict.get(f"{USERS}/u-4").json()


@pytest.mark.rfc("3.5.2-15", "3.5.2-16")
def test_answers_without_a_body(serve):
    """A provider that answers 204 sends no body, but 200 with the resource to who asks for attributes."""
    client = serve(profile={"behaviour": {"patch_answer": "none"}}).client
    answer = patch(client, ANN, replace("title", "A"))
    assert (answer.status_code, answer.content) == (204, b"")
    answer = patch(client, ANN, replace("title", "B"), attributes="title")
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["title"]) == ("u-1", "B")
