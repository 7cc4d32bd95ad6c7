"""What the tests of the runner share: directories, and targets over real sockets."""

import pytest

from mockscim import Entra, MockScim
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
