"""The pages show the very files that are run, and what they say beside them is so."""

import json
import re
import subprocess

import pytest
from pages import DOCS, SHOWN, written
from processes import Server, free_port

LANGUAGES = (DOCS / "other-languages.md").read_text("utf-8")
CONTAINERS = (DOCS / "containers.md").read_text("utf-8")


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.stem)
def test_the_code_of_a_page_is_the_files(page):
    """Whoever copies from the page has what the tests ran; ``python -m tests.recipes.pages`` makes it so."""
    text = page.read_text("utf-8")
    assert text == written(page)
    assert all(file.read_text("utf-8") in text for file in SHOWN[page])


def test_every_recipe_is_shown():
    """No file lies about that no page shows."""
    shown = {file for files in SHOWN.values() for file in files}
    assert {path for path in (DOCS / "recipes").rglob("*") if path.is_file()} <= shown


def test_the_steps_work_as_written():
    """The requests of the table, one after the other."""
    rows = re.findall(r"`(PUT|POST|GET|DELETE) (/t/NAME[^\s`]*)(?: (\{.*?\}))?`", LANGUAGES)
    assert [how for how, _, _ in rows] == ["PUT", "POST", "POST", "POST", "GET", "DELETE"]
    with Server() as server:
        answers = [server.request(how, path, json.loads(body) if body else None) for how, path, body in rows]
    assert [answer.status for answer in answers] == [200, 201, 201, 200, 200, 204]
    made, minted, _, verdict, judged, _ = (answer.body for answer in answers)
    assert made["base_url"].endswith("/t/NAME/scim/v2")
    assert minted["token"]
    assert (verdict["ok"], bool(verdict["explanation"])) == (False, True)
    assert judged["broken"] == []


def test_the_server_of_a_ci_job_starts_as_written(tmp_path, command):
    """The lines for a shell leave a server behind that is ready, at the address that they export."""
    [lines] = re.findall(r"^```sh\n(mockscim serve .*?)^```$", LANGUAGES, re.MULTILINE | re.DOTALL)
    done = subprocess.run(
        ["bash", "-euc", f"{lines.replace('8080', str(free_port()))}mockscim faults list; kill %1; wait %1"],
        cwd=tmp_path,
        env=command.environment(),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert len(command.started) == 2
    assert command.ended()


def test_what_the_page_says_of_the_container_class_is_there():
    """The Python on the page can be run, and each method that it names exists."""
    [code] = re.findall(r"^```python\n(.*?)^```$", CONTAINERS, re.MULTILINE | re.DOTALL)
    names = {}
    exec(compile(code, "containers.md", "exec"), names)  # noqa: S102 - it is ours
    told = re.findall(r"`(with_\w+|connect|url|base_url|admin_url)(?:\([^`]*\))?`", CONTAINERS)
    assert len(set(told)) > 9
    for name in told:
        assert hasattr(names["MockScimContainer"], name), name
