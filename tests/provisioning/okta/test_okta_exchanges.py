"""What the simulator sends is what Okta's documentation prints, byte for byte apart from ids and random values."""

import json
import re
from pathlib import Path

import orjson
import pytest
from okta_driver import NOW, Script, app, directory, listed, person, refused, run

from mockscim.provisioning.okta import CONTENT_TYPE, HEADERS, TIMEOUT
from mockscim.provisioning.wire import Answer, drive

DOCUMENT = json.loads((Path(__file__).parents[2] / "exchanges" / "okta.json").read_text(encoding="utf-8"))
STEPS = [step for step in DOCUMENT["steps"] if step["level"] == "DOC"]

RUN = "x1"
UID, UID2, GID = "23a35c27-23d3-4c03-b4c5-6443c09e7173", "89bb1940-b905-4575-9e7f-6f887cfb368e", "abf4dd94"
UNKNOWN = "010101001010101011001010101011"
VALUES = {"run": RUN, "uid": UID, "uid2": UID2, "gid": GID}
NAME, NAME2 = f"okta.{RUN}@okta.example", f"okta2.{RUN}@okta.example"

# Steps that are documented and no request of the provisioning client.
NOT_SENT = {
    "Wrong token -> 401 with the Error schema": "a check of the server, with a token that Okta does not have",
    "Stable ordering: count=1&startIndex=1, first read": "sent by Okta's test suite, not by the client",
    "  ... second read gives the same user": "sent by Okta's test suite, not by the client",
}


def ann(**more):
    """The person of the samples."""
    return {**person("Test User", mail=NAME), "userPrincipalName": NAME, "id": "one", **more}


def second(**more):
    """The second one."""
    return {**ann(), "userPrincipalName": NAME2, "id": "two", **more}


def resource(**more):
    """The user as the samples' server has it."""
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": UID,
        "userName": NAME,
        "name": {"givenName": "Another", "familyName": "User"},
        "emails": [{"primary": True, "value": NAME, "type": "work"}],
        "active": True,
        "groups": [],
        "meta": {"resourceType": "User"},
        **more,
    }


def created(target):
    """A 201."""
    return Answer(201, {}, {"id": target})


NONE = listed()
DONE = Answer(204)


def of_users():
    """The requests about users."""
    found = []

    def do(push, *answers):
        script = Script(*answers)
        found.extend(run(push, script) and script.requests)

    script = Script(listed())
    drive(app().test_connection(), script)
    found += script.requests
    source = directory(ann())
    catalogue = app(attributes={"name.middleName": "middleName"}, sync_password=True)
    do(catalogue.push(source, NOW), NONE, created(UID))
    source.edit_user("one", givenName="Another", middleName="Excited")
    name = {"givenName": "Another", "middleName": "", "familyName": "User"}
    emails = [{"primary": True, "value": NAME, "type": "work", "display": NAME}]
    read = Answer(200, {}, resource(name=name, emails=emails))
    do(catalogue.push(source, NOW), read, Answer(200, {}, resource()))
    do(catalogue.push_password(source, NAME, NOW, f"N3w-{RUN}"), DONE)
    source.unassign("one")
    do(catalogue.push(source, NOW), DONE)
    source.assign("one")
    do(catalogue.push(source, NOW), listed(resource(active=False)), DONE, read, read)
    catalogue.state.users["one"].target = UNKNOWN
    source.edit_user("one", givenName="Andrea")
    do(catalogue.push(source, NOW), refused(404, "no such user"))

    do(app(external_id=False).push(directory(second()), NOW), NONE, created(UID2))
    do(
        app().push(directory(ann(userPrincipalName=f"OKTA.{RUN}@OKTA.EXAMPLE")), NOW),
        listed(resource()),
        Answer(200, {}, resource()),
    )
    do(app().push(directory(ann()), NOW), NONE, refused(409, "User already exists in the database."))

    wizard, source = app(app_type="aiw"), directory(ann())
    do(wizard.push(source, NOW), NONE, created(UID))
    source.edit_user("one", accountEnabled=False)
    do(wizard.push(source, NOW), Answer(200, {}, resource()))

    script = Script(listed())
    drive(app().import_users(directory()).steps(), script)
    return found + script.requests


def of_groups():
    """The requests about groups."""
    found = []
    name, source = f"Push {RUN}", directory(ann(), second(), groups=[(f"Push {RUN}", [])])
    pushing = app(push_groups="all", unlink="delete")

    def do(push, *answers):
        script = Script(*answers)
        run(push, script)
        found.extend(script.requests)

    do(pushing.push(source, NOW), NONE, created(UID), NONE, created(UID2), NONE, created(GID))
    do(pushing.link_group(source, name, GID, NOW), Answer(200, {}, {"id": GID, "displayName": name}), DONE)
    group = source.group(name).id

    def members(*keys):
        for key in source.members(group):
            if key not in keys:
                source.remove_member(group, key)
        for key in keys:
            if key not in source.members(group):
                source.add_member(group, key)
        do(pushing.push(source, NOW), DONE)

    members("two")
    members("one")
    members("one", "two")
    members("one")
    source.edit_group(group, displayName=f"Push2 {RUN}")
    do(pushing.push(source, NOW), DONE)
    members("one", "two")
    # The names of the sample.
    source.edit_user("one", userPrincipalName="a")
    source.edit_user("two", userPrincipalName="b")
    do(pushing.push_now(source, group, NOW), DONE)
    do(pushing.link_group(source, group, GID, NOW), refused(404, "no such group"))
    source.delete_group(group)
    do(pushing.push(source, NOW), DONE)

    source = directory(ann(), second(), groups=[(f"Push3 {RUN}", ["two"])])
    wizard = app(app_type="aiw", push_groups="all")
    do(wizard.push(source, NOW), NONE, created(UID), NONE, created(UID2), NONE, created(GID), Answer(200, {}, {}))
    return found


def normal(method, path, parameters, body):
    """A request in which what differs by nature is the same: Okta's ids and random passwords."""
    if isinstance(body, dict) and method == "POST" and "password" in body:
        assert re.fullmatch("[a-z0-9]{8}", body["password"])
        body = {**body, "password": "random"}
        if "externalId" in body:
            assert body["externalId"].startswith("00u")
            body["externalId"] = "00u…"
    return method, path, frozenset(parameters), orjson.dumps(body) if body is not None else None


def parsed(request):
    """A request of the simulator."""
    path, _, query = request.path.partition("?")
    return normal(request.method, path, query.split("&") if query else [], request.body)


def documented(step):
    """A request of the documentation."""

    def filled(text):
        return re.sub(r"\$\{(\w+)\}", lambda found: VALUES[found[1]], text)

    path, _, query = filled(step["path"]).partition("?")
    parameters = query.split("&") if query else []
    for name, value in step.get("query", {}).items():
        escaped = filled(value).replace(" ", "%20").replace('"', "%22").replace("@", "%40")
        parameters.append(f"{name}={escaped}")
    body = json.loads(filled(json.dumps(step["body"]))) if "body" in step else None
    return normal(step["method"], path, parameters, body)


@pytest.fixture(scope="module")
def sent():
    """Everything that the simulator sends in the scenarios above."""
    return {parsed(request) for request in [*of_users(), *of_groups()]}


@pytest.mark.parametrize(
    "step", [each for each in STEPS if each["name"] not in NOT_SENT], ids=lambda step: step["name"]
)
def test_the_simulator_sends_the_documented_request(step, sent):
    """Method, path, parameters and the bytes of the body are those of the documentation."""
    assert documented(step) in sent


def test_what_is_not_sent_is_in_the_documentation():
    """The exceptions are steps that exist, each with its reason."""
    assert set(NOT_SENT) <= {step["name"] for step in STEPS}
    assert all(NOT_SENT.values())


def test_the_simulator_sends_nothing_else(sent):
    """Each request that the scenarios bring about is one that the documentation prints, for this or another id."""

    def shape(request):
        method, path, parameters, body = request
        # A PUT carries what was read, whatever that is.
        keys = sorted(json.loads(body)) if body is not None and method != "PUT" else None
        return (
            method,
            re.sub(r"/[^/]+\Z", "/ID", path[1:]),
            tuple(sorted(each.split("=")[0] for each in parameters)),
            str(keys),
        )

    assert {shape(each) for each in sent} <= {shape(documented(step)) for step in STEPS}


def test_a_look_up_is_written_as_the_documentation_prints_it():
    """Filter first, everything in it escaped, then startIndex and count."""
    script = Script(listed())
    source = directory(person("Test User", userPrincipalName="test.user@okta.local"))
    run(app().push(source, NOW), script)
    wanted = "/Users?filter=userName%20eq%20%22test.user%40okta.local%22&startIndex=1&count=100"
    assert script.requests[0].path == wanted


def test_headers_are_the_documented_ones():
    """Accept, Accept-Charset, User-Agent and Content-Type; the socket is closed after a minute."""
    assert DOCUMENT["headers"] == {**HEADERS, "Content-Type": CONTENT_TYPE}
    assert TIMEOUT == 60
