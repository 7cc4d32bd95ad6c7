"""Tokens that the start brings: they may come and go between processes, and a revoked one does not come back."""

import pytest
from states import begin, left_behind, opened, state

from mockscim import MockScim
from mockscim.kept import KeepError
from mockscim.tokens import TokenDocument

READER = {"token": "read-only-1", "scopes": ["read"]}
OTHER = {"token": "read-only-2", "scopes": ["read"]}


def opens(tenants, text):
    """Whether a token opens the default tenant."""
    return tenants.select("", [f"Bearer {text}"], needs_token=True)[1].good


def brought(*texts):
    """A start that brings these tokens."""
    return begin("standard", "small", tokens=tuple(TokenDocument(token=text, scopes=["read"]) for text in texts))


def test_a_token_may_be_added_to_the_start_later(file):
    """It opens the directory, and the file is good for the processes after, which have it still."""
    for tokens, name in (([READER], "a"), ([READER, OTHER], "b"), ([READER, OTHER], "c")):
        with MockScim.threaded(persist=file, token=["full", *tokens]) as scim:
            listed = [each["name"] for each in scim.ask("GET", "/tokens")["items"]]
            assert listed == [f"t-{n + 1}" for n in range(len(tokens))]
            scim.users.add({"userName": name})
    with MockScim.threaded(persist=file, token="full") as scim:
        assert {user["userName"] for user in scim.users} == {"a", "b", "c"}


@pytest.mark.parametrize("killed", [False, True])
def test_a_revoked_token_stays_revoked(file, tmp_path, killed):
    """Neither a restart nor a kill brings back a start token that was revoked; minting it again does."""
    start = brought("read-only-1", "read-only-2")
    with opened(start, file) as tenants:
        tenant = tenants.look("")
        with tenant.kept():
            tenant.tokens.revoke("t-1")
        path = left_behind(file, tmp_path / "killed") if killed else file
    for _ in range(2):
        with opened(start, path) as tenants:
            assert [opens(tenants, text) for text in ("read-only-1", "read-only-2")] == [False, True]
    with opened(brought("read-only-2"), path):
        pass  # a process whose start does not have it
    with opened(start, path) as tenants:
        assert not opens(tenants, "read-only-1")
        tenant = tenants.look("")
        with tenant.kept():
            tenant.tokens.mint(0.0, TokenDocument(token="read-only-1"))
        before = state(tenant)
    with opened(start, path) as tenants:
        assert opens(tenants, "read-only-1")
        assert state(tenants.look("")) == before


def test_a_revocation_that_cannot_be_written_is_taken_back(file):
    """The token opens on, here and in the next process."""
    start = brought("read-only-1")
    with opened(start, file) as tenants:
        tenant, db = tenants.look(""), tenants._keeping._file.db
        before = state(tenant)
        db.execute("PRAGMA query_only = ON")
        with pytest.raises(KeepError, match="readonly"), tenant.kept():
            tenant.tokens.revoke("t-1")
        assert state(tenant) == before
        assert opens(tenants, "read-only-1")
    with opened(start, file) as tenants:
        assert opens(tenants, "read-only-1")


def test_a_renewed_directory_has_the_tokens_of_its_start(file):
    """As new for somebody else: what was minted is gone and what was revoked is back, after a restart too."""
    start = brought("read-only-1")
    with opened(start, file) as tenants:
        tenant = tenants.look("")
        with tenant.kept():
            tenant.tokens.revoke("t-1")
            tenant.tokens.mint(0.0, TokenDocument(token="minted-one"))
        tenants.renew()
    with opened(start, file) as tenants:
        assert [opens(tenants, text) for text in ("read-only-1", "minted-one")] == [True, False]
