"""A cycle that is interrupted has neither failed nor ended: the next one goes on with it."""

import pytest
from entra_drive import MINUTE, START, Run, answers, codes, company

from mockscim.provisioning.entra import Job
from mockscim.provisioning.mapping import load
from mockscim.provisioning.wire import drive


def broken_off(run, objects):
    """A cycle of which so many objects of the first phase of people are done."""
    cycle = run.job.cycle(run.directory, run.now)
    for phase in cycle.phases():
        for item in phase.items[: objects if phase.name == "users" else None]:
            item.end(drive(item.steps(), run.target), run.now)
        if phase.name == "users":
            break
    cycle.finish(run.now)
    return cycle


def test_it_has_not_failed_and_no_interval_passes():
    """No execution has ended; the next cycle is due at once; what was provisioned counts."""
    run = Run(company("ann", "bo", "cy"))
    cycle = broken_off(run, 2)
    status = run.job.status()["status"]
    assert (status["lastExecution"], status["countSuccessiveCompleteFailures"]) == (None, 0)
    assert (cycle.execution.state, cycle.execution.countExported) == ("Succeeded", 2)
    assert run.job.next_cycle() == START
    assert {"key": "User", "value": 2} in status["synchronizedEntryCountByType"]


def test_the_next_one_goes_on_with_it():
    """Number, id and counts are the same one's, also after the job was written and read; the log repeats no id."""
    run = Run(company("ann", "bo", "cy"))
    first = broken_off(run, 2)
    run.job = Job.load(run.job.dump())
    second = run.again()
    assert (second.resumed, second.initial, second.number, second.id) == (True, True, first.number, first.id)
    last = run.job.status()["status"]["lastExecution"]
    counts = {name: last[name] for name in ("countExported", "countEntitled", "countImported", "state", "timeBegan")}
    assert counts == {
        "countExported": 3,
        "countEntitled": 3,
        "countImported": 3,
        "state": "Succeeded",
        "timeBegan": "2026-01-05T08:00:00.000Z",
    }
    assert len(run.target.sent("POST")) == 1
    ids = [entry["id"] for entry in (*first.entries, *second.entries)]
    assert len(set(ids)) == len(ids)
    assert run.job.next_cycle() == START + 40 * MINUTE
    third = run.cycle()
    assert (third.resumed, third.number) == (False, first.number + 1)


def test_it_may_be_interrupted_again_and_again():
    """Each go adds to the counts, and none costs a number or an interval."""
    run = Run(company(*(f"u{n}" for n in range(6))))
    for done in (1, 3, 4):
        assert broken_off(run, done).number == 1
    assert (run.job.next_cycle(), run.job.state.unfinished.execution.countExported) == (START, 4)
    assert run.cycle().number == 1
    assert run.job.status()["status"]["lastExecution"]["countExported"] == 6


def test_credentials_that_were_refused_ended_it():
    """Whoever interrupts a cycle that is over already has interrupted nothing."""
    run = Run(company("ann", "bo"))
    run.target.say = [answers(401, method="POST")]
    cycle = broken_off(run, 1)
    assert (cycle.execution.state, run.code, run.job.state.unfinished) == ("Failed", "Quarantine", None)


@pytest.mark.parametrize(
    "change", [lambda run: run.job.restart(run.now), lambda run: run.job.configure(run.now, schema=load("segment"))]
)
def test_a_restart_and_another_mapping_begin_a_new_one(change):
    """Nothing is left to go on with."""
    run = Run(company("ann", "bo"))
    broken_off(run, 1)
    change(run)
    cycle = run.cycle()
    assert (cycle.resumed, cycle.initial, cycle.number) == (False, True, 2)


def test_an_incremental_cycle_goes_on_with_the_same_changes():
    """The watermark stays where it was until the cycle is through."""
    run = Run(company("ann", "bo"))
    run.cycle()
    for name in ("src-ann", "src-bo"):
        run.directory.edit_user(name, jobTitle="Lead")
    assert not broken_off(run, 1).initial
    cycle = run.again()
    assert (cycle.resumed, cycle.initial, cycle.number) == (True, False, 2)
    assert len(run.target.sent("PATCH")) == 1
    assert [code for _, _, _, code in codes(cycle)] == ["RedundantExport", None]
