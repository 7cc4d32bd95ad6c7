"""Journal, history, tokens, and the verdicts on the client: verify, check, cycles; the same over every kind."""

import httpx
import pytest

from mockscim import ControlRefused

FAY = {"userName": "fay@example.com"}


async def test_the_journal(scim, client):
    """Exchanges as objects: iterated, looked up by number, chosen, and as a table."""
    assert not scim.journal
    await client.get("Users", params={"filter": 'userName eq "fay@example.com"'})
    await client.post("Users", json={**FAY, "password": "hunter2-hunter2"})
    await client.post("Users", json=FAY)
    journal = scim.journal
    assert journal
    assert (len(journal), journal.last, journal.dropped) == (3, 3, 0)
    assert [one.n for one in journal] == [1, 2, 3]
    one = journal[2]
    assert (one.operation, one.method, one.path, one.query, one.status) == ("user.create", "POST", "/Users", "", 201)
    assert (one.committed, one.changes, one.attempt, one.client_gone) == (True, [1], 1, False)
    assert (one.refinements, one.faults, one.leniencies[0]["code"]) == ([], [], "missing-schemas")
    assert one.request.body["password"] == "***"
    assert one.request.headers["authorization"] == "Bearer ***"
    assert one.response.status == 201
    assert one.response.headers["Location"] == one.response.body["meta"]["location"]
    assert one.resource == {"type": "User", "id": one.response.body["id"], "version": one.response.headers["ETag"]}
    assert one.duration_ms > 0
    assert one.time == one.entry["time"]
    assert one.connection == journal[1].connection
    assert repr(one) == "<Exchange #2 POST /Users user.create 201 committed>"
    assert str(one).startswith("2 ")
    assert [each.n for each in journal.where("user.create")] == [2, 3]
    assert [each.n for each in journal.where("user.*", status=409)] == [3]
    assert [each.n for each in journal.where(since=1)] == [2, 3]
    assert [each.n for each in journal.tail(2)] == [2, 3]
    assert journal.tail(0) == []
    assert str(journal).count("\n") == 3
    assert repr(journal) == "<Journal of 3 exchanges>"
    assert len(journal.har()["log"]["entries"]) == 3
    assert [journal[-1].n, journal[-3].n] == [3, 1]
    with pytest.raises(KeyError, match="there is no exchange 4 in the journal; the newest is 3"):
        journal[4]
    with pytest.raises(KeyError, match=r"there is no exchange 0 in the journal \(they are numbered from 1\)"):
        journal[0]
    with pytest.raises(KeyError, match="there is no exchange -4 in the journal: it has 3"):
        journal[-4]
    journal.clear()
    assert (len(journal), journal.last) == (0, 3)


async def test_an_exchange_without_an_answer(scim, client):
    """There is neither status nor response."""
    with scim.fault("drop"), pytest.raises(httpx.TransportError):
        await client.get("Users")
    one = scim.journal[1]
    assert (one.status, one.response, one.committed) == (None, None, False)
    assert repr(one) == "<Exchange #1 GET /Users user.list no answer any-drop-1>"


async def test_the_history(scim, client):
    """Committed changes, with the exchange behind them, or none."""
    made = (await client.post("Users", json=FAY)).json()
    scim.users.edit("fay@example.com", title="Dr")
    created, edited = scim.history
    assert (created.n, created.operation, created.type, created.id, created.journal) == (
        1, "create", "User", made["id"], 1
    )  # fmt: skip
    assert (created.before, created.after["userName"]) == (None, "fay@example.com")
    assert (edited.journal, edited.after["title"], "title" in edited.before) == (None, "Dr", False)
    assert edited.version == scim.users["fay@example.com"].version


async def test_tokens(scim, client):
    """Minted, listed masked, revoked by object, name or text."""
    known = len(scim.tokens)
    reader = scim.tokens.mint(scopes=["read"], expires_in="1h")
    bearer = {"Authorization": f"Bearer {reader}"}
    assert (await client.get("Users", headers=bearer)).status_code == 200
    assert (await client.post("Users", json=FAY, headers=bearer)).status_code == 403
    (listed,) = [token for token in scim.tokens if token.name == reader.name]
    assert listed.token != reader.token
    assert (reader.scopes, reader.expires, listed.user) == (("read",), listed.expires, None)
    assert reader.token not in repr(reader)
    scim.clock.advance(hours=2)
    assert (await client.get("Users", headers=bearer)).status_code == 401
    scim.tokens.revoke(reader)
    texts = [scim.tokens.mint("first"), scim.tokens.mint("second", user="ann@example.com")]
    assert (await client.get("Me", headers={"Authorization": "Bearer second"})).json()["id"] == "u-1"
    scim.tokens.revoke("first")
    scim.tokens.revoke(texts[1].name)
    assert len(scim.tokens) == known
    with pytest.raises(KeyError, match="there is no such token"):
        scim.tokens.revoke("first")
    with pytest.raises(ControlRefused, match="printable ASCII"):
        scim.tokens.mint("two words")


async def test_all_tokens_revoked(open_scim):
    """Those that were minted no longer open anything."""
    scim = await open_scim()
    token = scim.tokens.mint()
    scim.tokens.revoke_all()
    assert len(scim.tokens) == 0
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"{scim.base_url}/Users", headers=headers)).status_code == 401


async def test_verify(scim, client):
    """What is as expected is returned with its exchanges; what is not is an AssertionError that explains it."""
    with scim.fault("abort", status=503, operation="user.create", phase="after", name="once", times=1):
        await client.post("Users", json=FAY)
    await client.post("Users", json=FAY)
    attempts = scim.verify("user.create", where='userName eq "fay@example.com"', count=2)
    assert (attempts.found, attempts.numbers) == (2, [1, 2])
    assert [one.status for one in attempts.exchanges] == [503, 409]
    assert scim.verify("user.create", committed=True, fault="once", status=503, count=1).numbers == [1]
    assert scim.verify("user.*", since=1, at_least=1, at_most=1).numbers == [2]
    assert scim.verify(at_most=2).found == 2
    with pytest.raises(AssertionError, match=r"expected 1 user.create, found 2"):
        scim.verify("user.create", count=1)
    with pytest.raises(ControlRefused, match=r"^operation: 'user.creat': did you mean 'user.create'"):
        scim.verify("user.creat")
    with pytest.raises(TypeError, match=r"^verify\(\) has no 'counts': did you mean 'count'"):
        scim.verify("user.create", counts=1)
    with pytest.raises(TypeError, match=r"^averify_sequence\(\) has no 'count'"):
        await scim.averify_sequence(["user.create"], count=1)


async def test_verify_sequence(scim, client):
    """In this order, others between them or not."""
    for path in ("Users", "Groups", "Users/u-1"):
        await client.get(path)
    assert scim.verify_sequence(["user.list", "user.get"]).numbers == [1, 3]
    assert scim.verify_sequence(["*.list", "user.*"], since=1).numbers == [2, 3]
    with pytest.raises(AssertionError, match=r"expected user.get, then user.list; found 1 of 2 in this order"):
        scim.verify_sequence(["user.get", "user.list"])


async def test_check(scim, client):
    """A client that does as it should is not blamed; one that makes a user twice is, with evidence."""
    with scim.cycle():
        await client.get("Users")
    judgement = scim.check(only="I1,I4")
    assert (judgement.broken, judgement.held + judgement.not_applicable) == ([], ["I1", "I4"])
    with scim.on("user.list").sequence(error_429()):
        await client.get("Users")
        await client.get("Users")
    with pytest.raises(AssertionError, match="1 of 1 invariants is broken") as caught:
        scim.check(only=["I8"])
    assert "I8 politeness" in str(caught.value)
    found = scim.invariants(only="I8")
    assert (found.broken, found["I8"]["verdict"]) == (["I8"], "broken")
    assert repr(found) == "<Judgement broken: I8; held: none>"
    assert scim.check(only="I8", retry_after_cap=1).broken == []
    with pytest.raises(KeyError, match="'I1' was not judged: I8 were"):
        found["I1"]
    with pytest.raises(TypeError, match="the judge has no 'desird': did you mean 'desired'"):
        scim.check(desird={})


def error_429():
    """A refusal with two seconds to wait."""
    from mockscim import error

    return error(429, retry_after=2)


async def test_desired(scim, client):
    """Where the client should arrive: for good, for once, and no more; documents, names and paths alike."""
    small = scim.state()
    for _ in range(3):
        with scim.cycle():
            await client.get("Users")
    scim.desired(small)
    for _ in range(3):
        with scim.cycle():
            await client.get("Users")
    assert scim.check(only="I3").held == ["I3"]
    scim.desired("people-100")
    for _ in range(3):
        with scim.cycle():
            await client.get("Users")
    with pytest.raises(AssertionError, match="I3"):
        scim.check(only="I3")
    assert scim.check(small, only="I3").held == ["I3"]
    scim.desired(None)
    assert scim.check(only="I3").not_applicable == ["I3"]
    with pytest.raises(ControlRefused, match="there is no endpoint /Robots"):
        scim.check({"resources": {"/Robots": [{"name": "x"}]}})


async def test_cycles_and_what_the_client_reports(scim, client):
    """What it reports is held against what is there; a block that raises reports that it failed."""
    with scim.cycle(report={"source": "test"}) as cycle:
        await client.post("Users", json=FAY)
        cycle.report(succeeded=["fay@example.com"], failed=[])
    assert cycle.number == 1
    assert repr(cycle) == "<Cycle 1>"
    assert scim.check(only="I13").held == ["I13"]
    with pytest.raises(RuntimeError, match="the client's own"), scim.cycle():
        raise RuntimeError("the client's own")
    marks = scim.ask("GET", "/marks")["items"]
    assert [(mark["cycle"], mark["event"]) for mark in marks] == [(1, "begin"), (1, "end"), (2, "begin"), (2, "end")]
    assert marks[3]["reported"]["success"] is False
    with scim.cycle() as cycle:
        cycle.report(succeeded=["nobody@example.com"])
    with pytest.raises(AssertionError, match=r"reports nobody@example.com as done: it is not there"):
        scim.check(only="I13")


async def test_a_cycle_over_which_a_reset_went(scim):
    """It has no end to be marked; what the block raises comes first."""
    with pytest.raises(ControlRefused, match="no cycle has begun"), scim.cycle():
        scim.reset()
    with pytest.raises(ZeroDivisionError), scim.cycle():  # noqa: PT012 - the reset comes before
        scim.reset()
        raise ZeroDivisionError


async def test_lint_and_explain(scim, client):
    """What is unwise in the traffic, and why a filter matches or a PATCH does what it does."""
    await client.get("Users", params={"access_token": "x"})
    assert scim.lint()[0]["exchanges"] == [1]
    told = scim.explain('userName sw "a"')
    assert (told["type"], told["matching"]) == ("User", 1)
    patch = {"Operations": [{"op": "replace", "path": "title", "value": "Dr"}]}
    assert scim.explain(patch=patch, id_="u-1")["steps"][0]["changes"]["title"]["after"] == "Dr"
    assert scim.explain('displayName eq "Engineering"', type_="/Groups")["matching"] == 1
    assert "title" not in scim.users["u-1"]
    with pytest.raises(ControlRefused) as caught:
        scim.explain("x", type_="Robot")
    assert caught.value.status == 404


async def test_a_check_of_nothing_is_refused(scim):
    """A list of invariants that is empty would judge none."""
    for nothing in ([], "", ",", [" "]):
        with pytest.raises(ValueError, match=r"only: expected some of I1 to I13, such as I1,I4, not .*all are"):
            scim.check(only=nothing)
    with pytest.raises(ControlRefused, match="expected some of I1 to I13"):
        scim.ask("POST", "/invariants", {"parameters": {"only": ","}})


async def test_operations_that_cannot_be_are_refused(scim):
    """A misspelt resource type would never be found: verify, sequences, gates and the journal name the nearest."""
    near = r"'usr\.create': did you mean 'user\.create'\?"
    for call in (
        lambda: scim.verify("usr.create", count=0),
        lambda: scim.verify_sequence(["usr.create"]),
        lambda: scim.gate("usr.create"),
        lambda: scim.journal.where("usr.create"),
    ):
        with pytest.raises(ControlRefused, match=near):
            call()
    with pytest.raises(ControlRefused, match=near):
        await scim.averify("usr.create", count=0)
    assert scim.gates == []
