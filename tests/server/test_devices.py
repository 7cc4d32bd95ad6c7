"""Resource types of one's own, over HTTP: the devices of RFC 9944, and a type with every characteristic."""

import itertools

import pytest
from edge import PATCH_OP, USER, a_rule, assert_scim_error

from mockscim import fixtures
from mockscim.scim.schema import standard_types

SCHEMAS = "urn:ietf:params:scim:schemas:"
DEVICE = SCHEMAS + "core:2.0:Device"
BLE, DPP, MAB, FDO, ZIGBEE, APPS, PASS_KEY = (
    f"{SCHEMAS}extension:{name}:2.0:Device"
    for name in ("ble", "dpp", "ethernet-mab", "fido-device-onboard", "zigbee", "endpointAppsExt", "pairingPassKey")
)
HEART, PUMP, LAMP = "/scim/v2/Devices/dev-heart", "/scim/v2/Devices/dev-pump", "/scim/v2/Devices/dev-lamp"
MACS = (f"00:00:5E:00:53:{n:02X}" for n in itertools.count())


def ble(mac=None, **more):
    """The body of a BLE device."""
    radio = {"versionSupport": ["5.4"], "deviceMacAddress": mac or next(MACS), "pairingMethods": [PASS_KEY], **more}
    return {"schemas": [DEVICE, BLE], "displayName": "Beacon", "active": True, BLE: radio}


def patch(*operations):
    return {"schemas": [PATCH_OP], "Operations": list(operations)}


@pytest.fixture
def devices(serve):
    """A server with devices.json."""
    return serve(fixture="devices.json")


def created(answer):
    assert answer.status_code == 201, answer.text
    return answer.json()


def found(server, **parameters):
    """The ids that a query of the devices finds."""
    answer = server.client.get("/scim/v2/Devices", params=parameters)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["Resources"]]


# --- RFC 9944, as it comes along ---


def test_the_fixture_is_listed():
    """devices.json is one of the bundled fixtures."""
    assert "devices" in [each.name for each in fixtures.bundled()]


def test_discovery_publishes_devices_and_their_extensions(devices):
    """Both types, all six extensions, and the characteristics that RFC 9944 gives."""
    kinds = {each["id"]: each for each in devices.client.get("/scim/v2/ResourceTypes").json()["Resources"]}
    assert kinds.keys() == {"User", "Group", "Device", "EndpointApp"}
    assert kinds["Device"]["endpoint"] == "/Devices"
    published = [each["schema"] for each in kinds["Device"]["schemaExtensions"]]
    assert published == [BLE, DPP, MAB, FDO, ZIGBEE, APPS]
    for urn in (DEVICE, *published):
        assert devices.client.get(f"/scim/v2/Schemas/{urn}").json()["id"] == urn
    radio = {a["name"]: a for a in devices.client.get(f"/scim/v2/Schemas/{BLE}").json()["attributes"]}
    assert (radio["deviceMacAddress"]["uniqueness"], radio["irk"]["returned"]) == ("Manufacturer", "never")
    assert radio[PASS_KEY]["type"] == "complex"


def test_create_read_replace_delete(devices):
    """A device goes the way of any resource; what RFC 9944 nests inside an extension stays nested."""
    made = created(devices.client.post("/scim/v2/Devices", json=ble(**{PASS_KEY: {"key": 123456}})))
    path = made["meta"]["location"].removeprefix(devices.root)
    assert path == f"/scim/v2/Devices/{made['id']}"
    assert made["schemas"] == [DEVICE, BLE]
    assert made["meta"]["resourceType"] == "Device"
    assert made[BLE][PASS_KEY] == {"key": 123456}
    assert devices.client.get(path).json() == made
    changed = devices.client.put(path, json={**made, "displayName": "Lantern"}).json()
    assert (changed["displayName"], changed[BLE]) == ("Lantern", made[BLE])
    assert devices.client.delete(path).status_code == 204
    assert_scim_error(devices.client.get(path), 404)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ('displayName sw "heart"', ["dev-heart"]),
        ("active eq false", ["dev-pump"]),
        (f'{BLE}:deviceMacAddress eq "2c:54:91:88:c9:e2"', ["dev-heart"]),
        (f'{DPP}:dppVersion ge 2 and {DPP}:classChannel eq "81/1"', ["dev-pump"]),
        (f"{ZIGBEE} pr", ["dev-lamp"]),
        (f'schemas eq "{DPP}"', ["dev-pump"]),
        (f'{APPS}:applications[value eq "app-control"]', ["dev-heart"]),
        (f"not ({BLE}:mobility eq true) and mudUrl pr", []),
    ],
)
def test_filters_reach_into_extensions(devices, text, ids):
    """By URN, into lists and complex values, with every operator."""
    assert found(devices, filter=text) == ids


def test_sorting(devices):
    """By an attribute of the core or of an extension; who lacks it comes last."""
    assert found(devices, sortBy="displayName") == ["dev-heart", "dev-pump", "dev-lamp"]
    assert found(devices, sortBy=f"{ZIGBEE}:deviceEui64Address")[0] == "dev-lamp"
    assert found(devices, sortBy="displayName", sortOrder="descending", count=1) == ["dev-lamp"]


def test_patch_with_urn_paths(devices):
    """One attribute, a value of a list, a whole extension, and out again with it."""
    answer = devices.client.patch(
        LAMP,
        json=patch(
            {"op": "replace", "path": f"{ZIGBEE}:versionSupport", "value": ["3.0", "3.1"]},
            {"op": "add", "path": f"{APPS}:applications", "value": [{"value": "app-control"}]},
            {"op": "remove", "path": MAB},
        ),
    ).json()
    assert answer["schemas"] == [DEVICE, ZIGBEE, APPS]
    assert answer[ZIGBEE]["versionSupport"] == ["3.0", "3.1"]
    assert answer[APPS]["applications"] == [
        {"value": "app-control", "$ref": f"{devices.root}/scim/v2/EndpointApps/app-control"}
    ]
    path = f'{APPS}:applications[value eq "app-control"]'
    refusal = devices.client.patch(LAMP, json=patch({"op": "remove", "path": path}))
    assert_scim_error(refusal, 400, "mutability")  # the last of what is required


def test_projection_of_extensions(devices):
    """Both parameters take URNs: of a whole extension, or of parts of it."""
    shown = devices.client.get(HEART, params={"attributes": f"{BLE}:deviceMacAddress,active"}).json()
    assert {"id", "schemas", "active", BLE} == shown.keys()
    assert shown[BLE] == {"deviceMacAddress": "2C:54:91:88:C9:E2"}
    assert APPS not in devices.client.get(HEART, params={"excludedAttributes": APPS}).json()


def test_secrets_are_kept_and_never_shown(devices):
    """Keys and vouchers, required or not, survive a PUT of what was read, and no answer has them."""
    body = {**ble(irk="s3cret"), "schemas": [DEVICE, BLE, FDO], FDO: {"fdoVoucher": "s3cret voucher"}}
    made = created(devices.client.post("/scim/v2/Devices", json=body))
    assert FDO not in made
    for path in (made["meta"]["location"].removeprefix(devices.root), PUMP):
        read = devices.client.get(path).json()
        answer = devices.client.put(path, json={**read, "active": True})
        assert answer.status_code == 200, answer.text
        assert devices.client.patch(path, json=patch({"op": "add", "path": "active", "value": False})).is_success
        assert "s3cret" not in answer.text + devices.client.get(path).text
        assert "bootstrapKey" not in answer.text
    kept = {r.id: r.secrets for r in devices.call(lambda: list(devices.scim.tenants.use("").store.tables["Device"]))}
    assert kept[made["id"]][BLE]["irk"] == "s3cret"
    assert kept[made["id"]][FDO] == {"fdoVoucher": "s3cret voucher"}
    assert kept["dev-pump"][DPP]["bootstrapKey"] == "bm90IGEgcmVhbCBrZXk="
    assert_scim_error(devices.client.get("/scim/v2/Devices", params={"filter": f'{BLE}:irk eq "x"'}), 400)


def test_required_in_an_extension(devices):
    """What an extension requires is asked for where the extension is, and only there; readOnly is never asked for."""
    lacking = ble()
    del lacking[BLE]["versionSupport"]
    assert_scim_error(devices.client.post("/scim/v2/Devices", json=lacking), 400, "invalidValue")
    assert_scim_error(devices.client.post("/scim/v2/Devices", json=ble(deviceMacAddress=" ")), 400, "invalidValue")
    keyless = {"schemas": [DEVICE, DPP], "active": True, DPP: {"dppVersion": 2}}
    assert_scim_error(devices.client.post("/scim/v2/Devices", json=keyless), 400, "invalidValue")
    added = {**devices.client.get(LAMP).json(), "schemas": [DEVICE, ZIGBEE, DPP], DPP: {"dppVersion": 2}}
    assert_scim_error(devices.client.put(LAMP, json=added), 400, "invalidValue")
    created(devices.client.post("/scim/v2/Devices", json={"schemas": [DEVICE], "active": True}))


def test_uniqueness_in_an_extension(devices):
    """A MAC address is one device's: 409 for POST, PUT and PATCH, in any case; free again once it is given up."""
    taken = "2c:54:91:88:c9:e2"
    assert_scim_error(devices.client.post("/scim/v2/Devices", json=ble(taken)), 409, "uniqueness")
    made = created(devices.client.post("/scim/v2/Devices", json=ble()))
    path = f"/scim/v2/Devices/{made['id']}"
    move = {"op": "replace", "path": f"{BLE}:deviceMacAddress", "value": taken}
    assert_scim_error(devices.client.put(path, json=ble(taken)), 409, "uniqueness")
    assert_scim_error(devices.client.patch(path, json=patch(move)), 409, "uniqueness")
    assert devices.client.get(path).json() == made
    own = {**move, "value": made[BLE]["deviceMacAddress"].lower()}
    assert devices.client.patch(path, json=patch(own)).is_success
    assert devices.client.delete(HEART).status_code == 204
    assert devices.client.patch(path, json=patch(move)).is_success
    devices.admin.post("/_mockscim/reset")
    assert_scim_error(devices.client.post("/scim/v2/Devices", json=ble(taken)), 409, "uniqueness")
    created(devices.client.post("/scim/v2/Devices", json=ble(made[BLE]["deviceMacAddress"])))


def test_a_device_can_be_in_a_group(devices):
    """Its groups are shown, and go with the membership."""
    group = devices.client.get("/scim/v2/Groups").json()["Resources"][0]["id"]
    add = {"op": "add", "path": "members", "value": [{"value": "dev-lamp"}]}
    assert devices.client.patch(f"/scim/v2/Groups/{group}", json=patch(add)).is_success
    assert [each["value"] for each in devices.client.get(LAMP).json()["groups"]] == [group]


def test_immutable_attributes_of_another_type(devices):
    """An application stays of its type; readOnly attributes are the provider's."""
    path = "/scim/v2/EndpointApps/app-control"
    change = {"op": "replace", "path": "applicationType", "value": "telemetry"}
    assert_scim_error(devices.client.patch(path, json=patch(change)), 400, "mutability")
    token = {"op": "replace", "path": "clientToken", "value": "x"}
    assert_scim_error(devices.client.patch(path, json=patch(token)), 400, "mutability")


def test_faults_and_journal_know_the_type(devices):
    """A rule for device.create strikes a POST of a device and nothing else; the journal names the operation."""
    devices.fault({**a_rule("abort", operation="device.create", status=503), "times": 1})
    assert devices.client.get(HEART).status_code == 200
    assert devices.client.post("/scim/v2/Devices", json=ble()).status_code == 503
    created(devices.client.post("/scim/v2/Devices", json=ble()))
    operations = [entry["operation"] for entry in devices.journal()]
    assert sorted(operations) == ["device.create", "device.create", "device.get"]


def test_the_dump_loads_to_the_same(devices, serve):
    """Schemas, types and resources; but for what is never told."""
    created(devices.client.post("/scim/v2/Devices", json=ble()))
    dumped = devices.admin.get("/_mockscim/fixture").json()
    again = serve(fixture=dumped)
    assert again.admin.get("/_mockscim/fixture").json() == dumped
    assert again.client.get(PUMP).json()[DPP]["serialNumber"] == "4774LH2b4044"
    rename = {"op": "replace", "path": "displayName", "value": "Pump"}
    assert again.client.patch(PUMP, json=patch(rename)).json()["displayName"] == "Pump"
    loaded = devices.admin.post("/_mockscim/fixture", json=dumped)
    assert loaded.is_success, loaded.text
    assert devices.admin.get("/_mockscim/fixture").json() == dumped


# --- a type with every characteristic ---

BADGE, SITE, LOCKER = "urn:example:schemas:Badge", "urn:example:schemas:Site", "urn:example:schemas:Locker"


def attribute(name, kind="string", **more):
    return {"name": name, "type": kind, **more}


SUBS = [
    attribute("value", uniqueness="server"),
    attribute("type", canonicalValues=["door", "gate"]),
    attribute("primary", "boolean"),
]
BROUGHT = {
    "schemas": [
        {
            "id": BADGE,
            "attributes": [
                attribute("number", "integer", required=True, uniqueness="server"),
                attribute("keys", "complex", multiValued=True, subAttributes=SUBS),
                attribute("aliases", multiValued=True, uniqueness="server", caseExact=True),
            ],
        },
        {
            "id": SITE,
            "attributes": [
                attribute("code", required=True),
                attribute("since", "dateTime", mutability="immutable"),
                attribute(
                    "desk",
                    "complex",
                    subAttributes=[attribute("room", mutability="immutable"), attribute("seat", uniqueness="server")],
                ),
                attribute("pin", mutability="writeOnly", returned="never"),
                attribute("notes", returned="request"),
                attribute("zone", returned="always"),
                attribute("doors", "complex", multiValued=True, subAttributes=SUBS),
            ],
        },
        {"id": LOCKER, "attributes": [attribute("box", uniqueness="global")]},
    ],
    "resourceTypes": [
        {
            "name": "Badge",
            "endpoint": "/Badges",
            "schema": BADGE,
            "schemaExtensions": [{"schema": SITE, "required": True}],
        },
        {
            "name": "User",
            "endpoint": "/Users",
            "schema": USER,
            "schemaExtensions": [{"schema": LOCKER, "required": False}],
        },
    ],
}


def badge(number, site=None, **more):
    return {"schemas": [BADGE, SITE], "number": number, SITE: {"code": "OSL", **(site or {})}, **more}


@pytest.fixture
def badges(serve):
    """A server with badges, and lockers for users."""
    return serve(fixture=BROUGHT)


def test_a_required_extension(badges):
    """A resource without it is refused, and it cannot be removed."""
    bare = {"schemas": [BADGE], "number": 1}
    assert_scim_error(badges.client.post("/scim/v2/Badges", json=bare), 400, "invalidValue")
    made = created(badges.client.post("/scim/v2/Badges", json=badge(1)))
    out = patch({"op": "remove", "path": SITE})
    assert_scim_error(badges.client.patch(f"/scim/v2/Badges/{made['id']}", json=out), 400, "invalidValue")


TWINS = [
    ({"number": 1}, {"number": 1}, {"number": 2}),
    ({"aliases": ["a", "b"]}, {"aliases": ["c", "b"]}, {"aliases": ["B"]}),
    ({"keys": [{"value": "K"}, {"value": "L"}]}, {"keys": [{"value": "l"}]}, {"keys": [{"value": "M"}]}),
    ({"site": {"desk": {"seat": "a"}}}, {"site": {"desk": {"seat": "A"}}}, {"site": {"desk": {"seat": "b"}}}),
    ({"site": {"doors": [{"value": "A"}]}}, {"site": {"doors": [{"value": "a"}]}}, {"site": {"doors": []}}),
]


@pytest.mark.parametrize(("first", "same", "other"), TWINS, ids=["number", "list", "part", "extension", "deep"])
def test_uniqueness_wherever_it_is(badges, first, same, other):
    """In numbers, lists, parts of complex values and extensions; a failed write leaves the values as they were."""
    one = created(badges.client.post("/scim/v2/Badges", json=badge(**{"number": 1, **first})))
    again = badge(**{"number": 5, **same})
    assert_scim_error(badges.client.post("/scim/v2/Badges", json=again), 409, "uniqueness")
    two = created(badges.client.post("/scim/v2/Badges", json=badge(**{"number": 6, **other})))
    path = f"/scim/v2/Badges/{two['id']}"
    assert_scim_error(badges.client.put(path, json=again), 409)
    assert badges.client.get(path).json() == two
    # Put back as it was: one's own values are no conflict.
    assert badges.client.put(path, json=two).status_code == 200
    assert badges.client.delete(f"/scim/v2/Badges/{one['id']}").status_code == 204
    created(badges.client.post("/scim/v2/Badges", json=again))


def test_a_value_that_a_patch_gives_up_is_free(badges):
    """Out of a list, and out of a complex value."""
    one = created(badges.client.post("/scim/v2/Badges", json=badge(1, keys=[{"value": "K"}, {"value": "L"}])))
    remove = patch({"op": "remove", "path": 'keys[value eq "K"]'})
    assert badges.client.patch(f"/scim/v2/Badges/{one['id']}", json=remove).is_success
    created(badges.client.post("/scim/v2/Badges", json=badge(2, keys=[{"value": "k"}])))
    assert_scim_error(badges.client.post("/scim/v2/Badges", json=badge(3, keys=[{"value": "l"}])), 409)


def test_immutable_in_an_extension(badges):
    """A value and a part of a complex one: given once, also later, and then no more; null does not help."""
    made = created(badges.client.post("/scim/v2/Badges", json=badge(1, {"since": "2026-01-01T00:00:00Z"})))
    path = f"/scim/v2/Badges/{made['id']}"
    assert badges.client.patch(path, json=patch({"op": "add", "path": f"{SITE}:desk.room", "value": "12"})).is_success
    for operation in (
        {"op": "replace", "path": f"{SITE}:since", "value": "2027-01-01T00:00:00Z"},
        {"op": "replace", "path": f"{SITE}:since", "value": None},
        {"op": "replace", "path": f"{SITE}:desk.room", "value": "13"},
        {"op": "replace", "path": f"{SITE}:desk", "value": {"room": "13"}},
        {"op": "remove", "path": f"{SITE}:desk"},
    ):
        assert_scim_error(badges.client.patch(path, json=patch(operation)), 400, "mutability")
    for site in (
        {"since": None},
        {"since": "2027-01-01T00:00:00Z"},
        {"desk": None},
        {"since": "2026-01-01T00:00:00Z", "desk": {"room": "13"}},
    ):
        assert_scim_error(badges.client.put(path, json=badge(1, site)), 400, "mutability")
    # What a PUT leaves out is kept.
    kept = badges.client.put(path, json=badge(1, {})).json()[SITE]
    assert (kept["since"], kept["desk"]) == ("2026-01-01T00:00:00Z", {"room": "12"})
    seat = patch({"op": "add", "path": f"{SITE}:desk.seat", "value": "a"})
    assert badges.client.patch(path, json=seat).json()[SITE]["desk"] == {"room": "12", "seat": "a"}


def test_returned_in_an_extension(badges):
    """never, request and always, by default, on demand and when excluded."""
    made = created(badges.client.post("/scim/v2/Badges", json=badge(1, {"pin": "0000", "notes": "n", "zone": "z"})))
    path = f"/scim/v2/Badges/{made['id']}"
    assert made[SITE] == {"code": "OSL", "zone": "z", "notes": "n"}  # the client has just spoken of it
    (listed,) = badges.client.get("/scim/v2/Badges").json()["Resources"]
    assert listed == {**made, SITE: {"code": "OSL", "zone": "z"}}
    asked = {"attributes": f"{SITE}:notes,{SITE}:pin"}
    assert badges.client.get(path, params=asked).json()[SITE] == {"notes": "n", "zone": "z"}
    assert badges.client.get(path, params={"attributes": "number"}).json()[SITE] == {"zone": "z"}
    assert badges.client.get(path, params={"excludedAttributes": f"{SITE}:zone,{SITE}:code"}).json()[SITE] == {
        "zone": "z"
    }


def test_one_primary(badges):
    """Two in one body are refused; a new one demotes the old, in the core and in an extension."""
    two = [{"value": "K", "primary": True}, {"value": "L", "primary": True}]
    assert_scim_error(badges.client.post("/scim/v2/Badges", json=badge(1, keys=two)), 400, "invalidValue")
    made = created(badges.client.post("/scim/v2/Badges", json=badge(1, {"doors": two[:1]}, keys=two[:1])))
    operations = [{"op": "add", "path": path, "value": two[1:]} for path in ("keys", f"{SITE}:doors")]
    after = badges.client.patch(f"/scim/v2/Badges/{made['id']}", json=patch(*operations)).json()
    for listed in (after["keys"], after[SITE]["doors"]):
        assert [each["primary"] for each in listed] == [False, True]


def test_an_extension_of_users(badges):
    """The User of the RFC with an extension of one's own beside the enterprise one; its uniqueness is kept too."""
    kind = badges.client.get("/scim/v2/ResourceTypes/User").json()
    assert [each["schema"] for each in kind["schemaExtensions"]][-1] == LOCKER
    body = {"schemas": [USER, LOCKER], "userName": "ann", LOCKER: {"box": "7"}}
    created(badges.client.post("/scim/v2/Users", json=body))
    assert_scim_error(badges.client.post("/scim/v2/Users", json={**body, "userName": "bo"}), 409, "uniqueness")


def test_the_types_of_the_rfc_cost_nothing():
    """User and Group have no unique values but single texts of the core, no secrets and no immutables in extensions."""
    for kind in standard_types():
        assert not kind.unique_elsewhere
        assert not kind.secret_extended
        assert not kind.immutable_extended
        assert not kind.required_secrets


# --- from a profile ---

PROFILE = {
    "name": "site",
    "schemas": BROUGHT["schemas"],
    "resource_types": BROUGHT["resourceTypes"],
    "filterable": {"Badge": {"number": ["eq"]}},
}


def test_a_profile_brings_types_along(serve):
    """Without any fixture; what is filterable may name them; a fixture may bring the same ones once more."""
    for fixture in (None, {"users": []}, {**BROUGHT, "resources": {"/Badges": [badge(7)]}}):
        server = serve(profile=PROFILE, fixture=fixture)
        answer = server.client.post("/scim/v2/Badges", json=badge(7))
        assert answer.status_code == (409 if fixture and "resources" in fixture else 201), answer.text
        assert server.client.get("/scim/v2/Badges", params={"filter": "number eq 7"}).json()["totalResults"] == 1
        assert_scim_error(server.client.get("/scim/v2/Badges", params={"filter": "aliases pr"}), 400, "invalidFilter")
        assert LOCKER in server.client.get("/scim/v2/ResourceTypes/User").text


def test_a_fixture_may_use_the_types_of_a_profile(serve):
    """Resources of a type that only the profile knows, and a type of the fixture over a schema of the profile."""
    fixture = {
        "resources": {"/Badges": [badge(7)], "/Passes": [{"number": 8}]},
        "resourceTypes": [{"name": "Pass", "endpoint": "/Passes", "schema": BADGE}],
    }
    server = serve(profile=PROFILE, fixture=fixture)
    for endpoint in ("Badges", "Passes"):
        assert server.client.get(f"/scim/v2/{endpoint}").json()["totalResults"] == 1
    dumped = server.admin.get("/_mockscim/fixture").json()
    assert serve(profile=PROFILE, fixture=dumped).admin.get("/_mockscim/fixture").json() == dumped
