"""The sweep: what it finds in clients, right and wrong, where, and how it tells."""

import functools
import threading
import time

import httpx
import pytest
from provisioners import NAMES, UNENFORCED, ask, blind, careful, careless, create, find, strict
from reach import settings
from test_mock_messages import same

from mockscim import MockScim
from mockscim.scim.service import Service

EVERY = [f"{phase}:{outcome}" for phase in ("before", "after") for outcome in ("503", "reset", "hang(20ms)")]


@pytest.fixture
def scim():
    """One whose time, ids and faults are always the same."""
    with MockScim.threaded(seed=7, clock="virtual") as scim:
        yield scim


def broken(result):
    """What broke, by case."""
    return {run.case: [finding.broke for finding in run.findings] for run in result.runs if run.findings}


def test_a_client_that_does_right_holds(scim):
    """One run for each request, phase and outcome, each of which strikes; nothing breaks, and the table says so."""
    result = scim.sweep(functools.partial(careful, names=NAMES[:1], timeout=0.2))
    assert result.ok
    assert [run.case for run in result.runs] == [
        f"{n}:{phase}:{outcome}"
        for n in (1, 2)
        for phase in ("before", "after")
        for outcome in ("503", "reset", "hang")
    ]
    assert result.requests == ("user.list GET /Users", "user.create POST /Users")
    assert all(run.struck for run in result.runs)
    assert result.failed == result.missed == result.left_out == result.findings == []
    result.raise_for_findings()
    same("sweep-held", result.table())


def test_two_sweeps_are_the_same(scim):
    """With one seed the same cases in the same order with the same findings."""
    first, second = (scim.sweep(careless, outcomes=("503", "reset"), check=False) for _ in range(2))
    assert first.failed == ["1:after:503", "1:after:reset", "2:after:503", "2:after:reset"]
    assert first == second
    assert first.report() == second.report()
    assert first.table() == str(second)


def test_a_lost_answer_that_makes_a_duplicate_is_found(scim):
    """Who sends a create again makes two where names need not be unique: after the commit, never before it."""
    scim.remake(profile=UNENFORCED)
    with pytest.raises(AssertionError) as caught:
        scim.sweep(blind, outcomes=("503", "reset"), recover=False)
    same("sweep-duplicates", caught.value)
    result = scim.sweep(blind, outcomes=("503", "reset"), recover=False, check=False)
    kinds = ["I1", "I2", "I3"]
    assert broken(result) == dict.fromkeys(("1:after:503", "1:after:reset", "2:after:503", "2:after:reset"), kinds)
    assert result.findings[0].how.startswith("User ann@example.com (")


def test_what_the_next_run_heals_is_no_finding(scim):
    """Who gives up and makes the missing next time has arrived; of what was made and not told it holds no id."""
    result = scim.sweep(careless, outcomes=("503", "reset", "hang(20ms)"), check=False)
    assert broken(result) == {f"{n}:{each}": ["I2"] for n in (1, 2) for each in EVERY if each.startswith("after")}


def test_without_a_next_run_it_has_to_arrive_at_once(scim):
    """Then a create that failed and was not tried again is a user who is missing."""
    result = scim.sweep(careless, phases="before", outcomes="503", recover=False, check=False)
    assert broken(result) == {"1:before:503": ["I3"], "2:before:503": ["I3"]}
    assert "User ann@example.com is missing" in result.findings[0].how


def test_more_next_runs_show_who_never_comes_to_rest(scim):
    """With several runs after the fault, what is written in each of them although nothing is to be done is found."""
    dirty = set()

    def client():
        if not scim.journal.where("*.create"):
            dirty.clear()
        for name in NAMES:
            found = find(scim, name)
            if found is None and create(scim, name, displayName="A")[0] != 201:
                dirty.add(name)
            elif found and name in dirty:
                ask(scim, "PUT", f"/Users/{found['id']}", {**found, "displayName": "A"})

    assert scim.sweep(client, outcomes="503").ok
    assert broken(scim.sweep(client, phases="after", outcomes="503", recover=2, check=False)) == {
        "2:after:503": ["I4"],
        "4:after:503": ["I4"],
    }


def test_what_the_client_raises_is_a_finding(scim):
    """With its text, and as the cause of the AssertionError; the reading of a user has no doubt after it."""
    with pytest.raises(AssertionError) as caught:
        scim.sweep(strict, outcomes="503", operation="user.create")
    same("sweep-raised", caught.value)
    assert isinstance(caught.value.__cause__, ConnectionError)


def test_a_text_of_several_lines_is_shown_as_it_is(scim):
    """What an assertion says is worth reading whole; the table has it in a line."""

    def client():
        create(scim, NAMES[0])
        scim.verify("user.create", status=201, count=1)

    result = scim.sweep(client, "before", "503", recover=False, check=False)
    same("sweep-assertion", result.report())


def test_what_may_fail_may_raise(scim):
    """All exceptions, or those that are named; but what is raised in the next run, or asserted, is a finding."""
    assert scim.sweep(strict, outcomes="503", may_fail=True).ok
    assert scim.sweep(strict, outcomes="503", may_fail=OSError).ok
    wrong = scim.sweep(strict, outcomes="503", may_fail=(LookupError, KeyError), check=False)
    assert broken(wrong) == {f"{n}:{phase}:503": ["raised"] for n in range(1, 5) for phase in ("before", "after")}

    def expecting():
        assert create(scim, NAMES[0])[0] in (201, 409)

    def failing():
        if create(scim, NAMES[0])[0] not in (201, 409):
            pytest.fail("not made")

    for client in (expecting, failing):
        result = scim.sweep(client, phases="before", outcomes="503", may_fail=True, check=False)
        assert broken(result) == {"1:before:503": ["raised"]}


def test_a_script_may_exit(scim):
    """``sys.exit(0)`` is a good end, any other code a failure."""

    def script():
        careful(scim)
        raise SystemExit

    def failing():
        if create(scim, NAMES[0])[0] not in (201, 409):
            raise SystemExit(3)

    assert scim.sweep(script, outcomes="503", phases="after").ok
    result = scim.sweep(failing, outcomes="503", phases="before", check=False)
    assert [finding.how for finding in result.findings] == ["SystemExit: 3"]
    assert scim.sweep(failing, outcomes="503", phases="before", may_fail=SystemExit).ok


def test_what_the_test_itself_stops_with_goes_through(scim):
    """A skip in the client's run skips the test, and an interruption ends it."""

    def skipping():
        pytest.skip("not today")

    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(pytest.skip.Exception, match="not today"):
        scim.sweep(skipping)
    with pytest.raises(KeyboardInterrupt):
        scim.sweep(interrupted)

    def in_trouble():
        if create(scim, NAMES[0])[0] == 503:
            pytest.skip("not under these circumstances")

    scim.users.add("zoe@example.com")
    with pytest.raises(pytest.skip.Exception, match="circumstances"):
        scim.sweep(in_trouble, "after", "503")
    assert scim.faults == []
    assert list(scim.users.names()) == ["zoe@example.com"]


def test_who_does_not_come_back_is_a_finding(scim):
    """A client without a deadline is cut when its time is over, and the sweep goes on."""

    def patient():
        for name in NAMES:
            ask(scim, "POST", "/Users", {"userName": name}, timeout=30)

    result = scim.sweep(patient, phases="before", outcomes=("hang", "reset"), timeout=0.3, check=False)
    assert broken(result) == {"1:before:hang": ["no return"], "2:before:hang": ["no return"]}
    same("sweep-no-return", result.report())


def test_an_outcome_that_nobody_comes_back_from_is_given_up(scim):
    """After three such clients the rest would take as long for the same; it is left out, and that is said."""

    def patient():
        for name in (*NAMES, "cyd@example.com", "dan@example.com"):
            ask(scim, "POST", "/Users", {"userName": name}, timeout=30)

    result = scim.sweep(patient, "before", ("503", "hang"), timeout=0.25, check=False)
    assert [name for name, kinds in broken(result).items() if kinds == ["no return"]] == [
        f"{n}:before:hang" for n in (1, 2, 3)
    ]
    assert result.left_out == ["4:before:hang"]
    assert "left out: 1 case, 3 clients that met hang did not come back: 4:before:hang" in result.table()


def test_who_never_ends_ends_the_sweep(scim):
    """A thread that goes on whatever is cut would spoil the next runs: the rest is left out, and that is said."""
    release = threading.Event()

    def stuck():
        if create(scim, NAMES[0])[0] is None:
            release.wait(30)

    result = scim.sweep(stuck, outcomes=("503", "reset"), timeout=0.3, check=False)
    release.set()
    assert broken(result) == {"1:before:reset": ["no return"]}
    assert result.left_out == ["1:after:503", "1:after:reset"]
    assert "left out: 2 cases, the client of 1:before:reset never ended: 1:after:503" in result.table()


def test_who_tries_for_ever_is_cut_again_and_again(scim):
    """A client that sends the same again as often as it is cut meets resets until it gives up, and spoils nothing."""
    tries = []

    def stubborn():
        tries.clear()
        while len(tries) < 4 and ask(scim, "POST", "/Users", {"userName": NAMES[0]}, timeout=30)[0] is None:
            tries.append(scim.users.names())

    result = scim.sweep(stubborn, "before", "hang", timeout=0.3, check=False)
    assert broken(result) == {"1:before:hang": ["no return"]}
    assert tries == [[]] * 4  # nobody was made by it after it was cut


def test_without_a_limit_it_runs_in_the_callers_thread(scim):
    """What must not leave its thread is swept with ``timeout=None``; with a limit it has a thread of its own."""
    seen = []

    def client():
        seen.append(threading.current_thread())
        careful(scim)

    assert scim.sweep(client, phases="before", outcomes="503", timeout=None).ok
    assert set(seen) == {threading.current_thread()}
    seen.clear()
    assert scim.sweep(client, phases="before", outcomes="503").ok
    assert threading.current_thread() not in seen
    assert all(thread.daemon for thread in seen)


def test_a_next_run_that_fails_is_a_finding(scim):
    """Who leaves a lock behind when it fails cannot run again; nor who then hangs."""
    lock = []

    def client():
        if not scim.journal:
            lock.clear()
        if lock:
            raise RuntimeError("is it running still?")
        lock.append("taken")
        if create(scim, NAMES[0])[0] in (201, 409):
            lock.clear()

    result = scim.sweep(client, phases="before", outcomes="503", check=False)
    assert result.findings[0].broke == "next run"
    assert result.findings[0].how == "the next run raised RuntimeError: is it running still?"
    release = threading.Event()

    def hanging():
        if lock and scim.journal:
            release.wait(5)
        lock[:] = [] if create(scim, NAMES[0])[0] in (201, 409) else ["taken"]

    lock.clear()
    result = scim.sweep(hanging, phases="before", outcomes="503", timeout=0.3, check=False)
    release.set()
    assert [finding.how for finding in result.findings] == ["the next run did not come back within 300ms"]


def test_a_clean_run_that_does_not_pass_is_told(scim):
    """Nothing is swept then; the cause is the client's error. So is one that sends nothing, or cannot run twice."""

    def wrong():
        status, _ = ask(scim, "POST", "/Users", {"displayName": "nameless"})
        raise LookupError(f"answered {status}")

    with pytest.raises(AssertionError) as caught:
        scim.sweep(wrong)
    same("sweep-clean", caught.value)
    assert isinstance(caught.value.__cause__, LookupError)

    def not_twice():
        if create(scim, NAMES[0])[0] != 201:
            raise FileExistsError(NAMES[0])

    with pytest.raises(AssertionError) as caught:
        scim.sweep(not_twice)
    same("sweep-not-twice", caught.value)
    assert scim.sweep(not_twice, outcomes="503", phases="after", recover=False, may_fail=True, check=False).runs
    with pytest.raises(AssertionError, match="none came to this server: is the client told its base_url"):
        scim.sweep(lambda: None)
    with pytest.raises(AssertionError, match="did not come back within 50ms"):
        scim.sweep(lambda: threading.Event().wait(0.2), timeout="50ms")


def test_a_failure_of_the_servers_own_is_no_clients(scim, caplog, monkeypatch):
    """A 500 that no fault asked for is told as the server's."""
    monkeypatch.setattr(Service, "_get", lambda *_: 1 / 0)

    def client():
        careful(scim)
        if find(scim, "nobody@example.com") == "":
            ask(scim, "GET", "/Users/1")

    result = scim.sweep(client, phases="before", outcomes="503", check=False)
    caplog.clear()
    assert broken(result) == {"5:before:503": ["server"]}
    assert result.findings[0].how == "#6 user.get GET /Users/1 was answered 500, and no fault asked for that"


def test_what_struck_nothing_is_told(scim):
    """A conflict befalls creates only: for other requests nothing is struck, and no later one in its place."""
    result = scim.sweep(careful, outcomes=("conflict(holder=hidden)",), check=False)
    assert result.missed == ["1:before:conflict(holder=hidden)", "3:before:conflict(holder=hidden)"]
    assert [run.case for run in result.runs if run.struck] == [f"{n}:before:conflict(holder=hidden)" for n in (2, 4)]
    assert "nothing was struck in 1:before:conflict(holder=hidden), 3:before" in result.table()


def test_only_some_requests_are_struck(scim):
    """``operation`` names them, refinements as well; their numbers stay those of all requests."""
    cases = [run.case for run in scim.sweep(careful, "before", "503", operation="user.create").runs]
    assert cases == ["2:before:503", "4:before:503"]
    assert len(scim.sweep(careful, "before", "503", operation=["user.list", "group.*"]).runs) == 2


def test_requests_are_counted_whatever_they_are(scim):
    """The operations of a bulk job are none of their own; refused tokens and unknown ids count as all others do."""

    def client():
        create(scim, NAMES[0])
        operation = {"method": "POST", "path": "/Users", "bulkId": "1", "data": {"userName": NAMES[1]}}
        again = {**operation, "bulkId": "2", "data": {"userName": "cyd@example.com"}}
        ask(scim, "POST", "/Bulk", {"Operations": [operation, again]})
        ask(scim, "GET", "/Users/nobody")
        httpx.get(f"{scim.base_url}/Users", headers={"Authorization": "Bearer x"}, trust_env=False)
        ask(scim, "GET", "/ServiceProviderConfig")

    result = scim.sweep(client, "before", "503", check=False)
    assert [run.label.partition(" ")[0] for run in result.runs] == [
        "user.create",
        "bulk.run",
        "user.get",
        "user.list",
        "discovery.get",
    ]
    assert result.missed == []


def test_the_directory_is_fresh_and_set_up_as_the_test_did(scim):
    """Data, rules, clock and desired state of the test are there in each run, and after the sweep."""
    scim.users.add("zoe@example.com")
    slow = scim.fault("latency", operation="user.list", delay="1ms", name="slow")
    scim.clock.freeze("2027-02-03T04:05:06Z")
    desired = {"users": [{"userName": name} for name in ("zoe@example.com", *NAMES)]}
    scim.desired(desired)
    seen = []

    def look():
        return sorted(scim.users.names()), [fault.name for fault in scim.faults], str(scim.clock.now())

    def client():
        seen.append((*look(), scim.ask("GET", "/desired") == desired))
        careful(scim)

    result = scim.sweep(client, "before", ("503", "reset"))
    first = [each for each in seen if each[0] == ["zoe@example.com"]]
    assert len(first) == 1 + len(result.runs)
    assert {tuple(rules) for _, rules, *_ in seen} == {("sweep", "slow"), ("slow",)}
    assert {time for _, _, time, _ in seen} == {"2027-02-03 04:05:06+00:00"}
    assert all(is_told for *_, is_told in seen)
    assert look() == (["zoe@example.com"], ["slow"], "2027-02-03 04:05:06+00:00")
    assert not scim.journal
    assert scim.placed == []
    slow.remove()
    assert scim.faults == []


def test_a_rule_of_its_own_name_is_not_in_the_way(scim):
    """A test may call a rule ``sweep``."""
    scim.fault("latency", delay=0, name="sweep")
    assert scim.sweep(careful, "before", "503").missed == []


def test_where_it_should_arrive_may_be_said(scim):
    """By the sweep, or by what the client is told; without, it is where the clean run arrived."""
    users = [{"userName": name} for name in NAMES]
    assert scim.sweep(careful, "after", "503", desired={"users": users}).ok
    with pytest.raises(AssertionError, match=r"cyd@example.com is missing"):
        scim.sweep(careful, "after", "503", desired={"users": [*users, {"userName": "cyd@example.com"}]})

    def telling():
        scim.desired({"users": users[:1]})
        careful(scim)

    with pytest.raises(AssertionError, match=r"bea@example.com.* is there and not desired"):
        scim.sweep(telling, "after", "503")


def test_ids_may_be_others_than_in_the_clean_run(scim):
    """Who was made later than in the clean run has another's id: members and managers are held to whom they mean."""
    urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

    def client():
        ids = {}
        for name in (*NAMES, "cyd@example.com"):
            found = find(scim, name) or create(scim, name)[1]
            if found and "id" in found:
                ids[name] = found["id"]
        if len(ids) < 3:
            return
        for name in NAMES:
            manager = {"value": ids["cyd@example.com"], "$ref": f"../Users/{ids['cyd@example.com']}"}
            ask(scim, "PUT", f"/Users/{ids[name]}", {"userName": name, urn: {"manager": manager}})
        body = {"displayName": "Staff", "members": [{"value": ids[name]} for name in NAMES]}
        group = find(scim, "Staff", "/Groups", "displayName")
        if group is None:
            ask(scim, "POST", "/Groups", body)
        elif group:
            ask(scim, "PUT", f"/Groups/{group['id']}", body)

    result = scim.sweep(client, "before", ("503", "reset"), check=False, invariants="I1,I2,I3")
    assert result.ok, result.report()
    assert len(result.runs) >= 18

    def once():
        found = [find(scim, name) or create(scim, name)[1] for name in NAMES]
        if not find(scim, "Staff", "/Groups", "displayName"):
            members = [{"value": each["id"]} for each in found if "id" in each]
            ask(scim, "POST", "/Groups", {"displayName": "Staff", "members": members})

    result = scim.sweep(once, "before", "503", operation="user.create", check=False, invariants="I3")
    assert [finding.how.partition(";")[0] for finding in result.findings] == [
        "Group Staff lacks the member User ann@example.com",
        "Group Staff lacks the member User bea@example.com",
    ]


def test_reports_of_the_client_are_judged(scim):
    """A client that returns what it reports is held to it; one that raises has told that it failed."""

    def boasting():
        careless(scim)
        return {"success": True, "failed": [], "ids": "none of a report's", "rows": 2}

    def honest():
        statuses = {name: create(scim, name)[0] for name in NAMES}
        return {"success": True, "failed": {name for name, status in statuses.items() if status not in (201, 409)}}

    assert broken(scim.sweep(boasting, "before", "503", check=False)) == {
        "1:before:503": ["I13"],
        "2:before:503": ["I13"],
    }
    assert scim.sweep(honest, "before", "503").ok
    assert scim.sweep(strict, "before", "503", may_fail=True).ok


def test_clients_may_mark_their_cycles(scim):
    """Who marks cycles and reports within them is judged by that."""

    def client():
        with scim.cycle() as cycle:
            careless(scim)
            cycle.report(success=True)
        return {"success": False}

    assert broken(scim.sweep(client, "before", "503", check=False, invariants="I3,I13")) == {
        "1:before:503": ["I13"],
        "2:before:503": ["I13"],
    }
    assert scim.sweep(client, "before", "503", invariants="I3").ok


def test_the_judge_has_its_parameters(scim):
    """``invariants`` narrows it, keywords make it stricter or more lenient; what neither knows is refused."""
    scim.remake(profile=UNENFORCED)
    assert scim.sweep(blind, "after", "503", recover=False, invariants=["I8", "I9"]).ok

    def stubborn():
        for _ in range(12):
            if create(scim, NAMES[0])[0] == 201:
                break

    assert broken(scim.sweep(stubborn, "after", "503", recover=False, attempts=1, invariants="I9", check=False)) == {
        "1:after:503": ["I9"]
    }
    with pytest.raises(TypeError, match=r"sweep\(\) has no 'outcome': did you mean 'outcomes'"):
        scim.sweep(blind, outcome="503")


def test_a_budget_leaves_cases_out(scim):
    """What was begun is finished, the rest named; another run with the same seed leaves the same order behind."""
    result = scim.sweep(careful, outcomes=("503", "reset"), budget="1ms", check=False)
    assert result.runs == ()
    assert not result.ok
    assert len(result.left_out) == 16
    assert "sweep: no case was run" in result.table()
    assert "the budget of 1ms was used up before the first case: the clean run took" in result.table()
    assert "left out: 16 cases, the budget of 1ms is spent: 1:before:503, 1:before:reset" in result.table()
    assert scim.sweep(careful, outcomes="503", budget=60).left_out == []


def test_a_sweep_that_runs_no_case_fails(scim):
    """It has shown nothing: no request is what it is to strike, or the clean run took all the time that there was."""
    with pytest.raises(
        AssertionError, match=r"no case was run.*\nno request of the clean run is one of group\.\*: it sent"
    ):
        scim.sweep(careful, operation="group.*")
    with pytest.raises(
        AssertionError, match=r"the budget of 1ms was used up before the first case(?s:.*)left out: 8 cases"
    ):
        scim.sweep(careful, outcomes="503", budget="1ms")
    with pytest.raises(ValueError, match=r"^operation: 'usr\.\*': did you mean 'user\.\*'"):
        scim.sweep(lambda: pytest.fail("it is not run"), operation="usr.*")
    with pytest.raises(ValueError, match=r"^invariants: expected some of I1 to I13"):
        scim.sweep(careful, invariants=[])


def test_one_case_is_run_again_alone(scim):
    """By its name; ``7`` and ``7:after`` stand for all that begin so. What is none is refused with what there is."""

    def names(only):
        return [run.case for run in scim.sweep(careful, outcomes=("503", "reset"), only=only).runs]

    assert names("2:after:reset") == ["2:after:reset"]
    assert names("2:after") == ["2:after:503", "2:after:reset"]
    assert names(["4", "1:before:503"]) == [
        "1:before:503",
        *(f"4:{p}:{o}" for p in ("before", "after") for o in ("503", "reset")),
    ]
    with pytest.raises(
        ValueError, match=r"no case '9:after:503'.*requests are 1 to 4, each with before:503, after:503"
    ):
        scim.sweep(careful, outcomes="503", only="9:after:503")


def test_failed_cases_are_kept_in_a_file(scim, tmp_path):
    """They are run again alone, until they hold; what failed and was not run has failed still."""
    path = tmp_path / "sweep.json"
    options = {"outcomes": "503", "check": False, "save": path}
    assert [run.case for run in scim.sweep(careless, only="failed", **options).runs] == [
        f"{n}:{phase}:503" for n in (1, 2) for phase in ("before", "after")
    ]
    assert [run.case for run in scim.sweep(careless, only="failed", **options).runs] == ["1:after:503", "2:after:503"]
    assert scim.sweep(careless, only="1:after:503", invariants="I1", **options).ok
    assert '"2:after:503"' in path.read_text("utf-8")
    assert '"1:after:503"' not in path.read_text("utf-8")
    assert scim.sweep(careful, only="failed", **options).ok
    assert scim.sweep(careful, only="failed", **options).runs == ()
    path.write_text('{"seed": 7, "failed": ["9:after:503"]}', "utf-8")
    assert "no longer there: 9:after:503" in scim.sweep(careful, only="failed", **options).table()
    path.write_text("[]", "utf-8")
    with pytest.raises(ValueError, match=r"sweep\.json holds no failed cases"):
        scim.sweep(careful, only="failed", **options)


def test_the_client_may_take_the_mock_scim(scim):
    """It is given to whom takes an argument: not to a lambda without, nor over a default of another name."""

    class Synchroniser:
        def __init__(self, scim):
            self.scim = scim

        def run(self, times=1):
            assert times == 1
            careful(self.scim)

        def __call__(self, scim):
            careful(scim)

    for client in (careful, lambda: careful(scim), Synchroniser(scim).run, Synchroniser(None)):
        assert scim.sweep(client, "after", "reset").ok


def test_a_client_must_leave_the_rule_in_place(scim):
    """Who resets the server takes the fault away: that is told after the clean run, or nothing is struck."""

    def always():
        scim.reset()
        careful(scim)

    with pytest.raises(AssertionError, match="it took the sweep's rule away: a client that is swept must not reset"):
        scim.sweep(always)

    def in_trouble():
        if create(scim, NAMES[0])[0] not in (201, 409):
            scim.reset()
        careful(scim)

    result = scim.sweep(in_trouble, "before", "503", only="1")
    assert result.missed == ["1:before:503"]


def test_faults_of_the_whole_server_strike_once_as_well(scim):
    """What takes the provider away for a while does so from the struck request on, for no other case."""

    def client():
        for _ in range(40):
            if find(scim, NAMES[0]) or create(scim, NAMES[0])[0] == 201:
                break
            time.sleep(0.005)

    result = scim.sweep(client, "before", ("refuse(20ms)", "rate_limit(1)", "read_only"), invariants="I1,I2,I3")
    assert [case for case in result.cases if case not in result.missed] == [
        "1:before:refuse(20ms)",
        "2:before:refuse(20ms)",
        "2:before:read_only",
    ]


def test_clients_keep_their_connections(scim):
    """A reset between runs ends no connection that is idle: a client's session may outlive them all."""
    with httpx.Client(**settings(scim)) as session:

        def client():
            for name in NAMES:
                for _ in range(3):
                    try:
                        found = session.get("Users", params={"filter": f'userName eq "{name}"'})
                        if found.is_success and (
                            found.json()["Resources"] or session.post("Users", json={"userName": name}).is_success
                        ):
                            break
                    except httpx.HTTPError:
                        continue

        assert scim.sweep(client, outcomes=("503", "reset")).ok
