"""What a tenant is made of over the control API is kept without what nobody is to read."""

import json

import pytest
from processes import run
from states import begin, left_behind, opened, state
from test_read_back import FIXTURES

from mockscim import fixtures, profiles
from mockscim.faults import FaultError
from mockscim.server.definition import TenantDocument

VAULT = "urn:example:schemas:2.0:Vault"


def written(file, to):
    """All that a killed process leaves, and the copy it is in."""
    copy = left_behind(file, to)
    return b"".join(each.read_bytes() for each in copy.parent.iterdir()), copy


def put(tenants, document, name="own"):
    """Make a tenant as the control API does."""
    wanted = TenantDocument(**document)
    return tenants.remake(name, wanted.start(tenants.start), wanted)


def test_no_password_of_an_inline_fixture_is_written(file, tmp_path):
    """Nor what else its schemas say is never returned, however it is spelled; all else is there after a reset."""
    vault = {
        "id": VAULT,
        "name": "Vault",
        "attributes": [
            {"name": "label", "type": "string", "required": True},
            {"name": "key", "type": "string", "returned": "never", "required": True},
            {
                "name": "doors",
                "type": "complex",
                "multiValued": True,
                "subAttributes": [
                    {"name": "value", "type": "string"},
                    {"name": "code", "type": "string", "returned": "never"},
                ],
            },
        ],
    }
    fixture = {
        "schemas": [vault],
        "resourceTypes": [{"name": "Vault", "endpoint": "/Vaults", "schema": VAULT}],
        "users": [{"userName": "ann", "password": "HUNTER2-a"}, {"userName": "bob", "PassWord": "HUNTER2-b"}],
        "groups": [{"displayName": "All", "members": ["ann", "bob"]}],
        "accounts": [{"userName": "eve", "password": "HUNTER2-c"}],
        "resources": {
            "/Vaults": [{"label": "first", "KEY": "HUNTER2-d", "doors": [{"value": "east", "code": "HUNTER2-e"}]}]
        },
    }
    with opened(begin(), file) as tenants:
        tenant = put(tenants, {"fixture": fixture})
        first = state(tenant)
        seen, copy = written(file, tmp_path / "killed")
    assert b"HUNTER2" not in seen
    with opened(begin(), copy) as tenants:
        tenant = tenants.look("own")
        assert state(tenant) == first
        tenant.edit("DELETE", "Vault", next(iter(tenant.store.tables["Vault"])).id, None, "http://localhost")
        tenant.reset()
        assert resources(state(tenant)) == resources(first)


@pytest.mark.parametrize("fixture", FIXTURES)
@pytest.mark.parametrize("profile", profiles.names())
def test_a_reset_after_a_restart_returns_to_an_inline_fixture(profile, fixture, file):
    """What is kept of it loads to the same directory, with the same ids and times."""
    document = fixtures.whole_document(fixtures.load_bundled(fixture))
    for user in document["users"]:
        user.pop("id", None)
    document.pop("groups", None)  # which name them
    with opened(begin(), file) as tenants:
        first = state(put(tenants, {"profile": profile, "fixture": document}))
    with opened(begin(), file) as tenants:
        tenant = tenants.look("own")
        assert tenant.start.profile.name == profile
        tenant.reset()
        assert resources(state(tenant)) == resources(first)


def resources(found):
    """A state's resources and accounts with their times, but for places and versions, and the order of attributes."""
    tables = {name: [_told(record) for record in table] for name, table in found["tables"].items()}
    return tables, sorted(map(_told, found["accounts"]), key=lambda told: told[0]), found["groups"]


def _told(record):
    id_, _, _, created, modified, body, members = record
    return id_, created, modified, json.loads(b"{" + body.replace(b"\x01", b"") + b"}"), members


SECRET_RULES = [
    {"header": {"Authorization": "Bearer SEKRIT"}},
    {"header": {"x-api-key": "SEKRIT*"}},
    {"where": 'userName eq "ann" and password eq "SEKRIT"'},
]


@pytest.mark.parametrize("match", SECRET_RULES)
@pytest.mark.parametrize("place", ["/faults/1/match", "/profile/faults/1/match"])
def test_a_rule_that_compares_a_secret_is_refused(match, place, file, tmp_path):
    """It could not be kept; nothing is done, and it is told how else it may be set. Without a file it is taken."""
    rules = [{"type": "drop", "match": {"operation": "user.get"}}, {"type": "drop", "match": match}]
    document = {"faults": rules}
    if place.startswith("/profile"):
        document = {"profile": {"name": "own", "extends": "standard", "faults": rules}}
    with opened(begin("standard", "small"), file) as tenants:
        with pytest.raises(FaultError, match="POST it to faults once the tenant is there") as refusal:
            put(tenants, document)
        assert refusal.value.pointer == place
        assert len(tenants) == 1
        assert b"SEKRIT" not in written(file, tmp_path / "killed")[0]


def test_rules_that_compare_no_secret_are_kept(file):
    """Any credentials, or those of a scheme, are no secret; nor is another header's value."""
    rules = [
        {"type": "drop", "name": "any", "match": {"header": {"Authorization": "*"}}},
        {"type": "drop", "name": "bearer", "match": {"header": {"Authorization": "Bearer *"}}},
        {"type": "drop", "name": "agent", "match": {"header": {"User-Agent": "curl*"}, "where": "password pr"}},
    ]
    with opened(begin(), file) as tenants:
        put(tenants, {"faults": rules})
    with opened(begin(), file) as tenants:
        kept = [rule.document["match"] for rule in tenants.look("own").faults.rules()]
        assert kept == [rule["match"] for rule in rules]


def test_the_control_api_says_why(start):
    """A 400 that points at the rule; the tenant that was there is still there."""
    server = start("--fixture", "small", "--token", "for-tests")
    rule = {"type": "drop", "match": {"header": {"Authorization": "Bearer SEKRIT"}}}
    refusal = server.request("PUT", "/_mockscim", {"faults": [rule]})
    assert refusal.status == 400
    assert refusal.body["where"] == "/faults/0/match"
    assert server.request("GET", "/_mockscim").body["resources"]["User"] == 5
    assert server.request("POST", "/_mockscim/faults", rule).status == 201


def test_json_of_the_definition_stays_plain(file):
    """What is kept of a tenant without data of its own is what was said."""
    with opened(begin(), file) as tenants:
        put(tenants, {"profile": "segment", "seed": 7, "tokens": ["secret"]})
        kept = tenants._keeping._file.db.execute("SELECT definition FROM tenants WHERE name = 'own'").fetchone()[0]
    assert json.loads(kept) == {"profile": "segment", "seed": 7, "tokens": []}
    assert run("serve", "--persist", str(file), "--profile", "nonsense").returncode == 2
