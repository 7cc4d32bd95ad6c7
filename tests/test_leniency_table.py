"""The page of leniencies is up to date, and says what is so."""

import leniency_table
import pytest

from mockscim import profiles
from mockscim.scim.policy import INTEROP, LENIENCIES, OFF_BY_DEFAULT
from mockscim.tenant import Start, Tenant


def tenant(profile, **switches):
    return Tenant("", Start(profiles.load(profile), **switches))


def rows(profile, **switches):
    return {row["code"]: row for row in tenant(profile, **switches).policy_document()}


def test_the_page_is_up_to_date():
    """``python -m tests.leniency_table`` writes it anew."""
    assert leniency_table.PAGE.read_text("utf-8") == leniency_table.page()


def test_the_page_has_every_code_once():
    """One row each, with a cell for every column."""
    lines = [line for line in leniency_table.page().splitlines() if line.startswith("| `")]
    assert sorted(line.split("`")[1] for line in lines) == sorted(LENIENCIES)
    assert {line.replace("\\|", "").count("|") for line in lines} == {6 + len(profiles.names())}


def test_every_row_is_whole():
    """What is accepted, what is said against it, where, and by whom it is sent."""
    for row in rows("standard").values():
        assert row.keys() == {
            "code",
            "accepts",
            "rfc",
            "source",
            "sent_by",
            "on",
            "asked",
            "default",
            "profiles",
        }
        assert all(row[name] for name in ("accepts", "rfc", "source", "sent_by"))
        assert row["source"].startswith(("RFC ", "draft-"))
        assert "§" in row["source"]
        assert row["default"] == (row["code"] not in OFF_BY_DEFAULT)


@pytest.mark.parametrize("name", profiles.names())
def test_each_profile_is_told_as_it_is(name):
    """In the column of a profile stands what a tenant of that profile does, and nothing where nothing is asked."""
    for code, row in rows(name).items():
        assert row["profiles"][name] == (row["on"] if row["asked"] else None)
        assert row["asked"] == (name == "interop" or code not in INTEROP)


def test_switches_are_told_where_they_are():
    """What is on follows the tenant's switches, the profiles' columns do not; refusing one asks all of the draft."""
    told = rows("standard", strict=True, accept=("boolean-string",))
    assert {code for code, row in told.items() if row["on"]} == INTEROP | {"boolean-string"}
    assert told["empty-string"]["profiles"]["standard"] is True
    refused = rows("standard", refuse=("interop-put",))
    assert all(row["asked"] for row in refused.values())
    assert (refused["interop-put"]["on"], refused["interop-put"]["profiles"]["standard"]) == (False, None)
