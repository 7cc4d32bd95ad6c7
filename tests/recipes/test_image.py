"""The image and the Compose file, as far as they can be tried without an engine."""

import json
import re
import subprocess
import sys
import tomllib
from contextlib import closing
from fnmatch import fnmatch

import pytest
import yaml
from pages import DOCS
from processes import PATIENCE, Server, environment, free_port, run

DOCKERFILE = (DOCS / "container" / "Dockerfile").read_text("utf-8")
STEPS = re.findall(r"^([A-Z]+)\s+(.+)$", re.sub(r"\\\n", "", DOCKERFILE), re.MULTILINE)
COMPOSE = yaml.safe_load((DOCS / "container" / "compose.yaml").read_text("utf-8"))["services"]
ENTRYPOINT = json.loads(dict(STEPS)["ENTRYPOINT"])
CHECK = json.loads(dict(STEPS)["HEALTHCHECK"].partition("CMD")[2])
TOKENS = {"MOCKSCIM_SERVE_TOKEN": "local-only", "MOCKSCIM_SERVE_ADMIN_TOKEN": "guard"}


@pytest.fixture
def image():
    """Run the image's entry point: ``image(words, **environment)``, at a port of this machine for its own."""
    running = []

    def start(*words, **given):
        assert ENTRYPOINT[:2] == ["mockscim", "serve"]
        running.append(Server(*ENTRYPOINT[2:], *words, port=None, **given))
        return running[-1]

    yield start
    for server in running:
        with server:
            pass


def healthy(port):
    """What the image's own check says, run where the server is."""
    assert CHECK[0] == "python"
    check = [sys.executable, *CHECK[1:]]
    given = environment(MOCKSCIM_SERVE_PORT=str(port))
    return subprocess.run(check, env=given, capture_output=True, timeout=PATIENCE).returncode == 0


def test_what_the_build_copies_is_what_the_package_is_made_of():
    """All that the wheel needs goes into the build, and nothing is held back from it; as anybody it must not run."""
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    needed |= {*wheel["packages"], *wheel["force-include"]}
    copied = [text.split()[:-1] for name, text in STEPS if name == "COPY" and "--from" not in text]
    assert {source for sources in copied for source in sources} == needed
    ignored = (DOCS / "container" / "Dockerfile.dockerignore").read_text("utf-8").split()
    assert ignored[0] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == needed
    assert not [line for line in ignored[1:] if line[0] != "!" and any(fnmatch(name, line) for name in needed)]
    extras = re.search(r"\.\[(\w+)\]", DOCKERFILE)[1]
    assert extras in project["project"]["optional-dependencies"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", dict(STEPS)["USER"])


def test_it_wants_both_tokens():
    """A container without tokens does not start, and says which are missing."""
    done = run(*ENTRYPOINT[1:], MOCKSCIM_SERVE_PORT="0")
    assert (done.returncode, done.stdout) == (2, "")
    assert "add --token TOKEN" in done.stderr
    assert "--admin-token TOKEN" in done.stderr


def test_the_check_is_good_while_it_serves_and_no_longer(image):
    """Healthy once the ready line is out, and not before, nor after the end, nor where something else answers."""
    port = free_port()
    assert not healthy(port)
    server = image(MOCKSCIM_SERVE_PORT=str(port), **TOKENS)
    assert healthy(port)
    assert server.stop() == (0, "")
    assert not healthy(port)
    other = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with closing(other.stdout):
        other.stdout.readline()
        assert not healthy(port)
        other.terminate()
        other.wait(PATIENCE)


def test_neighbours_reach_it_under_its_name(image):
    """As Compose starts it: SCIM and control answer to its name there, with their tokens, and locations bear it."""
    service, tests = COMPOSE["mockscim"], COMPOSE["tests"]
    server = image(*service["command"], **service["environment"], MOCKSCIM_SERVE_PORT="0")
    host = tests["environment"]["MOCKSCIM_URL"].removeprefix("http://")
    admin = f"Bearer {tests['environment']['MOCKSCIM_ADMIN_TOKEN']}"
    facts = server.request("PUT", "/t/one/_mockscim", {}, Host=host, Authorization=admin)
    assert (facts.status, facts.body["base_url"]) == (200, f"http://{host}/t/one/scim/v2")
    assert facts.body["profile"] == "segment"
    minted = server.request("POST", "/t/one/_mockscim/tokens", {}, Host=host, Authorization=admin).body["token"]
    found = server.request("GET", "/t/one/scim/v2/Users", Host=host, Authorization=f"Bearer {minted}").body
    assert found["Resources"][0]["meta"]["location"].startswith(f"http://{host}/t/one/scim/v2/Users/")
    assert server.request("GET", "/_mockscim/faults", Host=host).status == 401


def test_compose_names_what_there_is():
    """The service's name and port are those of the address that the tests get, and they wait until it is healthy."""
    service, tests = COMPOSE["mockscim"], COMPOSE["tests"]
    [port] = [text for name, text in STEPS if name == "EXPOSE"]
    assert tests["environment"]["MOCKSCIM_URL"] == f"http://mockscim:{port}"
    assert service["ports"][0].endswith(f":{port}")
    assert tests["depends_on"]["mockscim"]["condition"] == "service_healthy"
    folder = DOCS / "container" / service["build"]["context"]
    assert (folder.resolve() / service["build"]["dockerfile"]) == (DOCS / "container" / "Dockerfile").resolve()
