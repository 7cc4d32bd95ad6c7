"""What a fault did, as the control API tells it: the words that tests of faults share."""

import httpx
import pytest
from edge import GROUP, PATCH_OP, a_rule


def after(kind, operation="*", **parameters):
    """A rule for a fault in its own phase."""
    rule = a_rule(kind, operation=operation, **parameters)
    del rule["phase"]
    return rule


def a_group(name="Sales", *members):
    """The body of a group."""
    return {"schemas": [GROUP], "displayName": name, "members": [{"value": id_} for id_ in members]}


def patch(*operations):
    """A PatchOp of (op, path, value)."""
    keys = ("op", "path", "value")
    listed = [{k: v for k, v in zip(keys, operation, strict=False) if v is not None} for operation in operations]
    return {"schemas": [PATCH_OP], "Operations": listed}


def history(server):
    """The committed changes."""
    return server.admin.get("/_mockscim/history").json()["items"]


def stored(server, endpoint="users"):
    """The resources in the store, by id, past SCIM but caught up with the clock."""
    listed = server.admin.get("/_mockscim/fixture").json().get(endpoint, ())
    return {one["id"]: one for one in listed}


def names(server):
    """The userNames in the store."""
    return sorted(user["userName"] for user in stored(server).values())


def advance(server, by):
    """Move the virtual clock on."""
    answer = server.admin.post("/_mockscim/clock/advance", json={"by": by})
    assert answer.status_code == 200, answer.text


def hits(server):
    """How often the rules struck."""
    return sum(rule["hits"] for rule in server.admin.get("/_mockscim/faults").json()["items"])


def told(server, kind, outcome, n=-1):
    """A journal entry, of which the only fault is this one."""
    entry = server.wait_journal()[n]
    assert [(f["type"], f["outcome"]) for f in entry["faults"]] == [(kind, outcome)]
    return entry


def changed(server, entry):
    """What the history has for an exchange, as (operation, id); each of them tied to it."""
    numbered = {change["n"]: change for change in history(server)}
    found = [numbered[n] for n in entry["changes"]]
    assert [change["journal"] for change in found] == [entry["n"]] * len(found)
    assert [c["n"] for c in numbered.values() if c["journal"] == entry["n"]] == entry["changes"]
    assert entry["committed"] == bool(found)
    return [(change["operation"], change["id"]) for change in found]


def lost(request, *args, **keywords):
    """A request whose answer never comes whole."""
    with pytest.raises(httpx.TransportError):
        request(*args, **keywords)
