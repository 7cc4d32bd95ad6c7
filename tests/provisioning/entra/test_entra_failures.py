"""What goes wrong: error codes, escrows and their series, 429, the connection."""

import pytest
from entra_drive import DAY, HOUR, START, Run, answers, codes, company

from mockscim.clock import format_instant
from mockscim.provisioning.wire import Answer, drive

BUSY = answers(429, {"detail": "slow down"}, method="POST", headers={"Retry-After": "7"})
LOST = "InvalidAnchor"


def failing(*names, status=500, **settings):
    """A job whose creates are refused."""
    run = Run(company(*names), **settings)
    run.target.say = [answers(status, {"detail": "no"}, method="POST")]
    return run


def many(count):
    return [f"u{n:02}" for n in range(count)]


# --- error codes ---


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "WebExceptionProtocolError"),
        (403, "InsufficientRights"),
        (405, "MethodNotAllowed"),
        (409, "Conflict"),
        (422, "UnprocessableEntity"),
        (429, "TooManyRequests"),
        (500, "InternalServerError"),
        (501, "NotImplemented"),
        (503, "InternalServerError"),
    ],
)
def test_an_answer_has_the_provisioning_logs_error_code(status, code):
    """Each status has the code of the documentation, and the object goes into escrow."""
    run = failing("ann", status=status)
    assert codes(run.cycle()) == [("Ann", "create", "failure", code)]
    assert list(run.job.state.escrows) == ["User:object:src-ann"]


@pytest.mark.parametrize(("error", "code"), [("timeout", "Timeout"), ("connection", "WebExceptionProtocolError")])
def test_no_answer_has_a_code_of_its_own(error, code):
    """A time-out is told from a connection that breaks."""
    run = Run(company("ann"))
    run.target.say = [answers(None, method="POST", error=error)]
    assert codes(run.cycle())[0][3] == code


@pytest.mark.parametrize("body", ["<html>", None, {"userName": "ann@example.com"}])
def test_a_create_whose_answer_has_no_id_is_incompatible(body):
    """201 must come with an id; in the next try the object is found by matching."""
    run = Run(company("ann"))
    run.target.say = [answers(201, body, method="POST")]
    assert codes(run.cycle())[0][3] == "SystemForCrossDomainIdentityManagementServiceIncompatible"


def test_a_lost_answer_to_a_create_ends_in_a_match():
    """The create was committed: the next try finds it, and does not create it twice."""
    run = Run(company("ann"))

    def lose(request):
        if request.method != "POST":
            return None
        run.target.answer(request)
        return Answer(None, error="timeout")

    run.target.say = [lose]
    run.cycle()
    run.target.say = []
    run.now = START + 6 * HOUR
    run.again()
    assert run.target.sent("POST") == []
    assert run.link("ann").id == run.target.users["ann@example.com"]["id"]


def test_a_conflict_is_matched_again_at_the_next_try():
    """409: the account that conflicts is found by then if it matches; the escrow ends."""
    run = failing("ann", status=409)
    run.cycle()
    run.target.say = []
    run.target.ask("POST", "/Users", {"userName": "ann@example.com"})
    run.now = START + 6 * HOUR
    run.again()
    assert (run.job.state.escrows, run.target.sent("POST")) == ({}, [])


def test_the_reason_has_the_pattern_of_real_ones():
    """Status, message, web response, how often it was retried, and when it will be again."""
    run = failing("ann", status=400)
    info = run.cycle().entries[0]["provisioningStatusInfo"]["errorInformation"]
    due = format_instant(START + 6 * HOUR)
    assert info["reason"] == (
        'StatusCode: BadRequest Message: create user: the target refused. Web Response: {"detail":"no"}. '
        f"This operation was retried 0 times. It will be retried again after this date: {due} UTC"
    )


# --- a cached id that is gone ---


def test_a_stale_id_is_invalid_anchor_and_matched_again_in_the_next_cycle():
    """GET by the cached id is 404: the link is forgotten, and 40 minutes later the person is created anew."""
    run = Run(company("ann"))
    run.cycle()
    before = run.link("ann").id
    run.target.ask("DELETE", f"/Users/{before}")
    run.directory.edit_user("src-ann", jobTitle="Lead")
    assert codes(run.again()) == [("Ann", "update", "failure", LOST)]
    assert codes(run.again()) == [("Ann", "create", "success", None)]
    assert run.link("ann").id == run.target.users["ann@example.com"]["id"] != before


def test_a_switch_matches_again_at_once():
    """rematch="at once": the step failed, the object did not."""
    run = Run(company("ann"), rematch="at once")
    run.cycle()
    run.target.ask("DELETE", f"/Users/{run.link('ann').id}")
    run.directory.edit_user("src-ann", jobTitle="Lead")
    cycle = run.again()
    assert codes(cycle) == [("Ann", "create", "success", None)]
    assert LOST in [step["details"].get("ErrorCode") for step in cycle.entries[0]["provisioningSteps"]]


def test_a_group_that_vanished_is_made_anew_with_its_members():
    """A PATCH of members is 404: the group is created again in the next cycle, and its members are added."""
    run = Run(company("ann", "bo", groups={"Eng": ["ann", "bo"]}))
    run.cycle()
    run.target.ask("DELETE", f"/Groups/{run.link('Eng', 'Group').id}")
    run.directory.add_user({"id": "src-cy", "userPrincipalName": "cy@example.com", "displayName": "Cy"})
    run.directory.add_member("grp-Eng", "src-cy")
    assert codes(run.again())[-1] == ("Eng", "update", "failure", LOST)
    run.again()
    assert run.target.groups == {"Eng": ["ann@example.com", "bo@example.com", "cy@example.com"]}


def test_whoever_is_gone_already_need_not_be_disabled_or_deleted():
    """404 to a DELETE is as good as 204; who is to be disabled and is not there is passed by."""
    run = Run(company("ann", "bo"))
    run.cycle()
    for name in ("ann", "bo"):
        run.target.ask("DELETE", f"/Users/{run.link(name).id}")
    run.directory.unassign("src-ann")
    run.directory.hard_delete_user("src-bo")
    assert codes(run.again()) == [("Bo", "delete", "success", None), ("Ann", "disable", "skipped", LOST)]
    assert (run.job.state.users, run.job.state.escrows) == ({}, {})


# --- escrows ---


def tries(run, end):
    """When the target was asked to create somebody, in hours after the first time."""
    found = []

    def note(request):
        if request.method == "POST":
            found.append((run.now - START) / HOUR)
        return

    run.target.say.insert(0, note)
    run.until(end)
    return found


def test_a_failure_is_tried_again_by_the_documented_series():
    """6 h, 12 h, 24 h after the first failure, then every 24 h; each by the first cycle that comes after."""
    found = tries(failing("ann"), START + 5 * DAY - HOUR)
    assert [int(each) for each in found] == [0, 6, 12, 24, 48, 72, 96]
    assert max(each - int(each) for each in found) < 40 / 60 + 0.01


def test_a_switch_tries_again_in_the_next_cycle_first():
    """first_retry="next-cycle"; then the series goes on."""
    found = tries(failing("ann", first_retry="next-cycle"), START + DAY)
    assert [round(each, 2) for each in found[:3]] == [0, 0.67, 6.0]


def test_a_change_in_the_source_is_tried_without_waiting():
    """The escrow does not keep a changed object back; success ends it."""
    run = failing("ann")
    run.cycle()
    run.directory.edit_user("src-ann", jobTitle="Lead")
    run.target.say = []
    run.cycle()
    assert (run.job.state.escrows, list(run.target.users)) == ({}, ["ann@example.com"])


def test_after_28_days_the_entry_is_dropped_and_the_job_disabled():
    """An event says so; a start goes on."""
    run = failing("ann")
    run.until(START + 30 * DAY)
    assert (run.job.state.escrows, run.job.status()["schedule"]["state"]) == ({}, "Disabled")
    events = [event for cycle in run.cycles for event in cycle.events]
    assert [each["event"] for each in events] == ["disabled"]
    assert "28 days" in run.job.why_not()


def test_a_switch_lets_the_job_go_on_without_the_entry():
    """escrow_ends_job=false."""
    run = failing("ann", escrow_ends_job=False)
    run.until(START + 30 * DAY)
    assert (run.job.state.escrows, run.job.status()["schedule"]["state"]) == ({}, "Active")


def test_a_reference_waits_for_whoever_failed():
    """A member who could not be created is added when that has been made good."""
    run = Run(company("ann", "bo", groups={"Eng": ["ann", "bo"]}))
    refuse = answers(500, method="POST", start="/Users", times=1)
    run.target.say = [refuse]
    run.cycle()
    assert run.target.groups == {"Eng": ["bo@example.com"]}
    assert sorted(run.job.state.escrows) == ["Group:references:grp-Eng", "User:object:src-ann"]
    run.until(START + 7 * HOUR)
    assert run.target.groups == {"Eng": ["ann@example.com", "bo@example.com"]}
    assert run.job.state.escrows == {}


# --- 429 ---


def test_429_fails_the_object_like_any_other_error():
    """The default: TooManyRequests, and no second request in the same cycle."""
    run = Run(company("ann"))
    run.target.say = [BUSY]
    assert codes(run.cycle())[0][3] == "TooManyRequests"
    assert len(run.target.sent("POST")) == 1


def test_429_is_honoured_where_one_says_so():
    """The same request comes again, Retry-After seconds later; so many times."""
    run = Run(company("ann"), throttling="honour")
    run.target.say = [answers(429, method="POST", headers={"retry-after": "7"}, times=2)]
    assert codes(run.cycle())[0][2] == "success"
    assert [each.after for each in run.target.sent("POST")] == [0, 7, 7]
    other = Run(company("ann"), throttling="honour", throttled_attempts=3, throttled_delay=2.0)
    other.target.say = [answers(429, method="POST")]
    assert codes(other.cycle())[0][3] == "TooManyRequests"
    assert [each.after for each in other.target.sent("POST")] == [0, 2, 2, 2]


def test_retry_after_may_be_a_date():
    """RFC 9110: a number of seconds or a date; anything else is as if there were none."""
    from mockscim.provisioning.entra.failures import retry_after

    date = "Mon, 05 Jan 2026 08:01:30 GMT"
    assert retry_after(Answer(429, {"Retry-After": date}), START) == 90.0
    assert retry_after(Answer(429, {"Retry-After": "soon"}), START) is None
    assert retry_after(Answer(429), START) is None


# --- the connection ---


def connection(*say, **settings):
    run = Run(company("ann"), **settings)
    run.target.say = list(say)
    return drive(run.job.test_connection(), run.target)


@pytest.mark.parametrize(
    ("answer", "exit_status", "words"),
    [
        (answers(401, {"detail": "no"}), 1, "You appear to have entered invalid credentials"),
        (answers(403), 1, "administrator"),
        (answers(404), 1, "not compatible with SCIM 2.0"),
        (answers(200, "<html>Sign in</html>"), 1, "You appear to have entered invalid credentials"),
        (answers(200, {"totalResults": 1, "Resources": [{"id": "1"}]}), 1, "empty ListResponse"),
        (answers(200, {}), 1, "empty ListResponse"),
        (answers(503), 3, "could not answer just now"),
        (answers(429), 3, "could not answer just now"),
        (answers(None, error="timeout"), 3, "did not answer in time"),
        (answers(None, error="connection refused"), 3, "cannot be reached (connection refused)"),
    ],
)
def test_a_connection_that_does_not_work_is_told_in_words(answer, exit_status, words):
    """Each has its message and exit status: 1 for refused, 3 for no answer."""
    found = connection(answer)
    assert (found.ok, found.exit_status) == (False, exit_status)
    assert words in found.message


def test_a_connection_that_works_asks_for_a_random_user_and_group():
    """200 with an empty ListResponse is success; the GUIDs differ from one test to the next."""
    run = Run(company("ann"))
    first = drive(run.job.test_connection(), run.target)
    drive(run.job.test_connection(), run.target)
    assert (first.ok, first.exit_status) == (True, 0)
    assert len({each.path for each in run.target.requests}) == 4


def test_groups_that_are_not_mapped_are_not_asked_for():
    """With groups switched off there is one request, and no group is provisioned."""
    from mockscim.provisioning import mapping

    users = mapping.dump(mapping.load("non-gallery"))["users"]
    run = Run(company("ann", groups={"Eng": ["ann"]}), None, mapping.load({"users": users}))
    drive(run.job.test_connection(), run.target)
    assert len(run.target.requests) == 1
    run.cycle()
    assert run.target.groups == {}
