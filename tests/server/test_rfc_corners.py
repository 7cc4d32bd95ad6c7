"""What the RFCs ask that is easily missed: each of these was once found missing here."""

import pytest
from edge import USER, assert_scim_error
from rfc import (
    ANN,
    BASE,
    DEVICES,
    ENTERPRISE,
    GROUPS,
    USERS,
    WITH_DEVICES,
    add,
    created,
    found,
    ids,
    patch,
    patched,
    remove,
    replace,
)
from scim.devices import DEVICE, EXTENSION, SCHEMA


@pytest.mark.rfc("3.13-3")
@pytest.mark.parametrize("path", ["/scim/Users/u-1", "/scim/ServiceProviderConfig"])
def test_without_a_version(client, path):
    """A URL without a version is served as version 2."""
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.json() == client.get(path.replace("/scim", BASE)).json()


@pytest.mark.rfc("3.8-5")
@pytest.mark.parametrize("path", [f"{USERS}/nobody", f"{BASE}/Nothing", f"{USERS}?filter=x"])
def test_errors_in_plain_json(client, path):
    """Errors too are answered in application/json where Accept asks for that alone."""
    answer = client.get(path, headers={"Accept": "application/json"})
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.rfc("3.4.2.3-3")
@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_dates_are_sorted_in_time(devices, order):
    """Dates are ordered by the moment they name, whatever their zone and fraction."""
    moments = [
        "2026-01-01T12:00:00+13:00",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.5Z",
        "2025-12-31T23:00:00-05:00",
    ]
    made = [created(devices, DEVICES, serialNumber=str(n), bought=moment)["id"] for n, moment in enumerate(moments)]
    answer = devices.get(DEVICES, params={"sortBy": "bought", "sortOrder": order})
    assert ids(answer) == (made if order == "ascending" else made[::-1])


@pytest.mark.rfc("3.5.2-9")
def test_operations_after_a_change_of_schemas(strict):
    """A PATCH may add an extension's URN to schemas; what follows may then use the extension."""
    after = patched(strict, ANN, add("schemas", [ENTERPRISE]), add(f"{ENTERPRISE}:department", "Engineering"))
    assert sorted(after["schemas"]) == sorted([USER, ENTERPRISE])
    assert after[ENTERPRISE] == {"department": "Engineering"}


@pytest.mark.rfc("3.5.2-9")
def test_schemas_as_they_are(strict):
    """A PATCH that says the schemas which the resource has changes nothing."""
    before = strict.get(f"{USERS}/u-5").json()
    assert patched(strict, f"{USERS}/u-5", replace("schemas", [ENTERPRISE, USER])) == before
    assert patched(strict, f"{USERS}/u-5", add("schemas", [USER])) == before


@pytest.mark.rfc("3.5.2.2-c")
def test_remove_one_who_is_no_member(strict):
    """Removing one who is no member succeeds and changes nothing, even with --strict: so says §3.5.2.2 itself."""
    before = strict.get(f"{GROUPS}/g-1").json()
    assert patched(strict, f"{GROUPS}/g-1", remove('members[value eq "u-4"]')) == before


@pytest.mark.rfc("3.5.2.3-4")
def test_replace_a_member_by_another(strict):
    """Behind a filter the value is one record, not an array: a member becomes another."""
    after = patched(strict, f"{GROUPS}/g-1", replace('members[value eq "u-3"]', {"value": "u-4"}))
    assert sorted(member["value"] for member in after["members"]) == ["u-1", "u-4", "u-5"]


@pytest.mark.rfc("3.5.2.3-5")
def test_replace_one_who_is_no_member(strict):
    """A filter that no member matches is 400 noTarget."""
    answer = patch(strict, f"{GROUPS}/g-1", replace('members[value eq "u-4"]', {"value": "u-2"}))
    assert_scim_error(answer, 400, "noTarget")


@pytest.mark.rfc("3.5.2.3-3", "3.5.2.1-2")
@pytest.mark.parametrize("operation", [add, replace])
def test_a_part_of_a_complex_attribute(devices, operation):
    """What the value leaves out stays, so that it need not repeat a required sub-attribute that is there."""
    made = created(devices, DEVICES, serialNumber="S1", case={"code": "c", "colour": "red"})
    path = f"{DEVICES}/{made['id']}"
    assert patched(devices, path, operation("case", {"code": "c"}))["case"] == {"code": "c", "colour": "red"}
    assert_scim_error(patch(devices, path, operation("case", {"code": "d"})), 400, "mutability")


@pytest.mark.rfc("7643/2.4-4")
def test_not_primary_is_false(client):
    """A value that does not say whether it is primary is found as one that is not."""
    made = created(client, userName="zed@example.com", emails=[{"value": "zed@example.com"}])["id"]
    assert found(client, "emails[primary eq false]") == [made]
    assert found(client, "emails[not (primary eq true)]") == [made]
    assert found(client, "emails[primary ne true]") == [made]


@pytest.mark.rfc("7643/2.4-7")
def test_the_same_value_twice(client):
    """Of two values with the same type and value one is returned."""
    twice = {"value": "zed@example.com", "type": "work"}
    made = created(client, userName="zed@example.com", emails=[twice, twice])
    assert made["emails"] == [twice]
    assert patched(client, f"{USERS}/{made['id']}", add("emails", [twice, twice]))["emails"] == [twice]


@pytest.mark.rfc("7643/2.4-5")
@pytest.mark.parametrize("path", ["/scim/Users/u-1", "/scim/v1/Users/u-1"])
def test_filters_by_reference(client, path):
    """A filter finds a reference by a URI with another version, or without one."""
    uri = str(client.base_url).rstrip("/") + path
    assert found(client, f'members[$ref eq "{uri}"]', GROUPS) == ["g-1"]


@pytest.mark.rfc("7643/2.3.7-1")
@pytest.mark.parametrize("value", ["not a uri", "http://[", "<x>", "a\\b", "%zz"])
def test_references_are_uris(devices, value):
    """What is no URI, absolute or relative, is no reference: 400 invalidValue."""
    for good in (
        "https://example.com/m.pdf?x=1#y",
        "m.pdf",
        "../Users/u-1",
        "urn:ietf:params:scim:schemas:core:2.0:User",
    ):
        answer = devices.post(DEVICES, json={"schemas": [DEVICE], "serialNumber": good, "manual": good})
        assert answer.status_code == 201, answer.text
    answer = devices.post(DEVICES, json={"schemas": [DEVICE], "serialNumber": "S1", "manual": value})
    assert_scim_error(answer, 400, "invalidValue")


@pytest.mark.rfc("7643/2.3.6-a")
@pytest.mark.parametrize("value", ["AQI", "AQ", "_-8"])
def test_base64_without_padding(devices, value):
    """The = at the end of a binary value may be left out."""
    answer = devices.post(DEVICES, json={"schemas": [DEVICE], "serialNumber": "S1", "firmware": value})
    assert answer.status_code == 201, answer.text


@pytest.mark.rfc("7643/3.1-3")
def test_common_attributes_in_a_schema(serve):
    """A schema that lists common attributes with other characteristics does not change them."""
    listed = [
        {"name": "id", "type": "string", "mutability": "readWrite", "returned": "default"},
        {"name": "externalId", "type": "string", "mutability": "readOnly", "caseExact": False},
    ]
    schema = {**SCHEMA, "attributes": [*SCHEMA["attributes"], *listed]}
    client = serve(fixture={**WITH_DEVICES, "schemas": [schema, EXTENSION]}).client
    made = created(client, DEVICES, serialNumber="S1", id="mine", externalId="Ab")
    assert made["id"] != "mine"
    assert made["externalId"] == "Ab"
    assert found(client, 'externalId eq "aB"', DEVICES) == []
    shown = client.get(f"{DEVICES}/{made['id']}", params={"attributes": "serialNumber"}).json()
    assert shown["id"] == made["id"]


@pytest.mark.rfc("7643/2.3.5-1")
@pytest.mark.parametrize("day", ["2008-02-30", "2007-02-29", "2008-04-31"])
def test_days_that_do_not_exist(devices, day):
    """A dateTime is of a day that the calendar has."""
    answer = devices.post(DEVICES, json={"schemas": [DEVICE], "serialNumber": "S1", "bought": f"{day}T00:00:00Z"})
    assert_scim_error(answer, 400, "invalidValue")
