"""``mockscim check``: the verdicts in a terminal and as JUnit XML."""

import json
import xml.etree.ElementTree as ET

import pytest
from edge import a_user

from mockscim.cli import main
from mockscim.junit import to_junit
from mockscim.tables import WIDTH, judgement_lines


@pytest.fixture
def check(server, capfd):
    """Run ``mockscim check`` against the server; exit code, standard output, standard error."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["check", "--url", server.root, *arguments])
        out, err = capfd.readouterr()
        return ended.value.code, out, err

    return run


def parsed(document):
    """The root of a document of our own."""
    return ET.fromstring(document)  # noqa: S314 - nobody else wrote it


def broken(server):
    """Break I2."""
    server.fault({"name": "lost", "type": "lost_ack", "parameters": {"outcome": "503"}})
    server.client.post("/scim/v2/Users", json=a_user())


def test_nothing_is_broken(server, check):
    """Exit code 0, a line for each invariant, and the seed."""
    server.client.post("/scim/v2/Users", json=a_user())
    code, out, err = check()
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("I1  no duplicates                        held            each name was one resource's")
    assert lines[-1] == "1 exchanges: nothing is broken; seed 0"
    assert sum(line.startswith("I") for line in lines) == 13
    assert max(map(len, lines)) <= WIDTH


def test_one_is_broken(server, check):
    """Exit code 1, the evidence below it, and the command that starts the same server again."""
    broken(server)
    code, out, err = check("--only", "I2")
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        "I2  no orphans                           broken          nobody holds the id of what was made",
        "        #1, change 1       User " + out.splitlines()[1].partition("User ")[2],
        *out.splitlines()[2:-3],
        "",
        "1 exchanges: broken: I2; seed 0",
        (
            "reproduce: mockscim serve --profile standard --seed 0 --fixture small.json --faults rules.json"
            '  # rules.json: {"rules":[{"name":"lost","type":"lost_ack","parameters":{"outcome":"503"},'
            '"phase":"after"}]}'
        ),
    ]
    assert "zed@example.com" in out
    assert max(map(len, out.splitlines()[:-1])) <= WIDTH  # the last line is to be pasted whole
    code, out, _ = check("--only", "I2", "--json")
    assert code == 1
    assert json.loads(out)["broken"] == ["I2"]


def test_desired_of_a_file(server, check, tmp_path):
    """A fixture, for this once: a file or a bundled name; a bad one is named with its place."""
    assert check("--only", "I3", "--desired", "small")[0] == 0
    path = tmp_path / "desired.json"
    path.write_text('{"users": [{"userName": "new@example.com"}]}')
    code, out, _ = check("--only", "I3", "--desired", str(path), "--set", "extra=false")
    assert code == 1
    assert "User new@example.com is missing; never tried" in out
    code, out, _ = check("--only", "I3")
    assert code == 0
    path.write_text('{"users": [{"userName": 1}]}')
    code, out, err = check("--desired", str(path))
    assert (code, out) == (2, "")
    assert f"{path}: /users/0/userName" in err
    assert check("--desired", "nowhere.json")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--only", "I99"], "/only: expected some of I1 to I13"),
        (["--set", "attempts"], "--set: NAME=VALUE was expected"),
        (["--set", "attempts=0"], "/parameters/attempts"),
        (["--junit", "/nowhere/x.xml"], "--junit /nowhere/x.xml: No such file"),
    ],
)
def test_wrong_usage(check, arguments, text):
    """What is wrong stands on one line, and the exit code is 2."""
    code, _, err = check(*arguments)
    assert code == 2
    assert text in err
    assert err.count("\n") == 1


def test_junit(server, check, tmp_path):
    """A test case for each invariant, failures and what was skipped counted; the table is printed too."""
    broken(server)
    path = tmp_path / "junit.xml"
    code, out, _ = check("--junit", str(path))
    assert code == 1
    assert "I13" in out
    suite = parsed(path.read_text()).find("testsuite")
    cases = suite.findall("testcase")
    assert len(cases) == int(suite.get("tests")) == 13
    assert int(suite.get("failures")) == len(suite.findall("testcase/failure")) == 1
    assert int(suite.get("skipped")) == len(suite.findall("testcase/skipped")) > 0
    failure = next(case for case in cases if case.get("name") == "I2 no orphans").find("failure")
    assert failure.get("message") == "nobody holds the id of what was made"
    assert failure.text.startswith("#1, change 1: User zed@example.com")
    assert "mockscim serve --profile standard --seed 0" in failure.text
    code, out, _ = check("--junit", "-")
    assert code == 1
    assert parsed(out).find("testsuite") is not None


def test_nothing_a_client_sends_breaks_the_report():
    """Markup, control characters and line breaks in names are escaped, in XML and in a terminal."""
    name = 'a<b>&"c]]>\x1b[31m\x00\nreproduce: x\ud800'
    proof = {"what": f"User {name} is missing", "journal": 1, "history": None}
    item = {"id": "I3", "name": "convergence", "verdict": "broken", "why": name, "evidence": [proof], "more": 2}
    judgement = {"items": [item], "broken": ["I3"], "exchanges": 1, "seed": 0, "reproduce": f"x {name}"}
    failure = parsed(to_junit(judgement, name)).find("testsuite/testcase/failure")
    assert r'a<b>&"c]]>\x1b[31m\x00\nreproduce' in failure.text
    assert "and 2 more" in failure.text
    lines = list(judgement_lines(judgement))
    assert all(line.isprintable() and len(line) <= WIDTH for line in lines[:-1])
    assert sum(line.startswith("reproduce") for line in lines) == 1
