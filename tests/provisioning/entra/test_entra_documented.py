"""The simulator's requests against the documented ones, byte for byte apart from ids.

Each step of level DOC in ``exchanges/entra.json`` is either made by the simulator (see entra_samples.py), or is named
here with why it is no request of the client.
"""

from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
import pytest
from entra_drive import BASE, Run, company, person
from entra_samples import (
    DOCUMENTED,
    ENTERPRISE,
    GID,
    HELD,
    MADE,
    NAMED,
    ROLE,
    STEPS,
    UID,
    WORK,
    Scripted,
    patched,
    rows,
    sent,
)

from mockscim.provisioning.entra import shapes

# What is no request of the client: why.
NOT_MADE = {
    "Auth: request without bearer token is refused": "the client always sends its token; the answer is what is shown",
    "Auth: request with a wrong bearer token is refused": "the token is the runner's; the answer is what is shown",
    "ServiceProviderConfig: patch supported": "no use of it by the client is documented",
    "ResourceTypes lists /Users and /Groups": "no use of it by the client is documented",
    "Create User again with the same userName -> 409": "provokes an answer: the client looks first, and sends more",
    "Operators eq + and": "tells which operators are used; matching is one attribute after the other, without and",
    "Create manager user": "makes somebody for the steps after it, with the least that a server takes",
    "Create second manager user": "makes somebody for the steps after it, with the least that a server takes",
}


def read(path, query):
    """Path and query of a request as the exchange writes them: decoded, in order."""
    split = urlsplit(path)
    return unquote(split.path), parse_qsl(split.query) + list((query or {}).items())


@pytest.mark.parametrize("name", MADE)
def test_the_simulator_sends_it(name):
    """A documented request is made by the simulator: same method, path, query and bytes of the body."""
    step = DOCUMENTED[name]
    request = MADE[name]()
    assert request.method == step["method"]
    assert read(request.path, None) == read(step["path"], step.get("query"))
    body = orjson.dumps(request.body).decode() if request.body is not None else None
    assert body == (orjson.dumps(step["body"]).decode() if "body" in step else None)


def test_every_documented_step_is_made_or_is_none_of_the_client():
    """No step of level DOC is forgotten, and none is named that there is not."""
    assert MADE.keys() | NOT_MADE.keys() == DOCUMENTED.keys()
    assert not MADE.keys() & NOT_MADE.keys()


def test_the_other_steps_look_at_what_came_of_the_one_before():
    """Steps whose names are indented verify by GET, as a test does and the client does not."""
    rest = [step for step in STEPS if step["level"] == "DOC" and step["name"].startswith(" ")]
    assert rest
    assert {step["method"] for step in rest} == {"GET"}


# --- shapes that stand in the exchange as oddities, or are documented elsewhere ---


def odd(text):
    return next(step for step in STEPS if step["level"] == "QUIRK" and text in step["name"])


def with_manager(**settings):
    directory = company(person("boss"), person("x", manager="src-boss"))
    ids = iter(["${mid}", UID])
    target = Scripted(UID)

    def send(request):
        target.current = None
        target.id = next(ids) if request.method == "POST" else target.id
        return target(request)

    send.requests = target.requests
    schema = rows(("userName", "userPrincipalName"), (f"{ENTERPRISE}:manager", "manager"))
    return sent(Run(directory, send, schema, **settings), "PATCH")


def test_a_manager_is_sent_as_the_client_is_seen_to_send_it():
    """Without the flag: Add, the extension's path, the plain id as a string."""
    body = odd("plain string value")["body"]
    body["Operations"][0]["value"] = "${mid}"
    assert with_manager().body == body


def test_a_manager_is_sent_as_the_documentation_has_it_where_one_asks_for_that():
    """The sample's path is manager, and its value a list with $ref."""
    request = with_manager(manager="array", target="http://scim.example/scim")
    assert unquote(orjson.dumps(request.body).decode()) == orjson.dumps(odd("path 'manager', array")["body"]).decode()


def test_with_the_flag_a_manager_is_complex():
    """What the flag makes of a manager is not documented: the RFC's shape is the guess."""
    assert with_manager(compliant=True).body["Operations"] == [
        {"op": "add", "path": f"{ENTERPRISE}:manager", "value": {"value": "${mid}"}}
    ]


def test_the_check_of_a_manager_joins_two_conditions():
    """Older documentation: id and manager, of which the id alone is asked for."""
    request, step = shapes.has_manager(UID, "${mid}"), odd("Reference check")
    assert read(request.path, None) == read(step["path"], step["query"])


def test_the_check_of_a_member_is_spelled_like_it():
    """Documented without its URL: id and members, without the members themselves."""
    request, step = shapes.has_member(GID, UID), odd("Membership check")
    assert read(request.path, None) == read(step["path"], step["query"])


def test_with_the_flag_only_replaces_are_merged():
    """What the target has not is added by an operation of its own, and so is what has a value filter."""
    wanted = {"displayName": "New", "nickName": "Nick", WORK: "new@testuser.example", "name.givenName": "Given"}
    held = {key: value for key, value in HELD.items() if key != "nickName"}
    assert patched(held, wanted, compliant=True).body["Operations"] == [
        {"op": "add", "path": "nickName", "value": "Nick"},
        {"op": "replace", "path": WORK, "value": "new@testuser.example"},
        {"op": "replace", "value": {"displayName": "New", "name.givenName": "Given"}},
    ]


def test_roles_that_are_asserted_replace_more_than_there_should_be():
    """The target has both roles and a third: the list is sent; with exactly these it is not."""
    both = [{"type": ROLE, "display": each["displayName"], "value": each["value"], "primary": False} for each in NAMED]
    directory = company(person("x"), assigned=[], appRoles=NAMED)
    for role in NAMED:
        directory.assign("src-x", role["id"])
    schema = rows(
        ("userName", "userPrincipalName"), ("roles", "AssertiveAppRoleAssignmentsComplex([appRoleAssignments])")
    )
    for held, count in ((both, 0), ([*both, {"value": "Admin"}], 1)):
        target = Scripted(UID, {"id": UID, "userName": "x@example.com", "roles": held})
        Run(directory, target, schema).cycle()
        assert [each.method for each in target.requests].count("PATCH") == count


@pytest.mark.parametrize(
    ("target", "flagged"),
    [
        (BASE, False),
        (f"{BASE}?aadOptscim062020", True),
        (f"{BASE}/?aadOptscim062020", True),
        (f"{BASE}?aadOptscim062020=", True),
        (f"{BASE}?AADOPTSCIM062020", True),
        (f"{BASE}?aadOptscim062020&AzureAdScimPatch2017", False),
        (f"{BASE}?other", False),
    ],
)
def test_the_flag_is_read_from_the_tenant_url(target, flagged):
    """aadOptscim062020 stands in the query string, with or without a slash before; the downgrade flag undoes it."""
    settings = Run(company(), Scripted(UID)).job.settings
    settings.target = target
    assert settings.flagged is flagged
    assert settings.base_url == BASE
