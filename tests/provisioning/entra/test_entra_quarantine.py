"""Too much goes wrong: quarantine with its thresholds and its end, and the prevention of accidental deletions."""

import itertools

import pytest
from entra_drive import DAY, MINUTE, START, Run, answers, codes, company

from mockscim.provisioning.entra import Thresholds
from mockscim.provisioning.wire import Answer


def many(count):
    return [f"u{n:02}" for n in range(count)]


# --- quarantine ---


@pytest.mark.parametrize(("status", "code"), [(401, "Unauthorized"), (403, "InsufficientRights"), (404, None)])
def test_bad_credentials_and_incompatible_endpoints_are_quarantined_at_once(status, code):
    """The probe is refused: no object is touched, the watermark stays, and an event is there to be mailed."""
    run = Run(company("ann"), notification_email="ops@example.com")
    run.target.say = [answers(status, {"detail": "no"})]
    cycle = run.cycle()
    assert (run.code, run.quarantine["reason"]) == ("Quarantine", "EncounteredQuarantineException")
    assert run.quarantine["error"]["code"] == code or code is None
    assert run.quarantine["error"]["tenantActionable"] is True
    assert (len(run.target.requests), cycle.entries, cycle.execution.state) == (1, [], "Failed")
    assert [(each["event"], each["to"]) for each in cycle.events] == [("quarantine", "ops@example.com")]
    assert run.job.state.watermark is None


def test_a_job_that_is_disabled_or_stopped_has_no_next_attempt():
    """Graph's document leaves it out."""
    run = Run(company("ann"))
    run.target.say = [answers(401)]
    run.cycle()
    assert run.quarantine["nextAttempt"] is not None
    run.job.stop(run.now)
    assert "nextAttempt" not in run.quarantine
    run.job.state.schedule = "Active"
    run.until(START + 40 * DAY)
    assert run.job.status()["schedule"]["state"] == "Disabled"
    assert "nextAttempt" not in run.quarantine


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "the target refuses the credentials."),
        (404, "the target is no SCIM endpoint, or wants a sign-in."),
        (503, "the target cannot be reached or cannot answer, cycle after cycle."),
    ],
)
def test_the_words_of_a_quarantine_fit_its_cause(status, words):
    """The code is Microsoft's one for all three."""
    run = Run(company("ann"), complete_failures=2)
    run.target.say = [answers(status)]
    events = [*run.cycle().events, *run.cycle().events]
    assert run.quarantine["reason"] == "EncounteredQuarantineException"
    assert [f"quarantine: {words}" in event["text"] for event in events] == [True]


def test_a_quarantine_is_announced_once():
    """Not again while it lasts; a second one is."""
    run = Run(company("ann"))
    run.target.say = [answers(401)]
    told = [len(run.cycle().events) for _ in range(3)]
    run.target.say = []
    assert [each["event"] for each in run.cycle().events] == ["recovered"]
    run.directory.edit_user("src-ann", jobTitle="Lead")
    run.target.say = [answers(401)]
    assert (told, len(run.cycle().events)) == ([1, 0, 0], 1)


def test_credentials_that_are_revoked_in_the_middle_end_the_cycle():
    """401 to an object: nothing is begun after that, and everything is looked at again when it is put right."""
    run = Run(company(*many(5)))
    asked = []

    def revoke(request):
        asked.append(request)
        return Answer(401, {}, {"detail": "revoked"}) if len(asked) > 6 else None

    run.target.say = [revoke]
    run.cycle()
    assert len(asked) == 7
    assert run.quarantine["reason"] == "EncounteredQuarantineException"
    run.target.say = []
    run.cycle()
    assert (len(run.target.users), run.quarantine, run.job.state.escrows) == (5, None, {})


def test_in_quarantine_cycles_come_ever_less_often_and_once_a_day_in_the_end():
    """The pause doubles, to a day."""
    run = Run(company("ann"))
    run.target.say = [answers(401)]
    run.until(START + 6 * DAY)
    times = [cycle.execution.timeBegan for cycle in run.cycles]
    gaps = [round((b - a) / MINUTE) for a, b in itertools.pairwise(times)]
    assert gaps == [80, 160, 320, 640, 1280, 1440, 1440, 1440, 1440]
    assert run.quarantine["seriesCount"] == len(times)


def test_after_four_weeks_in_quarantine_the_job_is_disabled():
    """No cycle comes any more; a start begins again."""
    run = Run(company("ann"))
    run.target.say = [answers(401)]
    run.until(START + 40 * DAY)
    last = run.cycles[-1].execution.timeBegan
    assert 28 * DAY <= last - START < 29 * DAY
    assert [each["event"] for cycle in run.cycles for each in cycle.events] == ["quarantine", "disabled"]
    run.target.say = []
    run.job.start(run.now)
    run.until(run.now)
    assert (run.code, list(run.target.users)) == ("Active", ["ann@example.com"])


def test_a_target_that_is_away_for_a_while_is_no_quarantine():
    """503 or no answer to the probe: the cycle fails, and the next comes as ever; too many in a row are too many."""
    run = Run(company("ann"), complete_failures=3)
    run.target.say = [answers(503)]
    run.cycle()
    run.cycle()
    status = run.job.status()["status"]
    assert (status["code"], status["countSuccessiveCompleteFailures"]) == ("Active", 2)
    assert run.job.next_cycle() == run.cycles[-1].execution.timeBegan + 40 * MINUTE
    run.cycle()
    assert run.code == "Quarantine"
    run.target.say = []
    run.cycle()
    assert (run.code, run.job.status()["status"]["countSuccessiveCompleteFailures"]) == ("Active", 0)


def after_start(names, thresholds, refuse):
    """A job that runs, and then gets people whose create is refused where ``refuse`` says so."""
    run = Run(company("ann"), thresholds=thresholds)
    run.cycle()
    for name in names:
        run.directory.add_user({"id": f"src-{name}", "userPrincipalName": f"{name}@example.com"})
        run.directory.assign(f"src-{name}")
    run.target.say = [lambda r: answers(500)(r) if r.method == "POST" and refuse(r.body["userName"]) else None]
    run.cycle()
    return run


def test_more_than_forty_percent_of_failures_is_quarantined():
    """Judged once there are enough failures; at forty percent it is not too many."""
    limits = Thresholds(begin=4)
    assert after_start(many(10), limits, lambda name: name < "u04").quarantine is None
    worse = after_start(many(10), limits, lambda name: name < "u05")
    assert worse.quarantine["reason"] == "EncounteredEscrowProportionThreshold"
    assert after_start(many(3), limits, lambda _: True).quarantine is None


def test_too_many_failures_are_quarantined_whatever_their_part():
    """More than 40,000; here more than five."""
    limits = Thresholds(begin=4, proportion=1.0, base=5)
    assert after_start(many(5), limits, lambda _: True).quarantine is None
    run = after_start(many(6), limits, lambda _: True)
    assert run.quarantine["reason"] == "EncounteredBaseEscrowThreshold"


def test_failures_of_references_are_not_among_the_forty_percent():
    """Four of ten creates fail, and three groups' members: that is forty percent, no more."""
    run = Run(company("ann"), thresholds=Thresholds(begin=4))
    run.cycle()
    for name in many(10):
        run.directory.add_user({"id": f"src-{name}", "userPrincipalName": f"{name}@example.com"})
        run.directory.assign(f"src-{name}")
    for n in range(3):
        run.directory.add_group({"id": f"grp-{n}", "displayName": f"g{n}", "members": ["src-u09"]})
        run.directory.assign(f"grp-{n}")
    run.target.say = [
        answers(500, method="PATCH", start="/Groups"),
        lambda r: answers(500)(r) if r.method == "POST" and r.body.get("userName", "z") < "u05" else None,
    ]
    run.cycle()
    assert len(run.job.state.escrows) == 8
    assert run.quarantine is None


def test_failures_of_references_count_for_the_total_alone():
    """60,000 with references; here three. Without it, they put nobody in quarantine."""

    def run_with(limits):
        run = Run(company("ann", groups={}), thresholds=limits)
        run.cycle()
        for n in range(3):
            run.directory.add_group({"id": f"grp-{n}", "displayName": f"g{n}", "members": ["src-ann"]})
            run.directory.assign(f"grp-{n}")
        run.target.say = [answers(500, method="PATCH", start="/Groups")]
        run.cycle()
        return run

    assert run_with(Thresholds(begin=1, base=1, total=4)).quarantine is None
    found = run_with(Thresholds(begin=1, base=1, total=3))
    assert found.quarantine["reason"] == "EncounteredTotalEscrowThreshold"


def test_a_job_leaves_its_quarantine_when_errors_are_cleared():
    """The retries succeed, so the next cycle is out of it."""
    run = after_start(many(10), Thresholds(begin=4), lambda _: True)
    assert run.code == "Quarantine"
    run.target.say = []
    run.until(run.now + DAY)
    assert (run.code, len(run.target.users)) == ("Active", 11)
    assert [each["event"] for cycle in run.cycles for each in cycle.events] == ["quarantine", "recovered"]


def test_an_initial_cycle_prunes_its_escrows_and_pauses_at_its_end():
    """Instead of a quarantine: escrowsPruned, the cycle goes on to its end, and the job waits for a start."""
    names = many(6)
    run = Run(company(*names, groups={"Eng": names}), thresholds=Thresholds(begin=4))
    run.target.say = [lambda r: answers(500)(r) if r.method == "POST" and r.path == "/Users" else None]
    run.cycle()
    status = run.job.status()
    assert status["status"]["escrowsPruned"] is True
    assert (status["status"]["code"], status["schedule"]["state"], run.quarantine) == ("Paused", "Paused", None)
    assert run.target.groups == {"Eng": []}
    assert run.job.next_cycle() is None
    run.target.say = []
    run.job.restart(run.now, "Watermark")
    run.cycle()
    assert run.job.status()["status"]["escrowsPruned"] is False
    assert run.target.groups == {"Eng": [f"{name}@example.com" for name in names]}


def test_a_start_lifts_a_quarantine_and_so_does_a_restart():
    """A restart of QuarantineState or with nothing named; with Escrows alone it stays."""
    for lift in (lambda job, now: job.start(now), lambda job, now: job.restart(now)):
        run = Run(company("ann"))
        run.target.say = [answers(401)]
        run.cycle()
        run.job.restart(run.now, "Escrows")
        assert run.code == "Quarantine"
        lift(run.job, run.now)
        assert (run.code, run.job.next_cycle()) == ("Active", run.now)


# --- accidental deletions ---


def guarded(count=6, threshold=3, **more):
    names = many(count)
    run = Run(company(*names, groups={"Eng": names}), deletion_threshold=threshold, **more)
    run.cycle()
    run.target.forget()
    return run


def test_deletions_up_to_the_threshold_are_made():
    """Three of three are no accident."""
    run = guarded()
    for name in many(3):
        run.directory.remove_member("grp-Eng", f"src-{name}")
    run.cycle()
    assert (len(run.target.active()), run.quarantine) == (3, None)


def test_more_deletions_than_the_threshold_are_staged():
    """None of them is made, each is logged as StagedDelete, and the job is in quarantine."""
    run = guarded()
    run.directory.unassign("grp-Eng")
    run.directory.add_user({"id": "src-new", "userPrincipalName": "new@example.com"})
    run.directory.assign("src-new")
    cycle = run.cycle()
    assert run.quarantine["reason"] == "TooManyDeletes"
    assert [each[1:] for each in codes(cycle) if each[1] == "stageddelete"] == [
        ("stageddelete", "skipped", "StagedAction")
    ] * 7
    assert len(run.target.active()) == 7  # who is new comes in all the same
    assert list(run.target.groups) == ["Eng"]


def test_an_administrator_allows_the_deletions():
    """ForceDeletes: what was held back is done in the next cycle, and the quarantine is over."""
    run = guarded()
    run.directory.unassign("grp-Eng")
    run.cycle()
    run.cycle()
    assert len(run.target.active()) == 6
    run.job.restart(run.now, "ForceDeletes")
    run.cycle()
    assert (run.target.active(), run.target.groups, run.code) == ([], {}, "Active")
    assert not run.job.state.deletes_forced


def test_the_scope_put_right_and_a_restart_undo_it():
    """Nobody was disabled, and nobody is."""
    run = guarded()
    run.directory.unassign("grp-Eng")
    run.cycle()
    run.directory.assign("grp-Eng")
    run.job.restart(run.now)
    run.again()
    assert [each.method for each in run.target.requests if each.method != "GET"] == []
    assert (len(run.target.active()), run.code, run.job.state.staged) == (6, "Active", [])


def test_what_is_held_back_is_not_forgotten_by_later_cycles():
    """One more who leaves is held back, too, as long as the quarantine lasts."""
    run = guarded()
    run.directory.assign("src-u05")
    run.directory.unassign("grp-Eng")
    run.cycle()
    run.directory.unassign("src-u05")
    run.again()
    assert len(run.target.active()) == 6
    assert len(run.job.state.staged) == 7


def test_a_scope_that_is_put_right_in_part_does_not_release_the_rest():
    """As long as the quarantine lasts, not even one is disabled; a restart judges anew."""
    run = guarded()
    run.directory.unassign("grp-Eng")
    run.cycle()
    run.directory.assign("grp-Eng")
    run.directory.remove_member("grp-Eng", "src-u00")
    run.cycle()
    assert (len(run.target.active()), run.quarantine["reason"]) == (6, "TooManyDeletes")
    run.job.restart(run.now)
    run.cycle()
    assert (len(run.target.active()), run.code) == (5, "Active")


def test_what_waits_counts_with_what_comes_after_a_start():
    """A start lifts the quarantine and decides nothing: one more who leaves is held back with the others."""
    run = guarded()
    run.directory.assign("src-u05")
    run.directory.unassign("grp-Eng")
    run.cycle()
    run.job.start(run.now)
    run.directory.unassign("src-u05")
    run.cycle()
    assert len(run.target.active()) == 6


def test_who_was_blocked_and_came_back_counts_again():
    """Those who are disabled already are no accident; those who were enabled since are."""
    run = guarded()
    for enabled in (False, True):
        for name in many(6):
            run.directory.edit_user(f"src-{name}", accountEnabled=enabled)
            if name in ("u02", "u05"):
                run.cycle()
    assert len(run.target.active()) == 6
    run.directory.unassign("grp-Eng")
    run.cycle()
    assert (len(run.target.active()), run.quarantine["reason"]) == (6, "TooManyDeletes")


def test_without_a_threshold_there_is_no_guard():
    """The prevention is something to be switched on."""
    run = guarded(threshold=None)
    run.directory.unassign("grp-Eng")
    run.cycle()
    assert run.target.active() == []
