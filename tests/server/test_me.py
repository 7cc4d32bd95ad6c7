"""/Me (RFC 7644 §3.11) over HTTP: whose it is, making oneself, rules about it, and what it is inside a bulk job."""

import base64

import pytest
from edge import AUTH, GROUP, PATCH_OP, a_rule, a_user, assert_scim_error
from rfc import BASE, DEVICE, USERS, WITH_DEVICES

from mockscim.server.auth import Login

ME = f"{BASE}/Me"
BULK = f"{BASE}/Bulk"
TITLE = {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "title", "value": "Lead"}]}
ZED = "zed@example.com"


def of(server, user, tenant="", **more):
    """A client whose token is that user's."""
    answer = server.http({}, tenant).post("/_mockscim/tokens", json={"user": user, **more})
    assert answer.status_code == 201, answer.text
    return server.http({"Authorization": f"Bearer {answer.json()['token']}"}, tenant)


def bulk(client, *operations):
    """The results of a bulk job."""
    urn = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
    answer = client.post(BULK, json={"schemas": [urn], "Operations": list(operations)})
    assert answer.status_code == 200, answer.text
    return answer.json()["Operations"]


# -- whose it is -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("user", ["u-1", "ann@example.com", "ANN@example.com"])
def test_by_id_and_by_name(server, user):
    """A token is bound by an id, or by a userName as the User compares them."""
    answer = of(server, user).get(ME)
    assert (answer.status_code, answer.json()["id"]) == (200, "u-1")


def test_nobody(server):
    """For a token that is nobody's there is no /Me, whatever the method and the body."""
    unbound = server.http({"Authorization": f"Bearer {server.admin.post('/_mockscim/tokens').json()['token']}"})
    for client in (server.client, unbound):
        for method, body in (("GET", None), ("POST", {}), ("PUT", a_user()), ("PATCH", None), ("DELETE", None)):
            answer = client.request(method, ME, json=body)
            assert_scim_error(answer, 501)
            assert "Location" not in answer.headers


def test_without_credentials(server):
    """Who shows none is 401 there as elsewhere, and 501 where none are asked for."""
    assert_scim_error(server.http({}).get(ME), 401)


def test_without_authentication(serve):
    """A server that asks for nothing knows who shows a bound token, and nobody else."""
    server = serve(auth=False)
    assert_scim_error(server.http({}).get(ME), 501)
    assert of(server, "u-1").get(ME).json()["id"] == "u-1"


def test_by_basic(serve):
    """A login is the user of its name."""
    server = serve(basic=(Login("ann@example.com", "p"), Login("robot", "p")))

    def me(login):
        sent = base64.b64encode(login.encode()).decode()
        return server.http({"Authorization": f"Basic {sent}"}).get(ME)

    assert me("ann@example.com:p").json()["id"] == "u-1"
    assert_scim_error(me("robot:p"), 404)


def test_a_resource_of_another_type(serve):
    """Who asks may be any resource (RFC 7644 §3.11: "the User or other resource"): a device is bound by its id."""
    server = serve(fixture=WITH_DEVICES)
    body = {"schemas": [DEVICE], "serialNumber": "S1"}
    made = server.client.post(f"{BASE}/Devices", json=body).json()
    client = of(server, made["id"])
    answer = client.get(ME)
    assert (answer.json()["serialNumber"], answer.headers["Location"]) == ("S1", made["meta"]["location"])
    assert client.put(ME, json={**body, "ports": 3}).json()["ports"] == 3
    assert client.delete(ME).status_code == 204
    assert server.client.get(f"{BASE}/Devices").json()["totalResults"] == 0


def test_each_tenant_has_its_own(server):
    """The same name is another's in another tenant, and locations are that tenant's."""
    red, blue = of(server, "ann@example.com", "red"), of(server, "ann@example.com", "blue")
    red.patch(ME, json=TITLE)
    assert red.get(ME).json()["title"] == "Lead"
    assert "title" not in blue.get(ME).json()
    assert blue.get(ME).headers["Location"] == f"{server.root}/t/blue{USERS}/u-1"


def test_it_is_looked_up_each_time(server):
    """Who is bound by name is whoever has the name now; who is bound by id stays through a change of name."""
    by_name, by_id = of(server, "ann@example.com"), of(server, "u-1")
    assert by_id.put(ME, json=a_user("anna@example.com")).status_code == 200
    assert by_id.get(ME).json()["userName"] == "anna@example.com"
    assert_scim_error(by_name.get(ME), 404)
    made = server.client.post(USERS, json=a_user("ann@example.com")).json()
    assert by_name.get(ME).json()["id"] == made["id"]


def test_the_profile_without(serve):
    """Where the profile has no /Me it is 501, for a bound token too."""
    server = serve(profile="segment", fixture="segment-workspace.json")
    assert_scim_error(of(server, "u-1").get(ME), 501)
    assert_scim_error(of(serve(profile={"behaviour": {"me": False}}), "u-1").get(ME), 501)


def test_below_it_and_other_methods(server):
    """There is nothing below it, and it has the methods of a resource and POST."""
    ann = of(server, "u-1")
    assert_scim_error(ann.get(f"{ME}/x"), 404)
    answer = ann.request("OPTIONS", ME)
    assert_scim_error(answer, 405)
    assert answer.headers["Allow"] == "GET, HEAD, POST, PUT, PATCH, DELETE"
    assert ann.head(ME).headers["Location"] == f"{server.root}{USERS}/u-1"
    assert ann.get(f"{BASE}/me").json()["id"] == "u-1"


# -- every answer says where it is -----------------------------------------------------------------------------


def test_refusals_have_the_location_too(server):
    """RFC 7644 §3.11: "In any response"; also in one that refuses, when there is a resource."""
    ann, where = of(server, "u-1"), f"{server.root}{USERS}/u-1"
    for answer, status in (
        (ann.put(ME, json={}), 400),
        (ann.patch(ME, json=TITLE, headers={"If-Match": 'W/"no"'}), 412),
        (ann.put(ME, json=a_user("bjorn@example.com")), 409),
        (ann.post(ME, json=a_user("ann@example.com")), 409),
        (of(server, "u-1", scopes=["read"]).patch(ME, json=TITLE), 403),
    ):
        assert_scim_error(answer, status)
        assert answer.headers["Location"] == where
    gone = of(server, "nobody@example.com").get(ME)
    assert_scim_error(gone, 404)
    assert "Location" not in gone.headers


# -- making oneself --------------------------------------------------------------------------------------------


def test_making_oneself(server):
    """A POST makes the user that the token is bound to, once; from then on /Me is that user."""
    zed = of(server, ZED)
    assert_scim_error(zed.get(ME), 404)
    made = zed.post(ME, json=a_user(title="Lead"))
    assert made.status_code == 201
    assert made.headers["Location"] == made.json()["meta"]["location"] == f"{server.root}{USERS}/{made.json()['id']}"
    assert zed.get(ME).json() == made.json() == server.client.get(f"{USERS}/{made.json()['id']}").json()
    assert_scim_error(zed.post(ME, json=a_user()), 409, "uniqueness")
    (_, created, *_), history = server.journal(), server.admin.get("/_mockscim/history").json()["items"]
    assert (created["operation"], created["committed"], created["resource"]["type"]) == ("me.create", True, "User")
    assert [change["operation"] for change in history] == ["create"]


@pytest.mark.parametrize("body", [a_user("yan@example.com"), {**a_user(), "userName": 5}, {"schemas": []}, [], None])
def test_making_somebody_else(server, body):
    """It makes nobody else, and nothing out of what is no user."""
    zed = of(server, ZED)
    assert_scim_error(zed.post(ME, json=body), 400)
    assert len(server.users()) == 5


def test_making_oneself_in_another_case(server):
    """The name is compared as userNames are."""
    assert of(server, ZED).post(ME, json=a_user("ZED@example.com")).json()["userName"] == "ZED@example.com"


def test_coming_back(serve):
    """Where those who left are shown and may come back, /Me is theirs meanwhile."""
    behaviour = {"deactivate": "leave", "left_user": "inactive", "join_accounts": True, "delete": "leave"}
    server = serve(profile={"behaviour": behaviour})
    ann = of(server, "ann@example.com")
    active = {"op": "replace", "path": "active", "value": False}
    assert ann.patch(ME, json={"schemas": [PATCH_OP], "Operations": [active]}).status_code == 200
    assert ann.get(ME).json()["active"] is False
    active["value"] = True
    assert ann.patch(ME, json={"schemas": [PATCH_OP], "Operations": [active]}).json()["id"] == "u-1"
    assert ann.get(ME).json()["active"] is True


# -- rules and bulk jobs ---------------------------------------------------------------------------------------


def test_rules_know_it_by_its_own_name(server):
    """A rule about me.patch strikes there and not at the resource's own path, and the other way round."""
    ann = of(server, "u-1")
    server.fault({**a_rule("abort", operation="me.*", status=503), "name": "me"})
    assert ann.get(ME).status_code == 503
    assert ann.get(f"{USERS}/u-1").status_code == 200
    server.admin.delete("/_mockscim/faults")
    server.fault(a_rule("abort", operation="user.*", status=503))
    assert ann.patch(ME, json=TITLE).status_code == 200
    assert ann.patch(f"{USERS}/u-1", json=TITLE).status_code == 503


def test_rules_see_the_resource(server):
    """where, committed and refinements hold for the resource that it stands for."""
    ann, bjorn = of(server, "ann@example.com"), of(server, "bjorn@example.com")
    match = {"operation": "me.patch", "where": 'userName eq "ann@example.com"', "committed": True}
    server.fault({**a_rule("abort", status=503), "match": match})
    assert bjorn.patch(ME, json=TITLE).status_code == 200
    assert ann.patch(ME, json={**TITLE, "Operations": [{"op": "remove", "path": "nickName"}]}).status_code == 200
    assert ann.patch(ME, json=TITLE).status_code == 503
    server.fault({**a_rule("abort", operation="user.deactivate", status=502), "name": "deactivate"})
    active = {"op": "replace", "path": "active", "value": False}
    assert bjorn.patch(ME, json={**TITLE, "Operations": [active]}).status_code == 502


def test_a_lost_answer(server):
    """An after fault takes the answer; the change stands."""
    server.fault({**a_rule("abort", "after", "me.create", status=502)})
    assert of(server, ZED).post(ME, json=a_user()).status_code == 502
    assert ZED in server.users()


def test_in_a_bulk_job(server):
    """Inside a job it is the token's user as well, whose own path is told as the location."""
    zed, where = of(server, ZED), f"{server.root}{USERS}"
    made, changed, grouped = bulk(
        zed,
        {"method": "POST", "path": "/Me", "bulkId": "me", "data": a_user()},
        {"method": "PATCH", "path": "/Me", "data": TITLE},
        {
            "method": "POST",
            "path": "/Groups",
            "bulkId": "g",
            "data": {"schemas": [GROUP], "displayName": "Mine", "members": [{"value": "bulkId:me"}]},
        },
    )
    assert [made["status"], changed["status"], grouped["status"]] == ["201", "200", "201"]
    me = zed.get(ME).json()
    assert made["location"] == changed["location"] == f"{where}/{me['id']}"
    assert (me["title"], [g["display"] for g in me["groups"]]) == ("Lead", ["Mine"])
    (gone,) = bulk(zed, {"method": "DELETE", "path": "/Me"})
    assert gone["status"] == "204"
    assert ZED not in server.users()


def test_in_a_bulk_job_of_nobody(server):
    """The operation fails and the others are done."""
    first, second = bulk(
        server.client,
        {"method": "PATCH", "path": "/Me", "data": TITLE},
        {"method": "PATCH", "path": "/Users/u-1", "data": TITLE},
    )
    assert (first["status"], second["status"]) == ("501", "200")


def test_rules_about_it_in_a_bulk_job(server):
    """A rule about me.patch, by its path too, strikes the operation inside a job."""
    server.fault({**a_rule("abort", status=503), "match": {"operation": "me.patch", "path": "/Me"}})
    first, second = bulk(
        of(server, "u-1"),
        {"method": "PATCH", "path": "/Me", "data": TITLE},
        {"method": "PATCH", "path": "/Users/u-2", "data": TITLE},
    )
    assert (first["status"], second["status"]) == ("503", "200")


def test_start_tokens_stay_nobodys(server):
    """A bound token beside it changes nothing for the start token."""
    of(server, "u-1")
    assert_scim_error(server.http(AUTH).get(ME), 501)
