"""The generator of invented people: repeatable, unique, and of use as a fixture."""

import re
import time
import uuid
from pathlib import Path

import orjson
import pytest

from mockscim.fixtures import load, parse, render, resolve_members
from mockscim.people import generate, generate_ndjson
from mockscim.scim import urns

FOLDER = Path(__file__).parent.parent / "fixtures"


def test_people_100_is_what_the_generator_makes():
    """`fixture new --users 100 --groups 8 --seed 1` gives the bundled file to the byte."""
    assert render(generate(100, 8, 1)) == (FOLDER / "people-100.json").read_bytes()


def test_the_same_seed_gives_the_same_people():
    """Another seed gives others."""
    assert generate(50, 6, 3) == generate(50, 6, 3)
    assert generate(50, 6, 3)["users"] != generate(50, 6, 4)["users"]


@pytest.mark.parametrize(("users", "groups"), [(0, 0), (0, 5), (1, 0), (1, 1), (3, 2), (40, 3), (40, 4), (200, 60)])
def test_any_numbers_give_a_fixture_that_loads(users, groups):
    """As many as asked for, every member known, every name of a group its own."""
    document = generate(users, groups, 1)
    assert (len(document["users"]), len(document["groups"])) == (users, groups)
    assert len({group["displayName"] for group in document["groups"]}) == groups
    fixture = parse(render(document))
    resolve_members(fixture.resources)
    assert len(fixture.resources) == users + groups


@pytest.mark.parametrize(("users", "groups"), [(-1, 0), (0, -1)])
def test_negative_numbers_are_refused(users, groups):
    """At once, also by the streaming form."""
    with pytest.raises(ValueError, match="cannot be negative"):
        generate(users, groups, 1)
    with pytest.raises(ValueError, match="cannot be negative"):
        generate_ndjson(users, groups, 1)


def test_ndjson_holds_the_same_people():
    """A resource a line, users first, equal to the document's."""
    document = generate(120, 9, 5)
    made = [orjson.loads(line) for line in generate_ndjson(120, 9, 5)]
    assert made == document["users"] + document["groups"]
    fixture = parse(b"".join(generate_ndjson(120, 9, 5)), "people.ndjson")
    assert len(fixture.resources) == 129


def test_names_and_ids_stay_unique_when_combinations_run_out():
    """20,000 people: ASCII e-mails, numbered where a name comes again; ids are UUIDs."""
    users = generate(20_000, 0, 2)["users"]
    assert len({user["userName"] for user in users}) == len(users)
    assert len({user["id"] for user in users}) == len(users)
    assert len({user["externalId"] for user in users}) == len(users)
    assert all(re.fullmatch(r"[a-z]+\.[a-z]+\d*@example\.com", user["userName"]) for user in users)
    assert any(re.search(r"\d", user["userName"]) for user in users)
    assert uuid.UUID(users[0]["id"]).version == 4


def test_people_are_diverse_and_complete():
    """Names of many scripts; e-mail, title, department; about 3 % inactive; most have a manager."""
    users = generate(5_000, 0, 1)["users"]
    by_id = {user["id"]: number for number, user in enumerate(users)}
    assert sum(not user["displayName"].isascii() for user in users) > 1_500
    assert any("'" in user["displayName"] for user in users)
    assert len({user["name"]["givenName"] for user in users}) >= 120
    assert len({user["name"]["familyName"] for user in users}) >= 160
    assert 0.02 < sum(not user["active"] for user in users) / len(users) < 0.04
    managed = 0
    for number, user in enumerate(users):
        assert user["emails"] == [{"value": user["userName"], "type": "work", "primary": True}]
        assert user["title"]
        enterprise = user[urns.ENTERPRISE_USER]
        assert enterprise["department"]
        if "manager" in enterprise:
            managed += 1
            assert by_id[enterprise["manager"]["value"]] < number  # no circles
    assert managed > 0.9 * len(users)


def test_groups_overlap_and_one_is_nested_and_one_empty():
    """Departments, locations and projects; a group of groups; a group of nobody."""
    groups = {group["displayName"]: group["members"] for group in generate(100, 8, 1)["groups"]}
    assert set(groups["Engineering"]) & set(groups["Lisbon office"])
    assert set(groups["Engineering"]) & set(groups["Project Alder"])
    assert groups["Everyone on site"] == ["Engineering", "Lisbon office", "Project Alder"]
    assert groups["Alumni"] == []


def test_the_bundled_people_are_linked():
    """The 100 bundled people resolve: the nested group has groups as members."""
    fixture = load("people-100")
    resolve_members(fixture.resources)
    members = {entry.document["displayName"]: entry.document.get("members") for entry in fixture.resources}
    assert {member["type"] for member in members["Everyone on site"]} == {"Group"}
    assert {member["type"] for member in members["Engineering"]} == {"User"}


def test_the_time_grows_with_the_number():
    """Ten times the people take about ten times as long; ten times that is left for a busy machine."""

    def seconds(count):
        start = time.perf_counter()
        assert sum(1 for _ in generate_ndjson(count, count // 20, 1)) == count + count // 20
        return time.perf_counter() - start

    assert seconds(20_000) < 100 * min(seconds(2_000) for _ in range(3))
