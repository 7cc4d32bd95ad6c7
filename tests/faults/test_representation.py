"""Faults of representation: resources, errors, statuses, types and codings that are not as SCIM has them."""

import gzip
import json

import httpx
import pytest
from edge import USER, a_rule, a_user, assert_scim_error
from told import a_group, after, changed, history, hits, patch, stored, told

USERS, GROUPS = "/scim/v2/Users", "/scim/v2/Groups"
ANN, EMRE = f"{USERS}/u-1", f"{USERS}/u-5"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ZED = "zed@example.com"
both = pytest.mark.parametrize("profile", ["standard", "segment"])


# -- schema_drift --------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"mode": "drop"}, {"displayName": None}),
        ({"mode": "rename"}, {"displayName": None, "display_name": "Ann Ashdown"}),
        ({"mode": "rename", "attribute": "userName", "to": "login"}, {"userName": None, "login": "ann@example.com"}),
        ({"mode": "retype"}, {"displayName": {"value": "Ann Ashdown"}}),
        ({"mode": "retype", "attribute": "active"}, {"active": 1}),
        ({"mode": "bool_as_string"}, {"active": "True"}),
    ],
)
def test_schema_drift(serve, profile, parameters, expected):
    """Each answer that shows a user shows another one; the store has the true one."""
    server = serve(profile)
    truth = stored(server)["u-1"]
    server.fault(after("schema_drift", **parameters))
    listed = server.client.get(USERS).json()["Resources"]
    for user in (server.client.get(ANN).json(), next(user for user in listed if user["id"] == "u-1")):
        assert {name: user.get(name) for name in expected} == expected
    assert stored(server)["u-1"] == truth
    assert hits(server) == 2
    assert server.client.get("/scim/v2/Schemas").status_code == 200
    assert hits(server) == 2


@pytest.mark.parametrize(
    ("attribute", "gone"),
    [
        ("name.givenName", lambda user: "givenName" not in user["name"] and "familyName" in user["name"]),
        ("emails.type", lambda user: "type" not in user["emails"][0] and user["emails"][0]["value"]),
        (f"{ENTERPRISE}:department", lambda user: "department" not in user[ENTERPRISE] and user[ENTERPRISE]["manager"]),
        ("emails", lambda user: "emails" not in user),
    ],
)
def test_schema_drift_of_parts(server, attribute, gone):
    """Sub-attributes and attributes of extensions can be named."""
    server.fault(after("schema_drift", mode="drop", attribute=attribute))
    assert gone(server.client.get(EMRE).json())


@both
def test_schema_drift_with_a_new_requirement(serve, profile):
    """A create or replace without the attribute is refused, one with it is served."""
    server = serve(profile)
    server.fault(after("schema_drift", mode="add_required"))
    assert "displayName" in assert_scim_error(server.client.post(USERS, json=a_user()), 400, "invalidValue")["detail"]
    assert history(server) == []
    assert server.client.post(USERS, json=a_user(displayName="Zed")).status_code == 201
    assert hits(server) == 1


def test_schema_drift_of_extensions(server):
    """No extension is shown, and schemas does not name one."""
    server.fault(after("schema_drift", mode="extension_missing"))
    user = server.client.get(EMRE).json()
    assert (ENTERPRISE in user, user["schemas"]) == (False, [USER])
    server.client.get(ANN)
    assert hits(server) == 1


def test_schema_drift_of_order(server):
    """The values are the same in another order; with the same seed in the same."""
    before = [member["value"] for member in server.client.get(f"{GROUPS}/g-1").json()["members"]]
    server.fault(after("schema_drift", mode="reorder_multivalue"))
    shown = [member["value"] for member in server.client.get(f"{GROUPS}/g-1").json()["members"]]
    assert (sorted(shown), shown != before) == (sorted(before), True)
    server.fault({**after("schema_drift", mode="reorder_multivalue"), "name": "other"})


def test_schema_drift_to_nulls(server):
    """What has no value is null; or just the attribute that is named."""
    server.fault({**after("schema_drift", mode="null_vs_absent", attribute="title"), "times": 1})
    server.fault({**after("schema_drift", mode="null_vs_absent"), "name": "all", "skip": 1})
    one, every = server.client.get(ANN).json(), server.client.get(ANN).json()
    assert (one["title"], "nickName" in one) == (None, False)
    assert (every["title"], every["nickName"], every["phoneNumbers"]) == (None, None, None)
    assert every["userName"] == "ann@example.com"
    assert "password" not in every


def test_schema_drift_to_numbers(server):
    """An id is a number, the same each time, by which the resource can be had."""
    made = server.client.post(USERS, json=a_user()).json()["id"]
    server.fault(after("schema_drift", mode="id_as_number"))
    listed = server.client.get(USERS, params={"filter": f'userName eq "{ZED}"'}).json()["Resources"]
    number = listed[0]["id"]
    assert isinstance(number, int)
    assert server.client.get(f"{USERS}/{number}").json()["id"] == number
    assert server.client.get(f"{USERS}/{made}").json()["id"] == number
    assert server.client.delete(f"{USERS}/{number}").status_code == 204
    assert made not in stored(server)


# -- error_shape ---------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("mode", "status", "looks"),
    [
        ("json_not_scim", 409, lambda a: a.json()["error"]["code"] == 409 and "schemas" not in a.json()),
        ("status_as_int", 409, lambda a: a.json()["status"] == 409 and a.json()["scimType"] == "uniqueness"),
        ("empty_body", 409, lambda a: a.content == b""),
        ("200_with_error", 200, lambda a: a.json()["status"] == "409"),
        ("wrong_scim_type", 409, lambda a: a.json()["scimType"] == "tooMany"),
        ("html_502", 502, lambda a: "<h1>" in a.text and a.headers["Content-Type"] == "text/html"),
    ],
)
def test_error_shape(serve, profile, mode, status, looks):
    """A refusal comes in another shape; nothing is committed."""
    server = serve(profile)
    server.fault(after("error_shape", mode=mode))
    answer = server.client.post(USERS, json=a_user("ann@example.com"))
    assert answer.status_code == status
    assert looks(answer)
    assert not told(server, "error_shape", f"error {mode}")["committed"]


@pytest.mark.parametrize(
    ("parameters", "status"),
    [({"mode": "html_502"}, 502), ({"mode": "json_not_scim", "status": 503}, 503), ({"mode": "empty_body"}, 201)],
)
def test_error_shape_of_what_succeeds(server, parameters, status):
    """A page takes the place of any answer, and with a status any other shape does; without, success stays."""
    server.fault(after("error_shape", "user.create", **parameters))
    answer = server.client.post(USERS, json=a_user())
    assert answer.status_code == status
    assert ("Location" in answer.headers) == (status == 201)
    entry = server.wait_journal()[-1]
    assert [operation for operation, _ in changed(server, entry)] == ["create"]
    assert hits(server) == (status != 201)


# -- status_quirk --------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(("mode", "status"), [("create_200", 200), ("no_content", 204), ("accepted", 202)])
def test_status_of_a_create(serve, profile, mode, status):
    """A user is made, and the status is another; without a body it says where the user is."""
    server = serve(profile)
    server.fault(after("status_quirk", mode=mode))
    answer = server.client.post(USERS, json=a_user())
    assert answer.status_code == status
    assert bool(answer.content) == (status == 200)
    assert server.client.get(answer.headers["Location"]).json()["userName"] == ZED
    assert changed(server, server.wait_journal()[0])[0][0] == "create"
    server.client.post(USERS, json=a_user())
    assert hits(server) == 1


def test_status_of_other_writes(server):
    """PUT and PATCH lose their bodies, DELETE is accepted; nothing else changes."""
    server.fault({**after("status_quirk", mode="no_content"), "times": 2})
    server.fault({**after("status_quirk", mode="accepted"), "name": "accepted"})
    patched = server.client.patch(ANN, json=patch(("replace", "title", "x")))
    replaced = server.client.put(ANN, json=a_user("ann@example.com"))
    deleted = server.client.delete(ANN)
    assert [answer.status_code for answer in (patched, replaced, deleted)] == [204, 204, 202]
    assert "u-1" not in stored(server)


def test_status_of_an_empty_list(server):
    """An empty list is 404, one with something in it is not."""
    server.fault(after("status_quirk", mode="empty_404"))
    for name, status in (("nobody", 404), ("ann@example.com", 200)):
        query = f'userName eq "{name}"'
        assert server.client.get(USERS, params={"filter": query}).status_code == status
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": query}
        assert server.client.post(f"{USERS}/.search", json=body).status_code == status
    assert server.client.get(f"{USERS}/none").status_code == 404
    assert hits(server) == 2


@both
def test_status_of_a_member_twice(serve, profile):
    """Who is in already cannot be added, and nobody is; who is not in can."""
    server = serve(profile)
    server.fault(after("status_quirk", "group.member.add", mode="member_400"))
    again = patch(("add", "members", [{"value": "u-2"}, {"value": "u-1"}]))
    assert "u-1" in assert_scim_error(server.client.patch(f"{GROUPS}/g-1", json=again), 400, "invalidValue")["detail"]
    assert history(server) == []
    fresh = patch(("add", "members", [{"value": "u-2"}]))
    assert server.client.patch(f"{GROUPS}/g-1", json=fresh).status_code in (200, 204)
    assert hits(server) == 1


# -- content_type, encoding ----------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("json", "application/json"),
        ("html", "text/html; charset=utf-8"),
        ("charset", "application/scim+json; charset=iso-8859-1"),
        ("none", None),
    ],
)
def test_content_type(serve, profile, mode, expected):
    """The body is the same, what it is said to be is not; errors as well, and not what has no body."""
    server = serve(profile)
    plain = server.client.get(ANN).content
    server.fault(after("content_type", mode=mode))
    answer = server.client.get(ANN)
    assert (answer.content, answer.headers.get("Content-Type")) == (plain, expected)
    error = server.client.get(f"{USERS}/none")
    assert (error.status_code, error.headers.get("Content-Type")) == (404, expected)
    assert server.client.delete(f"{USERS}/u-2").status_code == 204
    assert hits(server) == 2


def raw_get(server, path="/scim/v2/Users/u-2"):
    """Status, headers and bytes of an answer, as they came."""
    with server.client.stream("GET", path) as answer:
        return answer.status_code, answer.headers, b"".join(answer.iter_raw())


@both
def test_encoding(serve, profile):
    """The bytes are not what the head says; errors as well."""
    server = serve(profile)
    plain = server.client.get(f"{USERS}/u-2").content

    def struck(**parameters):
        server.admin.delete("/_mockscim/faults")
        server.fault(after("encoding", **parameters))
        _, headers, body = raw_get(server)
        return headers, body

    headers, body = struck(mode="gzip_lie")
    assert (headers["Content-Encoding"], body) == ("gzip", plain)
    headers, body = struck(mode="gzip_truncated")
    assert headers["Content-Encoding"] == "gzip"
    assert plain.startswith(gzip.zlib.decompressobj(31).decompress(body)[:20])
    with pytest.raises(EOFError):
        gzip.decompress(body)
    headers, body = struck(mode="utf8_bom")
    assert body == b"\xef\xbb\xbf" + plain
    headers, body = struck(mode="wrong_charset")
    assert headers["Content-Type"].endswith("charset=utf-8")
    assert body.decode("utf-16") == plain.decode()
    headers, body = struck(mode="wrong_charset", charset="iso-8859-1")
    with pytest.raises(UnicodeDecodeError):
        body.decode()
    assert "Bjørn" in body.decode("iso-8859-1")
    assert raw_get(server, f"{USERS}/none")[0] == 404
    assert hits(server) == 1  # nothing in that error is beyond ASCII


def test_encoding_against_a_client(server):
    """What cannot be decoded is an error of the read, and a write is committed all the same."""
    server.fault(after("encoding"))
    with pytest.raises(httpx.DecodingError):
        server.client.post(USERS, json=a_user())
    assert [operation for operation, _ in changed(server, told(server, "encoding", "encoding gzip_lie"))] == ["create"]


# -- together ------------------------------------------------------------------------------------------------------


def test_in_a_bulk_job(server):
    """What strikes an operation of a job changes its result only; what is about the whole answer leaves it alone."""
    server.fault({**after("encoding"), "match": {"operation": "user.create"}, "name": "bytes"})
    server.fault({**after("content_type"), "match": {"operation": "user.create"}, "name": "type"})
    server.fault({**after("error_shape", mode="wrong_scim_type"), "match": {"operation": "user.create"}})
    server.fault({**after("status_quirk", "user.create"), "name": "status"})
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": name, "data": a_user(f"{name}@example.com")}
        for name in ("ann", "zed")
    ]
    job = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations}
    taken, made = server.client.post("/scim/v2/Bulk", json=job).json()["Operations"]
    assert (taken["status"], taken["response"]["scimType"]) == ("409", "tooMany")
    assert made["status"] == "200"
    assert [f["rule"] for f in server.journal()[0]["faults"]] == ["it", "status"]
    assert hits(server) == 2


def test_representation_and_wire_together(server):
    """A body that drifts, without its type, is cut on its way."""
    server.fault({**after("schema_drift", mode="rename"), "name": "drift"})
    server.fault({**after("content_type", mode="none"), "name": "type"})
    server.fault({**a_rule("truncate", "after", operation="*", at=0.9, framing="valid"), "name": "cut"})
    answer = server.client.get(ANN)
    assert "Content-Type" not in answer.headers
    assert '"display_name"' in answer.text
    with pytest.raises(json.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize(
    ("kind", "parameters", "pointer"),
    [
        ("schema_drift", {}, "/parameters/mode"),
        ("schema_drift", {"mode": "drop", "to": "x"}, "/parameters/to"),
        ("schema_drift", {"mode": "bool_as_string", "attribute": "x"}, "/parameters/attribute"),
        ("error_shape", {"status": 200}, "/parameters/status"),
        ("encoding", {"charset": "utf-16"}, "/parameters/charset"),
        ("status_quirk", {"mode": "teapot"}, "/parameters/mode"),
    ],
)
def test_wrong_parameters(server, kind, parameters, pointer):
    """The control API points at what is wrong."""
    answer = server.admin.post("/_mockscim/faults", json={"type": kind, "parameters": parameters})
    assert (answer.status_code, answer.json()["where"]) == (400, pointer)


# -- redirect ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "location"),
    [
        ({}, f"https://scim-eu.example.net{USERS}?count=1"),
        ({"to": "https://example.org/"}, f"https://example.org{USERS}?count=1"),
        ({"to": "https://example.org/gone"}, "https://example.org/gone"),
        ({"to": "same"}, f"{USERS}?count=1"),
        ({"to": "login_page"}, f"https://login.example.net/sign-in?continue={'%2Fscim%2Fv2%2FUsers%3Fcount%3D1'}"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect(server, parameters, location, status):
    """The client is sent elsewhere, with its path and query unless the place has a path of its own."""
    server.fault(a_rule("redirect", operation="*", status=status, **parameters))
    answer = server.client.get(USERS, params={"count": 1})
    assert (answer.status_code, answer.headers["Location"]) == (status, location)
    assert ("html" in answer.headers.get("Content-Type", "")) == (parameters.get("to") == "login_page")
    told(server, "redirect", str(status))


@pytest.mark.parametrize(("status", "method"), [(307, "POST"), (302, "GET")])
def test_redirect_to_another_origin(server, status, method):
    """With a URL of this very server by another name, the journal shows what a client takes along."""
    server.fault({**a_rule("redirect", status=status, to=f"http://localhost:{server.port}"), "times": 1})
    server.client.post(USERS, json=a_user(), follow_redirects=True)
    first, second = server.journal()
    assert (first["committed"], second["method"]) == (False, method)
    assert ("Authorization" in first["request"]["headers"], "Authorization" in second["request"]["headers"]) == (
        True,
        False,
    )


@pytest.mark.parametrize("to", ["ftp://example.org", "elsewhere", "https://exa mple.org", "http://"])
def test_redirect_to_nowhere(server, to):
    """Only http and https URLs are places."""
    answer = server.admin.post("/_mockscim/faults", json={"type": "redirect", "parameters": {"to": to}})
    assert (answer.status_code, answer.json()["where"]) == (400, "/parameters/to")


def test_redirect_after_the_commit(server):
    """It is done, and the client is sent away."""
    server.fault(a_rule("redirect", "after"))
    assert server.client.post(GROUPS, json=a_group("Sales")).status_code == 201
    assert server.client.post(USERS, json=a_user()).status_code == 307
    assert server.journal()[-1]["committed"]
