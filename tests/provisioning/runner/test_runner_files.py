"""State between runs, edited sources, the log's and events' files, mail."""

import asyncio
import os
import threading

import orjson
import pytest
from aiosmtpd.controller import Controller

from mockscim import Entra, MockScim, Okta
from mockscim.clock import ClockError
from mockscim.provision import FileError, TargetError
from mockscim.provision.entra import NotRunningError
from mockscim.provision.files import StateFile
from mockscim.provision.notify import MailError
from mockscim.provisioning.directory import DirectoryError, dump
from tests.processes import free_port

FLAG = "?aadOptscim062020"


def lines(path):
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


@pytest.fixture
def source(tmp_path, company):
    """A directory's file."""
    path = tmp_path / "directory.json"
    path.write_bytes(orjson.dumps(dump(company(6, 2))))
    return path


async def test_a_job_goes_on_where_it_was(segment, source, tmp_path):
    """Links, watermark, time, source, target and log are kept; nothing is sent twice; the token is not in the file."""
    state, log = tmp_path / "state.json", tmp_path / "log.ndjson"
    async with Entra(source, segment.base_url + FLAG, token=segment.token, app="segment", state=state, log=log) as job:
        await job.start()
        assert (await job.cycle()).ok
        before = job.status()
    content = state.read_bytes()
    assert segment.token.encode() not in content
    assert state.stat().st_mode & 0o777 == 0o600
    exchanges = len(segment.journal)
    async with Entra(token=segment.token, state=state) as job:
        assert job.status() == before
        report = await job.cycle()
        assert (report.number, report.quiet, report.at) == (2, True, 1767225600.0 + 2400)
    assert len(segment.journal) == exchanges
    assert len(lines(log)) == len({entry["id"] for entry in lines(log)}) > 6


async def test_an_edited_source(segment, source, tmp_path):
    """What was edited is provisioned, between cycles and between runs; a broken file changes nothing."""
    state = tmp_path / "state.json"
    document = orjson.loads(source.read_bytes())
    first, second, third = (user["id"] for user in document["users"][:3])
    notes = []

    class Watcher(type(Entra("small")._watcher)):
        def note(self, text):
            notes.append(text)

    async with Entra(
        source, segment.base_url + FLAG, token=segment.token, scope="all", state=state, watcher=Watcher()
    ) as job:
        await job.start()
        await job.cycle()
        document["users"] = [user for user in document["users"] if user["id"] != first]
        for group in document["groups"]:
            group["members"] = [one for one in group["members"] if one != first]
        for user in document["users"]:
            user["manager"] = None if user.get("manager") == first else user.get("manager")
        links = [one for one in document["appRoleAssignments"] if one["principalId"] != first]
        document["appRoleAssignments"] = links
        source.write_bytes(orjson.dumps(document))
        report = await job.cycle()
        assert "delete" in report.actions
        source.write_bytes(b"{")
        assert (await job.cycle()).quiet
        assert "used as it was before" in notes[0]
    document["users"][1]["displayName"] = "Renamed"
    source.write_bytes(orjson.dumps(document))
    async with Entra(source, token=segment.token, state=state) as job:
        report = await job.cycle()
        assert [entry["sourceIdentity"]["id"] for entry in report.entries] == [third]
    assert second != third


async def test_a_source_that_is_gone(segment, source, tmp_path):
    """A job goes on with the directory as it knows it; one that is named has to be there."""
    state = tmp_path / "state.json"
    async with Entra(source, segment.base_url, token=segment.token, state=state) as job:
        await job.start()
        assert (await job.cycle()).ok
    moved = source.rename(tmp_path / "elsewhere.json")
    for _ in range(2):
        async with Entra(token=segment.token, state=state) as job:
            assert (await job.cycle()).quiet
    with pytest.raises(DirectoryError, match=r"directory\.json"):
        await Entra(source, token=segment.token, state=state).__aenter__()
    async with Entra(moved, token=segment.token, state=state) as job:
        assert (await job.cycle()).quiet


async def test_a_target_that_has_no_control_api():
    """Asked for its clock, it is refused before anything is sent; so is a wrong admin token."""
    async with MockScim(admin_token="for-tests-only") as scim:
        for url in (scim.base_url, f"http://127.0.0.1:{free_port()}/scim/v2"):
            with pytest.raises(TargetError, match="--advance-target"):
                await Entra("small", url, advance_target=True, admin_token="wrong").__aenter__()
        assert len(scim.journal) == 0


async def test_two_runs_do_not_share_a_state_file(segment, source, tmp_path):
    """The second is refused while the first is at it, and welcome afterwards; no lock is left behind."""
    state = tmp_path / "state.json"
    async with Entra(source, segment.base_url, state=state):
        with pytest.raises(FileError, match="another run is using it"):
            await Entra(source, segment.base_url, state=state).__aenter__()
    async with Entra(source, state=state):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["directory.json", "state.json"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "1:2: not JSON"),
        (b"[]", "/kind"),
        (b'{"kind": "provisioning-state", "version": 9}', "/version"),
        (b'{"kind": "provisioning-state", "version": 1, "provider": "okta"}', "/provider"),
        (b'{"kind": "provisioning-state", "version": 1, "provider": "entra", "job": {}}', "/job"),
    ],
)
async def test_wrong_state_files(tmp_path, content, words):
    """The place is named, and the file stays as it is."""
    path = tmp_path / "state.json"
    path.write_bytes(content)
    with pytest.raises(FileError, match=words):
        await Entra("small", state=path).__aenter__()
    assert path.read_bytes() == content


async def test_a_state_file_is_whole_or_as_it_was(tmp_path, monkeypatch):
    """A write that fails leaves the old one, and nothing beside it."""
    path = tmp_path / "state.json"
    async with Entra("small", state=path):
        pass
    before = path.read_bytes()

    def fail(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(FileError, match="No space left"):
        async with Entra(state=path) as job:
            await job.start()
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["state.json"]


async def test_clocks_of_a_state(tmp_path):
    """Virtual time goes on from the state's, may jump ahead, not back, and is not taken for real time."""
    path = tmp_path / "state.json"
    async with Entra("small", state=path, clock="virtual:2100-01-01T00:00:00Z"):
        pass
    async with Entra(state=path) as job:
        assert job.now == 4102444800.0
    async with Entra(state=path, clock="virtual:2100-02-01T00:00:00Z") as job:
        assert job.now == 4102444800.0 + 31 * 86400
    for clock in ("virtual:2099-01-01T00:00:00Z", "real"):
        with pytest.raises(ClockError, match="--clock"):
            await Entra(state=path, clock=clock).__aenter__()


async def test_settings(tmp_path):
    """A file changes what it names; what is said on its own goes over it; a wrong key is named."""
    path = tmp_path / "settings.json"
    path.write_bytes(orjson.dumps({"interval": 600, "seed": 3, "thresholds": {"begin": 10}}))
    async with Entra("small", settings=path, seed=4) as job:
        settings = job.job.settings
        assert (settings.interval, settings.seed, settings.thresholds.begin) == (600, 4, 10)
        assert settings.thresholds.base == 40_000
    path.write_bytes(b'{"intervall": 600}')
    with pytest.raises(FileError, match=r"settings\.json: /intervall"):
        await Entra("small", settings=path).__aenter__()


@pytest.mark.parametrize("make", [Entra, Okta])
async def test_what_cannot_be_is_said_at_once(make):
    """Unknown options, and values out of range."""
    with pytest.raises(TypeError, match="no option 'tokn'"):
        make("small", tokn="x")
    with pytest.raises(ValueError, match="concurrency"):
        make("small", concurrency=0)
    with pytest.raises(ClockError):
        make("small", clock="lunar")
    with pytest.raises(DirectoryError, match="nowhere"):
        await make("nowhere").__aenter__()
    with pytest.raises(RuntimeError, match="async with"):
        await make("small").test_connection()


async def test_a_job_that_is_not_running(entra_for):
    """Says why there is no cycle."""
    async with entra_for("small") as job:
        with pytest.raises(NotRunningError, match="not been started"):
            await job.cycle()
        await job.start()
        await job.cycle()
        await job.stop()
        with pytest.raises(NotRunningError, match="stopped"):
            await job.run()


class Mailbox:
    """Keeps what it gets."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - aiosmtpd's
        self.mails.append(envelope)
        return "250 OK"


@pytest.fixture
def mailbox():
    """A mail server in a thread, and what came to it."""
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    box.address = f"127.0.0.1:{controller.port}"
    yield box
    controller.stop()


async def test_a_quarantine_is_told_once(segment, mailbox, tmp_path):
    """An event in the file and a mail when it begins, none while it lasts, an event when it is over."""
    events = tmp_path / "events.ndjson"
    options = {"events": events, "smtp": mailbox.address, "mail_to": ["ann@example.com"]}
    async with Entra("small", segment.base_url, token=segment.token, **options) as job:
        await job.start()
        with segment.fault("abort", status=401):
            assert not (await job.cycle()).ok
            await job.cycle()
        assert (await job.cycle()).ok
    assert [event["event"] for event in lines(events)] == ["quarantine", "recovered"]
    assert lines(events)[0]["reason"] == "EncounteredQuarantineException"
    (mail,) = mailbox.mails
    assert mail.rcpt_tos == ["ann@example.com"]
    assert b"quarantine" in mail.content


async def test_a_mail_server_that_is_not_there(segment):
    """The job goes on, and says that the mail was not sent."""
    notes = []

    class Watcher(type(Entra("small")._watcher)):
        def note(self, text):
            notes.append(text)

    options = {"smtp": f"127.0.0.1:{free_port()}", "mail_to": ["ann@example.com"], "watcher": Watcher()}
    async with Entra("small", segment.base_url, token="wrong", **options) as job:
        await job.start()
        await job.cycle()
    assert "was not sent" in notes[0]
    for wrong in ({"smtp": "h:x", "mail_to": ["a@b"]}, {"smtp": "h"}, {"mail_to": ["a@b"]}):
        with pytest.raises(MailError):
            Entra("small", **wrong)


def test_for_synchronous_code(tmp_path):
    """The same verbs, each done when it returns; inside a running loop it is refused."""
    with MockScim.threaded(profile="segment") as scim:
        with Entra.blocking("small", scim.base_url, token=scim.token, app="segment") as job:
            assert job.test_connection().ok
            job.start()
            assert job.cycle().ok
            job.directory.unassign("emre@example.com")
            report = job.cycle()
            assert report.ok
            assert job.status()["status"]["code"] == "Active"
            assert job.on_demand("ann@example.com").ok
            assert len(job.log) > 4
            job.stop()
        with Okta.blocking("small", scim.base_url, token=scim.token, state=tmp_path / "o.json") as app:
            assert app.test_connection().ok
            assert app.push().ok
            assert app.push().quiet
            assert app.import_users().counts["linked"] > 0
            assert app.status()["users"]["active"] > 0
            assert app.tasks == []
    assert StateFile(tmp_path / "o.json", "okta").read().clock == "virtual"


async def test_interrupting_ends_the_objects_that_are_begun(segment, company, entra_for, tmp_path):
    """No further object is begun, what is done is kept, and the next run does the rest."""
    state = tmp_path / "state.json"
    async with entra_for(company(40, 4), state=state) as job:
        await job.start()
        with segment.gate("user.create", timeout=10) as gate:
            task = asyncio.create_task(job.cycle())
            await gate.areached(5)
            job.interrupt()
        report = await task
        assert report.broken_off
        assert len(segment.users) == 1
    async with entra_for(None, state=state) as job:
        assert (await job.cycle()).ok
    creates = [one for one in segment.journal if one.operation == "user.create"]
    assert len(creates) == len(segment.users) > 30
    assert threading.active_count() < 10
