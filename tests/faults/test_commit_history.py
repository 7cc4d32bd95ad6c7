"""Whatever faults do to commits: the history, change by change, leads from the start to what is stored."""

import contextlib
import random

import httpx
import pytest
from edge import a_user
from told import a_group, advance, after, history, patch, stored

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
RULES = [
    after("phantom_ack"),
    after("phantom_ack", keep_for="3s"),
    after("conflict"),
    after("upsert_on_conflict"),
    after("silent_noop", attributes=["title", "members"]),
    after("partial_patch"),
    after("partial_members"),
    after("duplicate_delivery", copies=2),
    after("duplicate_delivery", gap="2s"),
    after("reordered_delivery", window=3),
    after("deactivate_is_delete"),
    after("late_commit", delay="2s"),
    after("partial_bulk", fail_every=3, shuffle=True),
    after("lost_ack"),
]


def a_write(chance, bulk):
    """Method, path and body of some write."""
    user, group = f"u-{chance.randrange(1, 7)}", f"g-{chance.randrange(1, 3)}"
    name = f"n{chance.randrange(6)}@example.com"
    writes = [
        ("POST", "/Users", a_user(name)),
        ("POST", "/Groups", a_group(name, user)),
        ("PUT", f"/Users/{user}", a_user(name, active=chance.random() < 0.7)),
        ("PATCH", f"/Users/{user}", patch(("replace", "title", name), ("replace", "active", chance.random() < 0.7))),
        ("PATCH", f"/Groups/{group}", patch(("add", "members", [{"value": user}, {"value": "u-2"}]))),
        ("PATCH", f"/Groups/{group}", patch(("remove", f'members[value eq "{user}"]'))),
        ("DELETE", f"/Users/{user}", None),
        ("DELETE", f"/Groups/{group}", None),
    ]
    if bulk and chance.random() < 0.3:
        operations = [a_write(chance, bulk=False) for _ in range(4)]
        listed = [
            {"method": method, "path": path, "bulkId": f"b{index}", **({"data": data} if data else {})}
            for index, (method, path, data) in enumerate(operations)
        ]
        return "POST", "/Bulk", {"schemas": [BULK], "Operations": listed}
    return chance.choices(writes, weights=[3, 2, 3, 4, 4, 2, 1, 1])[0]


def bare(resource):
    """A resource as the history and the fixture both tell it."""
    members = sorted(member["value"] for member in resource.get("members", ()))
    return {k: v for k, v in resource.items() if k not in ("schemas", "meta", "members")} | {"members": members}


def state(server):
    return {id_: bare(one) for kind in ("users", "groups") for id_, one in stored(server, kind).items()}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("profile", ["standard", "segment"])
def test_the_history_is_what_happened(serve, profile, seed):
    """All of them at once, in any order: no answer is a failure of the server's, and the history never lies."""
    chance = random.Random(seed)  # noqa: S311 - to be told again
    server = serve(profile, seed=seed, clock="virtual")
    now = state(server)
    rules = chance.sample(RULES, len(RULES))
    for index, rule in enumerate(rules):
        server.fault({**rule, "name": f"rule-{index}", "probability": 0.15})
    for _ in range(60):
        method, path, body = a_write(chance, profile == "standard")
        with contextlib.suppress(httpx.TransportError):
            answer = server.client.request(method, f"/scim/v2{path}", json=body)
            assert "report it" not in answer.text
        if chance.random() < 0.2:
            advance(server, "1s")
    advance(server, "1m")
    changes = history(server)
    for change in changes:
        assert (bare(change["before"]) if change["before"] is not None else None) == now.get(change["id"])
        if change["after"] is None:
            del now[change["id"]]
        else:
            now[change["id"]] = bare(change["after"])
    assert now == state(server)
    told = [n for entry in server.wait_journal(60) for n in entry["changes"]]
    assert sorted(told) == [change["n"] for change in changes if change["journal"] is not None]
    assert len(changes) > 10
