"""RFC 7644 §3.11: /Me, the resource of who asks."""

import pytest
from edge import PATCH_OP, a_user, assert_scim_error
from rfc import ANN, BASE, USERS, patch, replace, user

ME = f"{BASE}/Me"


@pytest.fixture
def ann(server):
    """A client whose token is bound to Ann, u-1."""
    minted = server.admin.post("/_mockscim/tokens", json={"user": "ann@example.com"})
    assert minted.status_code == 201, minted.text
    return server.http({"Authorization": f"Bearer {minted.json()['token']}"})


@pytest.fixture
def where(server):
    """Ann's own URI."""
    return f"{server.root}{ANN}"


@pytest.mark.rfc("3.11-a", "3.11-2")
def test_get(ann, where):
    """GET is that of the subject's resource, whose URI is in Location and meta.location."""
    answer = ann.get(ME)
    assert answer.status_code == 200
    assert answer.json() == ann.get(ANN).json()
    assert answer.headers["Location"] == answer.json()["meta"]["location"] == where


@pytest.mark.rfc("3.11-a", "3.11-2")
def test_get_of_a_part(ann, where):
    """The parameters of a GET work on it."""
    answer = ann.get(ME, params={"attributes": "userName"})
    assert answer.json().keys() - {"schemas"} == {"id", "userName"}
    assert answer.headers["Location"] == where


@pytest.mark.rfc("3.11-2")
def test_not_modified(ann, where):
    """A 304 too says whose it is."""
    answer = ann.get(ME, headers={"If-None-Match": ann.get(ME).headers["ETag"]})
    assert (answer.status_code, answer.headers["Location"]) == (304, where)


@pytest.mark.rfc("3.11-a", "3.11-2")
def test_put(ann, where):
    """PUT replaces the subject's resource."""
    answer = ann.put(ME, json=user("ann", title="Lead"))
    assert (answer.status_code, answer.headers["Location"]) == (200, where)
    assert answer.json() == ann.get(ANN).json()
    assert answer.json()["title"] == "Lead"


@pytest.mark.rfc("3.11-a", "3.11-2")
def test_patch(ann, where):
    """PATCH changes the subject's resource."""
    answer = patch(ann, ME, replace("title", "Lead"))
    assert (answer.status_code, answer.headers["Location"]) == (200, where)
    assert ann.get(ANN).json()["title"] == "Lead"


@pytest.mark.rfc("3.11-a", "3.11-2")
def test_delete(ann, server, where):
    """DELETE removes the subject's resource, and says which it was."""
    answer = ann.delete(ME)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Location"] == where
    assert_scim_error(server.client.get(ANN), 404)


@pytest.mark.rfc("3.11-a")
def test_if_match(ann):
    """A write of an old version is 412."""
    for method, body in (
        ("PUT", a_user("ann@example.com")),
        ("PATCH", {"schemas": [PATCH_OP], "Operations": [replace("title", "x")]}),
        ("DELETE", None),
    ):
        assert_scim_error(ann.request(method, ME, json=body, headers={"If-Match": 'W/"x"'}), 412)


@pytest.mark.rfc("3.11-a")
def test_each_has_its_own(server, ann):
    """Another token's /Me is another's resource, and changes do not touch Ann's."""
    minted = server.admin.post("/_mockscim/tokens", json={"user": "bjorn@example.com"}).json()
    bjorn = server.http({"Authorization": f"Bearer {minted['token']}"})
    before = ann.get(ME).json()
    assert bjorn.get(ME).json()["id"] == "u-2"
    assert patch(bjorn, ME, replace("title", "Lead")).json()["id"] == "u-2"
    assert ann.get(ME).json() == before
    assert server.client.get(f"{USERS}/u-2").json()["title"] == "Lead"
