"""What people are told of interruptions, quarantines, members left out, lost options, and doubtful mappings."""

import asyncio
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import orjson
import pytest
from runner_commands import TOKEN, good

from mockscim import Entra, Okta
from mockscim.provision import Report
from mockscim.provisioning import mapping
from mockscim.provisioning.directory import dump
from tests.processes import PATIENCE, command, environment

PAGE = Path(__file__).parents[3] / "docs" / "provisioning.md"


def page(text):
    """A page's facts by name, without line breaks."""
    facts, name = {}, ""
    for line in text.splitlines()[1:]:
        name = line[:18].strip() or name
        facts[name] = f"{facts.get(name, '')} {line[18:]}".strip()
    return facts


# -- interrupted ---------------------------------------------------------------------------------------------------


def interrupted(target, source, state, after):
    """``run`` of a process that gets SIGINT once the target has so many users."""
    given = ("--source", str(source), "--target", target.base_url, "--token", TOKEN, "--state", str(state))
    process = subprocess.Popen(
        command("provision", "entra", "run", *given, "--clock", "virtual", "--app", "segment", "--rate", "30"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + PATIENCE
    while len(target.users) < after and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, error
    return out


def test_an_interrupted_cycle_goes_on_where_it_was(target, company, tmp_path, alone):
    """It is no failure, its counts are kept, and neither a number nor forty minutes are lost."""
    source, state = tmp_path / "directory.json", tmp_path / "entra.json"
    source.write_bytes(orjson.dumps(dump(company(60, 3))))
    for after in (2, 4):
        line = interrupted(target, source, state, after)
        assert re.match(r"\S+ 00:00:0\d  cycle 1 \(initial(, continued)?\): .*interrupted; \d+ requests in ", line), (
            line
        )
        assert "failed" not in line
    facts = page(good(alone("entra", "status", "--state", str(state))))
    count = len(target.users)
    told = rf"cycle 1, \S+ 00:00:0\d: \d+ read, {count} changed in the target, 0 failed; mockscim provision entra run "
    assert re.match(told + r"--state .+ goes on with it", facts["interrupted"]), facts
    assert facts["last cycle"] == "none yet"
    out = good(alone("entra", "cycle", "--state", str(state), "--token", TOKEN))
    assert "00:00:0" in out
    assert "cycle 1 (initial, continued): " in out
    facts = page(good(alone("entra", "status", "--state", str(state))))
    assert "interrupted" not in facts
    assert re.search(r" Succeeded: \d+ read, \d+ changed in the target, 0 failed$", facts["last cycle"])


async def test_the_last_object_under_way_ends_the_cycle(segment, person, entra_for):
    """Whoever interrupts then has interrupted nothing."""
    people = {"kind": "directory", "users": [person("ann")], "groups": []}
    async with entra_for(people, scope="all") as job:
        await job.start()
        with segment.gate("user.create", timeout=10) as gate:
            task = asyncio.create_task(job.cycle())
            await gate.areached(5)
            job.interrupt()
        report = await task
        assert (report.broken_off, report.ok, len(segment.users)) == (False, True, 1)
        assert job.status()["status"]["lastExecution"]["state"] == "Succeeded"


# -- quarantine ----------------------------------------------------------------------------------------------------


def test_a_target_that_is_down_is_not_said_to_refuse_the_credentials(provision, target):
    """The code is Microsoft's, the words beside it fit the error below it."""
    good(provision("entra", "start", "--source", "small", "--app", "segment"))
    with target.fault("abort", status=503):
        assert provision("entra", "run", "--cycles", "6").returncode == 1
    code = "EncounteredQuarantineException"
    text = good(provision("entra", "status"))
    assert f"{code}: the target cannot be reached or cannot answer, cycle after cycle" in " ".join(text.split())
    assert "refuses the credentials" not in text


# -- on demand -----------------------------------------------------------------------------------------------------


def test_a_member_out_of_scope_is_named(provision, tmp_path):
    """With the reason; and what was provisioned before the start counts in the status."""
    document = mapping.dump(mapping.load("segment"))
    clause = {"attribute": "jobTitle", "operator": "NOT REGEX MATCH", "value": "^Head"}
    document["users"]["scope"] = [{"clauses": [clause]}]
    path = tmp_path / "mapping.json"
    path.write_bytes(orjson.dumps(document))
    good(provision("entra", "on-demand", "bjorn@example.com", "--source", "small", "--app", str(path)))
    out = good(provision("entra", "on-demand", "Engineering", "--member", "ann@example.com"))
    words = "The member Ann Ashdown (ann@example.com) is passed over: not let through by a scoping filter."
    assert words in " ".join(out.split())
    facts = page(good(provision("entra", "status")))
    assert facts["provisioned"] == "1 user, 1 group"
    assert facts["last cycle"] == "none yet"


# -- options that a state does not keep ----------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_what_is_given_each_time_is_refused_where_nothing_is_sent(provision, alone, tmp_path, verb):
    """By name, with the command that wants it; the token is let pass, and the environment serves every command."""
    state = tmp_path / "entra.json"
    if verb != "start":
        good(provision("entra", "start", "--source", "small"))
    kept = state.read_bytes() if state.exists() else None
    given = ("--source", "small", "--mark-target", "--advance-target", "--rate", "5")
    for line in ((verb, *given), (*given, verb)):
        refused = provision("entra", *line)
        assert refused.returncode == 2
        names = "--rate, --advance-target, --mark-target"
        assert f"{names}: {verb} sends nothing, and the job does not keep it" in refused.stderr
        assert f"mockscim provision entra run --state {state}" in refused.stderr
        assert (state.read_bytes() if state.exists() else None) == kept
    good(alone("entra", verb, "--token", TOKEN, "--source", "small", STATE=str(state), RATE="5"))


def test_the_page_names_every_option_that_is_given_each_time():
    """Those that are refused behind ``start`` are those that docs/provisioning.md lists."""
    from mockscim.provision_cli.given import _EACH_TIME

    text = PAGE.read_text()
    listed = text[text.index("Given each time are") : text.index("a state keeps none of them")]
    assert set(re.findall(r"--[a-z-]+", listed)) == {"--token", *(f"--{name.replace('_', '-')}" for name in _EACH_TIME)}


# -- mapping files -------------------------------------------------------------------------------------------------


def example(tmp_path):
    """The mapping file of the page."""
    (text,) = (
        each for each in re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL) if "attributeMappings" in each
    )
    path = tmp_path / "mapping.json"
    path.write_text(text)
    return path


async def test_the_mapping_file_of_the_page(tmp_path, alone):
    """It is good, nothing in it is doubtful, and it provisions whom it says, as it says."""
    from mockscim import MockScim

    path = example(tmp_path)
    checked = alone("entra", "mappings", "check", str(path), "--source", "small")
    assert (good(checked), checked.stderr) == (f"{path}: good: 9 attributes of users, 2 of groups\n", "")
    async with (
        MockScim(clock="virtual") as scim,
        Entra("small", f"{scim.base_url}?aadOptscim062020", token=scim.token, app=path) as job,
    ):
        await job.start()
        report = await job.cycle()
        assert report.ok, report.failures
        users = {user["userName"]: user for user in scim.users}
        assert sorted(users) == ["bjorn@example.com", "chidi@example.com", "emre@example.com"]
        bjorn = users["bjorn@example.com"]
        assert (bjorn["title"], bjorn["userType"], bjorn["active"]) == ("Software Engineer", "Employee", True)
        assert bjorn["externalId"] == "acf32b26-59eb-46cc-a8e0-48011ebd774b"
        assert sorted(group["displayName"] for group in scim.groups) == ["Engineering", "Sales"]


def test_the_page_describes_all_of_a_mapping_file():
    """Every key, type, operator and function that there is."""
    from mockscim.provisioning import expressions, scoping

    text = PAGE.read_text()
    section = text[text.index("## Mapping files") : text.index("## What is seen")]
    keys = {*mapping.AttributeMapping.__struct_fields__, *mapping.ObjectMapping.__struct_fields__}
    keys |= {
        *mapping.Schema.__struct_fields__,
        *scoping.ScopingFilter.__struct_fields__,
        *scoping.Clause.__struct_fields__,
    }
    for word in (
        keys | set(scoping._OPERATORS) | {"Direct", "Constant", "Expression", "None", "Add", "Update", "Delete"}
    ):
        assert f"`{word}`" in section, word
    for name in expressions.names():
        assert re.search(rf"\b{name}\b", section), name


def test_an_attribute_that_nobody_has_is_noted(provision, tmp_path):
    """In a clause, an expression or a direct mapping, with its place and what is meant; it can be used all the same."""
    document = json.loads(example(tmp_path).read_text())
    document["users"]["scope"][0]["clauses"][0]["attribute"] = "departement"
    document["users"]["attributeMappings"][3]["source"] = "ToUpper([displayname])"
    document["users"]["attributeMappings"][4]["source"] = "shoeSize"
    path = tmp_path / "doubtful.json"
    path.write_text(json.dumps(document))
    checked = provision("entra", "mappings", "check", str(path))
    assert "good" in good(checked)
    begin, clause = f"mockscim: note: {path}: /users", "scope/0/clauses/0/attribute"
    empty = ", so it is empty for all of them"
    assert checked.stderr.splitlines() == [
        f"{begin}/attributeMappings/3/source: did you mean 'displayName'? no user in Entra ID has 'displayname'{empty}",
        f"{begin}/attributeMappings/4/source: no user in Entra ID has 'shoeSize'{empty}",
        f"{begin}/{clause}: did you mean 'department'? no user in Entra ID has 'departement'{empty}",
    ]
    source = tmp_path / "directory.json"
    person = {"userPrincipalName": "ann@example.com", "displayName": "Ann", "departement": "Sales"}
    step = {"at": "1h", "changes": [{"op": "user.edit", "id": "ann@example.com", "changes": {"shoeSize": 41}}]}
    source.write_text(json.dumps({"kind": "directory", "users": [person], "groups": [], "steps": [step]}))
    notes = provision("entra", "mappings", "check", str(path), "--source", str(source)).stderr
    assert notes.count("note:") == 1
    assert "no user in Entra ID or in the source has 'displayname'" in notes


# -- reports -------------------------------------------------------------------------------------------------------


async def test_a_report_prints_as_one_line(segment, entra_for):
    """Counts, which objects failed and why; not its entries."""
    async with entra_for("small") as job:
        await job.start()
        with segment.fault("abort", operation="user.create", status=500, times=2):
            report = await job.cycle()
        text = str(report)
        assert "cycle 1 (initial): " in text
        assert "2 failed (user Ann Ashdown, user Bjørn Dahl: InternalServerError)" in text or "failed (user" in text
        assert repr(report) == f"<Report: {text}>"
        assert ("\n" in text, len(text) < 400) == (False, True)
        with pytest.raises(AssertionError, match="InternalServerError"):
            assert report.ok, report


async def test_okta_reports_print_alike(segment, company):
    """Of a hundred failures a few are named."""
    async with Okta(company(40, 2), segment.base_url, token=segment.token) as app:
        with segment.fault("abort", status=503):
            report = await app.push()
        assert len(report.failures) > 20
        text = repr(report)
        assert re.match(r"<Report: \S+ \S+  push 1: .*failed \(user \S+, user \S+, user \S+ and \d+ more: ", text), text
        assert len(text) < 700


def test_what_names_contain_stays_on_the_line():
    """No line break and no escape sequence of a name gets into it."""
    entry = {
        "provisioningAction": "create",
        "sourceIdentity": {"displayName": "Ann\n\x1b[31m", "identityType": "User"},
        "provisioningStatusInfo": {"status": "failure", "errorInformation": {"errorCode": "Conflict"}},
    }
    text = str(Report(1, 0.0, entries=[entry]))
    assert text.isprintable()
    assert "1 failed (user Ann" in text


# -- wide names ----------------------------------------------------------------------------------------------------


def test_names_of_double_width_do_not_shift_the_log(provision, tmp_path):
    """The columns behind them begin where they do for others, and long ones are cut by what they take."""
    people = [
        {"userPrincipalName": f"{name}@example.com", "displayName": shown, "mail": f"{name}@example.com"}
        for name, shown in (("sato", "佐藤 花子"), ("ann", "Ann Ashdown"), ("long", "漢" * 60))
    ]
    source = tmp_path / "directory.json"
    source.write_text(json.dumps({"kind": "directory", "users": people, "groups": []}))
    good(provision("entra", "cycle", "--source", str(source), "--scope", "all", "--app", "segment"))
    lines = good(provision("entra", "log")).splitlines()
    heads = [line[: line.index("success")] for line in lines[1:]]
    assert len(heads) == 3
    wide = {len(head) + sum(ord(c) > 0x2FFF for c in head) for head in heads}
    assert wide == {lines[0].index("status")}
    assert "…" in heads[2]
    assert os.linesep not in heads[2]
