"""The recipes for other languages, run as they stand in the documentation."""

import os
import subprocess

import pytest
from suites import JUnit, here

MADE = {}


@pytest.fixture(params=here(), ids=lambda kind: kind.__name__)
def suite(request, tmp_path_factory):
    """The suite of one language, compiled once where it has to be."""
    kind = request.param
    if kind not in MADE:
        MADE[kind] = kind(tmp_path_factory.mktemp(kind.__name__))
    return MADE[kind]


languages = pytest.mark.parametrize(
    "suite", [kind for kind in here() if kind is not JUnit], ids=lambda kind: kind.__name__, indirect=True
)


def run(suite, name, command, **extra):
    """One of its files, run to its end."""
    return subprocess.run(
        suite.command[name], env=command.environment(**extra), capture_output=True, text=True, timeout=60
    )


def test_the_recipe_passes_with_a_server_of_its_own(suite, command):
    """One process for all tests, which is gone when they are done."""
    done = run(suite, "recipe", command)
    assert (suite.counts(done.stdout), done.returncode) == ((2, 0), 0), done.stdout + done.stderr
    assert len(command.started) == 1
    assert command.ended()


def test_tests_at_the_same_time_do_not_see_each_other(suite, command):
    """Each has its own users, rules, journal and token, while one server serves them all."""
    done = run(suite, "isolated", command)
    passed, failed = suite.counts(done.stdout)
    assert (failed, done.returncode) == (0, 0), done.stdout + done.stderr
    assert passed >= 4
    assert len(command.started) == 1
    assert command.ended()


@languages
@pytest.mark.parametrize("ending", ["", "/scim/v2/", "/_mockscim"])
def test_a_server_that_runs_already_is_shared(suite, command, shared, ending):
    """With MOCKSCIM_URL, in each of its forms, nothing is started; each test leaves no tenant behind."""
    done = run(suite, "recipe", command, MOCKSCIM_URL=shared.root + ending, MOCKSCIM_ADMIN_TOKEN="guard")
    assert (suite.counts(done.stdout), done.returncode) == ((2, 0), 0), done.stdout + done.stderr
    assert command.started == []
    assert len(set(shared.made)) == 2
    assert [tenant.name for tenant in shared.scim.tenants] == [""]


@languages
def test_a_failure_says_what_the_server_says(suite, command):
    """The explanation of ``verify``, the broken invariant with its proof, and the refusal of a rule are told."""
    done = run(suite, "failing", command)
    assert (suite.counts(done.stdout), done.returncode) == ((0, 3), 1), done.stdout + done.stderr
    told = done.stdout.replace('\\"', '"')
    for words in (
        "expected 1 user.create, found 2",
        "POST /Users",
        "I1 no duplicates: ",
        "reproduce: mockscim serve",
        "POST http://127.0.0.1:",
        "/_mockscim/faults: 400 ",
        "oops",
    ):
        assert words in told
    assert command.ended()


@languages
@pytest.mark.parametrize("how", ["kill", "terminate"])
def test_no_server_outlives_the_tests(suite, command, how):
    """Not even when the tests' process is killed, and nothing of its own can run any more."""
    process = subprocess.Popen(
        suite.command["endless"],
        env=command.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    while "at http" not in (line := process.stdout.readline()):
        assert line or process.poll() is None
    [server] = command.started
    os.kill(server, 0)
    getattr(process, how)()
    process.communicate(timeout=10)
    assert command.ended()


@languages
def test_a_server_that_cannot_start_is_an_error_at_once(suite, command):
    """Whoever gives the server what it cannot use reads so, and waits for nothing."""
    done = run(suite, "recipe", command, MOCKSCIM_SERVE_PROFILE="nonsense")
    assert done.returncode == 1
    assert "mockscim ended with exit code 2" in done.stdout
    assert "mockscim: error: --profile (from MOCKSCIM_SERVE_PROFILE): nonsense" in done.stdout + done.stderr
