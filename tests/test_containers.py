"""The class for testcontainers-python, with an engine whose containers are processes."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from docker_engine import Engine
from processes import ended, environment
from testcontainers.core.config import ConnectionMode, testcontainers_config
from testcontainers.core.exceptions import ContainerStartException

from mockscim.containers import MockScimContainer
from mockscim.remote import Remote

DOCKERFILE = (Path(__file__).parents[1] / "docs" / "container" / "Dockerfile").read_text()


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """An engine that has the image of docs/container; docker's own client is told of it as ever."""
    [entrypoint] = re.findall(r"^ENTRYPOINT (\[.*\])$", DOCKERFILE, re.MULTILINE)
    engine = Engine(tmp_path, json.loads(entrypoint))
    monkeypatch.setenv("DOCKER_HOST", engine.url)
    monkeypatch.setattr(testcontainers_config, "_ryuk_disabled", True)
    monkeypatch.setattr(testcontainers_config, "connection_mode_override", ConnectionMode.docker_host)
    yield engine
    engine.close()


def test_a_container_serves_until_it_is_left(engine):
    """Ready when it has started: its base URL, its token and its control API work; then it is gone."""
    with MockScimContainer() as container:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/scim/v2", container.base_url)
        assert container.admin_url == container.base_url.replace("/scim/v2", "/_mockscim")
        assert len({container.token, container.admin_token}) == 2
        assert Remote(container.url, container.admin_token).call("GET", "/health")["status"] == "ok"
        [running] = engine.containers.values()
    assert ended(running.pid)


def test_it_serves_what_it_is_told(engine, tmp_path):
    """Profile, fixtures, faults and seed reach the server; names of the image stay names, files go along."""
    people = tmp_path / "people.json"
    people.write_text(json.dumps({"users": [{"userName": "of-mine@example.com"}]}))
    profile = tmp_path / "mine.toml"
    profile.write_text('name = "mine"\nextends = "segment"\n')
    story = tmp_path / "story.json"
    story.write_text(json.dumps({"rules": [{"name": "told", "type": "reset", "match": {"operation": "user.get"}}]}))
    made = (
        MockScimContainer(token="of-mine", admin_token="guard")
        .with_profile(profile)
        .with_fixture("segment-workspace", str(people))
        .with_faults(story)
        .with_fault("user.list=503", "group.get=429")
        .with_seed(7)
        .with_options("--strict")
    )
    with made as container:
        remote = Remote(container.url, "guard")
        facts = remote.call("GET", "")
        assert (facts["profile"], facts["seed"], facts["strict"]) == ("mine", 7, True)
        names = [user["userName"] for user in remote.call("GET", "/fixture")["users"]]
        assert {"ann@example.com", "of-mine@example.com"} <= set(names)
        rules = {rule["name"] for rule in remote.call("GET", "/faults")["items"]}
        assert rules == {"user.list-abort-1", "group.get-abort-1", "told"}
    [ran] = engine.containers.values()
    assert "MOCKSCIM_SERVE_TOKEN=of-mine" in ran.wanted["Env"]
    assert not {"of-mine", "guard"} & set(ran.wanted["Cmd"])


def test_tests_share_a_container_by_tenants_of_their_own(engine):
    """``connect`` makes a tenant with options of its own, and drops it."""
    with (
        MockScimContainer().with_profile("segment") as container,
        container.connect() as first,
        container.connect(profile="standard", fixture="small") as second,
    ):
        first.users.add("ann@example.com")
        assert (len(first.users), len(second.users)) == (1, 5)
        assert first.base_url != second.base_url
        assert first.base_url.startswith(container.url)


def test_what_cannot_be_served_is_told_at_once(engine):
    """A server that ends instead of starting is an error with what it said."""
    with pytest.raises(ContainerStartException, match=r"^mockscim did not start: .* --profile: nonsense: neither"):
        MockScimContainer().with_profile("nonsense").start()


def test_a_file_that_is_none_is_told_before_anything_starts(engine):
    """A path is a file of this machine, or nothing."""
    with pytest.raises(FileNotFoundError, match=r"nowhere\.json is no file"):
        MockScimContainer().with_fixture(Path("nowhere.json"))
    assert engine.containers == {}


def test_the_command_is_testcontainers_own(engine):
    """``with_command`` takes the place of all that was said; later options are added."""
    container = MockScimContainer().with_seed(1).with_command("--strict").with_options("--seed", "2")
    with container:
        assert Remote(container.url, container.admin_token).call("GET", "")["seed"] == 2


def test_without_testcontainers_the_error_says_what_to_install():
    """Whoever has not installed the extra reads its name; mockscim itself is imported without it."""
    code = (
        "import sys; sys.modules['testcontainers'] = None\n"
        "import mockscim, mockscim.client\n"
        "try: import mockscim.containers\n"
        "except ImportError as error: print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True)
    assert said.stderr == ""
    assert said.stdout.startswith("mockscim.containers needs testcontainers (")
    assert said.stdout.endswith("): pip install 'mockscim[testcontainers]'\n")
