"""Other people's judges of SCIM against a running server: scim2-tester, scim-sanity, and a session of scim2-client."""

import pytest
from edge import AUTH, TOKEN
from scim2_client import BaseSyncSCIMClient
from scim2_models import Error, PatchOp, PatchOperation, SearchRequest
from scim2_tester import Status, check_server
from scim_sanity.probe.runner import run_probe_api

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


class Client(BaseSyncSCIMClient):
    """scim2-client over httpx, to a running server."""

    def __init__(self, server):
        super().__init__()
        self.client = server.http(AUTH)

    def request(self, method, url, **kwargs):
        return self.client.request(method, f"/scim/v2{url}", **kwargs)


@pytest.fixture
def session(serve):
    """A client that has discovered the server."""
    client = Client(serve())
    client.discover()
    return client


def patch(model, *operations):
    """A PATCH message of operations (op, path, value)."""
    return PatchOp[model](
        operations=[PatchOperation[model](op=op, path=path, value=value) for op, path, value in operations]
    )


def failures(server):
    """What scim2-tester has to say against a server: (title, reason)."""
    results = check_server(Client(server))
    assert len(results) > 100
    return [(r.title, str(r.reason)) for r in results if r.status in (Status.ERROR, Status.CRITICAL, Status.DEVIATION)]


@pytest.mark.parametrize("fixture", [None, "small.json"])
def test_scim2_tester(serve, fixture):
    """All checks of scim2-tester pass, on an empty directory and on one with people in it."""
    assert failures(serve(fixture=fixture)) == []


def test_scim2_tester_strict(serve):
    """They pass with --strict too, but for a PATCH in which scim2-client puts ``schemas`` inside an extension.

    RFC 7643 §3.3 has the attributes of the extension there and nothing else, so that is refused.
    """
    found = failures(serve(fixture=None, strict=True))
    assert {title for title, _ in found} <= {"check_add_attribute", "check_replace_attribute"}
    assert all(f"{ENTERPRISE} has no attribute schemas" in reason for _, reason in found)


def insanities(server):
    """What scim-sanity in its strict mode has to say against a server: (name, message), warnings included."""
    report = run_probe_api(f"{server.root}/scim/v2", token=TOKEN, strict=True)
    assert report["summary"]["passed"] > 20
    return [(r["name"], r["message"]) for r in report["results"] if r["status"] not in ("pass", "skip")]


@pytest.mark.parametrize("profile", ["standard", "interop"])
@pytest.mark.parametrize("strict", [False, True])
def test_scim_sanity(serve, profile, strict):
    """scim-sanity in its strict mode finds nothing, with --strict or without.

    It adds a member whose id it made up and asks for 200, so unknown members have to be accepted.
    """
    assert insanities(serve(profile, None, strict=strict, accept=("unknown-member",))) == []


def test_scim_sanity_member(serve):
    """The member that it makes up is all that it complains about where unknown members are refused."""
    assert insanities(serve(fixture=None)) == [("PATCH /Groups/{id} add member", "Expected 200, got 400")]


def test_scim_sanity_segment(serve):
    """Of Segment it finds what Segment does: names that stay, and people who leave when they are deactivated."""
    found = [name for name, _ in insanities(serve("segment", None, accept=("unknown-member",)))]
    assert found[:3] == ["GET /Users/{id} after PUT", "GET /Users/{id} after PATCH", "DELETE /Users/{id}"]
    assert [name.partition("/Users/")[0] for name in found[3:]] == ["DELETE "]  # once more, when it cleans up


def test_discovery(session):
    """The discovery documents describe the server so that a client can build its models from them."""
    assert {type_.name for type_ in session.provider.resource_types} == {"User", "Group"}
    config = session.provider.config
    assert config.patch.supported
    assert config.filter.supported
    assert config.etag.supported
    assert config.bulk.supported
    assert config.bulk.max_operations == 1000
    assert config.bulk.max_payload_size == 1024 * 1024


def test_user_session(session):
    """Create, find, read, change, replace and delete a User."""
    user_model = session.get_resource_model("User")
    made = session.create(user_model(user_name="client@example.com", display_name="Client", active=True))
    assert made.id
    assert made.meta.location.endswith(f"/scim/v2/Users/{made.id}")

    found = session.query(user_model, query_parameters=SearchRequest(filter='userName eq "CLIENT@example.com"'))
    assert (found.total_results, [u.id for u in found.resources]) == (1, [made.id])
    only = session.query(user_model, made.id, query_parameters=SearchRequest(attributes=["userName"]))
    assert (only.user_name, only.display_name) == ("client@example.com", None)

    changed = session.modify(
        user_model,
        made.id,
        patch(
            user_model,
            ("replace", "displayName", "Changed"),
            ("add", "name.familyName", "Family"),
            ("remove", "active", None),
        ),
    )
    assert (changed.display_name, changed.name.family_name, changed.active) == ("Changed", "Family", None)
    assert changed.meta.version != made.meta.version

    replacement = session.query(user_model, made.id)
    replacement.nick_name = "Nick"
    replacement.name = None
    replaced = session.replace(replacement)
    assert (replaced.nick_name, replaced.name, replaced.display_name) == ("Nick", None, "Changed")

    session.delete(user_model, made.id)
    gone = session.query(user_model, made.id, raise_scim_errors=False)
    assert isinstance(gone, Error)
    assert gone.status == 404


def test_group_session(session):
    """Create, find, change members of, replace and delete a Group; its members tell of it."""
    user_model, group_model = session.get_resource_model("User"), session.get_resource_model("Group")
    made = session.create(group_model(display_name="Crew", members=[{"value": "u-1"}]))
    assert [(m.value, m.display) for m in made.members] == [("u-1", "Ann Ashdown")]

    found = session.query(group_model, query_parameters=SearchRequest(filter='displayName sw "cre"'))
    assert [g.id for g in found.resources] == [made.id]
    grown = session.modify(group_model, made.id, patch(group_model, ("add", "members", [{"value": "u-2"}])))
    assert {m.value for m in grown.members} == {"u-1", "u-2"}
    assert made.id in {g.value for g in session.query(user_model, "u-2").groups}
    shrunk = session.modify(group_model, made.id, patch(group_model, ("remove", 'members[value eq "u-1"]', None)))
    assert {m.value for m in shrunk.members} == {"u-2"}

    shrunk.display_name = "Team"
    shrunk.members = None
    replaced = session.replace(shrunk)
    assert (replaced.display_name, replaced.members) == ("Team", None)

    session.delete(group_model, made.id)
    assert session.query(group_model, made.id, raise_scim_errors=False).status == 404
    assert session.query(user_model, "u-2").id == "u-2"


def test_refusals(session):
    """A client gets a conflict and a bad filter as Error messages that it understands."""
    user_model = session.get_resource_model("User")
    taken = session.create(user_model(user_name="ann@example.com"), raise_scim_errors=False)
    assert (taken.status, taken.scim_type) == (409, "uniqueness")
    bad = session.query(user_model, query_parameters=SearchRequest(filter='nosuch eq "x"'), raise_scim_errors=False)
    assert (bad.status, bad.scim_type) == (400, "invalidFilter")


def test_paging_session(session):
    """A client reads all pages of a list, sorted, without a gap or a repetition."""
    user_model = session.get_resource_model("User")
    names, start = [], 1
    while True:
        page = session.query(user_model, query_parameters=SearchRequest(start_index=start, count=2, sort_by="userName"))
        names += [user.user_name for user in page.resources or []]
        start += page.items_per_page
        if start > page.total_results:
            break
    assert names == sorted(names)
    assert len(names) == len(set(names)) == 5
