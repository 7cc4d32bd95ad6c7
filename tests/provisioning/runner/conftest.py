"""What the tests of the runner share: directories, and targets over real sockets."""

import os

import pytest
from runner_commands import TOKEN, Done

from mockscim import Entra, MockScim
from mockscim.cli import main
from mockscim.provisioning.directory import from_document
from mockscim.provisioning.directory.invented import generate

FLAG = "?aadOptscim062020"


@pytest.fixture
async def segment():
    """A mocked Segment in virtual time."""
    async with MockScim(profile="segment", clock="virtual", seed=7) as scim:
        yield scim


@pytest.fixture
def company():
    """``company(users, groups, days)``: an invented directory."""

    def made(users=20, groups=4, days=0):
        return from_document(generate(users, groups, 7, days))

    return made


@pytest.fixture
def entra_for(segment):
    """``entra_for(source, **options)``: a job that drives the mocked Segment and takes its clock along."""

    def made(source, **options):
        given = {"app": "segment", "token": segment.token, "advance_target": True, "mark_target": True, **options}
        return Entra(source, segment.base_url + FLAG, admin_token=segment.admin_token, **given)

    return made


@pytest.fixture
def person():
    """``person("ann")``: the document of a user."""

    def made(name, **more):
        address = f"{name}@example.com"
        names = {"displayName": name.title(), "mail": address, "mailNickname": name}
        return {"userPrincipalName": address, "accountEnabled": True, **names, **more}

    return made


@pytest.fixture(scope="module")
def one_segment():
    """A mocked Segment for commands, started once for all tests of a file."""
    with MockScim.threaded(profile="segment", clock="virtual", token=TOKEN) as scim:
        yield scim


@pytest.fixture
def target(one_segment):
    """That Segment as at its start: every test has it to itself, in its turn."""
    one_segment.reset()
    return one_segment


@pytest.fixture
def alone(monkeypatch, capsys):
    """``alone("entra", "cycle", …, TOKEN="…")``: the command in this process, with no other environment than that."""

    def ran(*arguments, **around):
        with monkeypatch.context() as patched:
            for name in [name for name in os.environ if name.startswith("MOCKSCIM_")]:
                patched.delenv(name)
            for name, value in around.items():
                patched.setenv(f"MOCKSCIM_PROVISION_{name}", value)
            capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                main(["provision", *arguments])
            return Done(ended.value.code, *capsys.readouterr())

    return ran


@pytest.fixture
def provision(target, tmp_path, alone):
    """``provision("entra", "cycle", …)``: the command, with target, token, state, log and clock in the environment."""

    def ran(provider, *arguments):
        return alone(
            provider,
            *arguments,
            TARGET=f"{target.base_url}{FLAG}",
            TOKEN=TOKEN,
            STATE=str(tmp_path / f"{provider}.json"),
            LOG=str(tmp_path / f"{provider}.ndjson"),
            CLOCK="virtual",
        )

    return ran
