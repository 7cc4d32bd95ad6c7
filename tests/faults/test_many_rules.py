"""Many rules about the same operation: those that cannot match are not asked, and that must not show."""

import http.client
import random
from urllib.parse import quote

import pytest

from tests.processes import Server

_USERS = 6
_RULES = 300


@pytest.fixture(scope="module")
def server():
    with Server("--no-auth") as running:
        yield running


def rule(name, **match):
    """One that adds up with all others, so that each is asked about each request."""
    return {"name": name, "type": "latency", "parameters": {"delay": "0ms"}, "match": match}


def drawn(chance, ids):
    """A match, and whether it holds for a user's path, id, names and e-mail address."""
    number = chance.randrange(_USERS + 2)  # some are about nobody
    name, id_ = f"ann{number}@example.com", ids[number] if number < len(ids) else "nobody"
    path, other = f"/Users/{id_}", f"/Users/{chance.choice(ids)}"
    return chance.choice(
        [
            ({"operation": "user.*", "path": path}, lambda at, is_: at == path),
            ({"operation": "user.*", "path": path + "*"}, lambda at, is_: at == path),
            ({"operation": "user.*", "where": f'userName eq "{name.upper()}"'}, lambda at, is_: is_ == number),
            ({"operation": "*", "where": f'id eq "{id_}"'}, lambda at, is_: is_ == number),
            ({"where": f'active eq true and emails.value eq "{name}"'}, lambda at, is_: is_ == number),
            ({"where": f'not (userName eq "{name}")'}, lambda at, is_: is_ is not None and is_ != number),
            ({"where": f'userName eq "{name}"', "path": other}, lambda at, is_: is_ == number and at == other),
            ({"operation": "user.patch", "where": f'externalId eq "new-{number}"'}, lambda at, is_: False),
            ({"operation": "*"}, lambda at, is_: True),
        ]
    )


@pytest.mark.parametrize("seed", range(5))
def test_each_rule_counts_what_it_matches(server, seed):
    """Whatever the others are about: a path, a name, an id, or anything at all."""
    root = f"{server.root}/t/many-{seed}"
    names = [f"ann{n}@example.com" for n in range(_USERS)]
    people = [{"userName": n, "active": True, "emails": [{"value": n, "type": "work"}]} for n in names]
    server.request("PUT", "/_mockscim", {"fixture": {"users": people}}, root=root)
    listed = server.request("GET", "/scim/v2/Users", root=root).body["Resources"]
    ids = [next(user["id"] for user in listed if user["userName"] == name) for name in names]
    chance = random.Random(seed)  # noqa: S311
    rules = [drawn(chance, ids) for _ in range(_RULES)]
    documents = [rule(f"r{n}", **match) for n, (match, _) in enumerate(rules)]
    assert server.request("PUT", "/_mockscim/faults", documents, root=root).status == 200
    asked = [chance.randrange(_USERS) for _ in range(30)]
    for number in asked:
        assert server.request("GET", f"/scim/v2/Users/{ids[number]}", root=root).status == 200
    assert server.request("GET", "/scim/v2/Users?filter=" + quote('title eq "x"'), root=root).status == 200
    found = server.request("GET", "/_mockscim/faults", root=root).body["items"]
    for (match, holds), told in zip(rules, found, strict=True):
        expected = sum(holds(f"/Users/{ids[n]}", n) for n in asked) + holds("/Users", None)
        assert told["matches"] == expected, match


def test_a_rule_about_a_new_name_strikes_the_change_to_it(server):
    """A filter holds before, after or as sent; so does what is looked up."""
    root = f"{server.root}/t/renamed"
    user = server.create("old@example.com", root=root).body
    rules = [{"name": f"to-{n}", "type": "drop", "match": {"where": f'userName eq "new{n}@example.com"'}} for n in "ab"]
    rules += [{"name": "from", **rule("from", where='userName eq "old@example.com"')}]
    server.request("PUT", "/_mockscim/faults", rules, root=root)
    patch = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "userName", "value": "NEWb@example.com"}],
    }
    with pytest.raises(http.client.RemoteDisconnected):
        server.request("PATCH", f"/scim/v2/Users/{user['id']}", patch, root=root)
    with pytest.raises(http.client.RemoteDisconnected):
        server.create("newA@example.com", root=root)
    found = server.request("GET", "/_mockscim/faults", root=root).body["items"]
    assert [told["matches"] for told in found] == [1, 1, 1]
