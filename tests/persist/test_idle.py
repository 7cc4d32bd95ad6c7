"""Tenants that survive the process survive that nobody uses them."""

import pytest
from states import begin, opened

from mockscim.scim.errors import ScimError
from mockscim.server import tenants as module


def test_an_idle_tenant_is_kept(file, monkeypatch):
    """However long nobody used it, it is there when another is made, and in the file."""
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with opened(begin("standard", "small"), file) as tenants:
        old = tenants.use("old")
        old.edit("DELETE", "User", "u-1", None, "http://localhost")
        with old.kept():
            pass
        now[0] += 10 * module.IDLE_AFTER
        tenants.use("new")
        assert tenants.use("old") is old
    with opened(begin("standard", "small"), file) as tenants:
        assert len(tenants.use("old").store.tables["User"]) == 4


def test_too_many_are_refused_however_idle(file, monkeypatch):
    """At the cap one has to be dropped by somebody, who is told so; a dropped one makes room."""
    monkeypatch.setattr(module, "MOST_TENANTS", 3)
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with opened(begin(), file) as tenants:
        tenants.use("a")
        tenants.use("b")
        now[0] += 10 * module.IDLE_AFTER
        with pytest.raises(ScimError, match="3 tenants, and --persist keeps each, used or not; drop one") as refusal:
            tenants.use("c")
        assert refusal.value.status == 503
        tenants.drop("a")
        tenants.use("c")
        assert sorted(tenant.name for tenant in tenants) == ["", "b", "c"]
