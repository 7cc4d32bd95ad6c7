"""What an administrator sees when something goes wrong: tasks, and events of the System Log."""

import orjson
import pytest
from okta_driver import NOW, Script, Target, app, directory, listed, person, refused, run

from mockscim.provisioning.okta import guesses
from mockscim.provisioning.okta.settings import Settings
from mockscim.provisioning.wire import Answer, drive

ANN = person("Ann Ashdown")
ANN_NAME = "ann@example.com"
CREATING = "Automatic provisioning of user ann@example.com to app Segment failed: "
CONFLICT = "Conflict. Errors reported by remote server: User already exists in the database."
PUSHING = "Automatic profile push of user Ann Ashdown to app Segment failed: "


def failing(*answers, **settings):
    """What an assignment that gets these answers leaves: the application, and the push."""
    made = app(app_name="Segment", **settings)
    return made, run(made.push(directory(ANN), NOW), Script(*answers))


@pytest.mark.parametrize(
    ("answer", "text", "reason"),
    [
        (
            Answer(201),
            "Error while creating user Ann Ashdown: Create new user returned empty user.",
            "Create new user returned empty user.",
        ),
        (
            Answer(201, {}, {}),
            "Error while creating user Ann Ashdown: Create new user returned empty user.",
            "Create new user returned empty user.",
        ),
        (
            refused(409, "User already exists in the database."),
            f"Error while creating user Ann Ashdown: {CONFLICT}",
            CONFLICT,
        ),
        (
            refused(401, "no"),
            "The credentials used to connect to the API were invalid; please check your configuration",
            "The credentials used to connect to the API were invalid; please check your configuration",
        ),
        (
            Answer(500),
            "Error while creating user Ann Ashdown: Internal Server Error.",
            "Internal Server Error.",
        ),
        (
            Answer(502, {}, "<html>bad</html>"),
            "Error while creating user Ann Ashdown: Bad Gateway. Errors reported by remote server: <html>bad</html>",
            "Bad Gateway. Errors reported by remote server: <html>bad</html>",
        ),
        (Answer(None, error="timeout"), "Error while creating user Ann Ashdown: Read timed out", "Read timed out"),
        (Answer(599), "Error while creating user Ann Ashdown: HTTP 599.", "HTTP 599."),
    ],
    ids=["empty body", "no id", "409", "401", "500", "502 as text", "no answer for a minute", "unknown status"],
)
def test_a_failed_creation_is_a_task_and_an_event(answer, text, reason):
    """The task says what was tried, Okta's words and the server's; the event has the reason alone."""
    made, push = failing(listed(), answer)
    assert [(task.id, task.message, task.attempts) for task in made.tasks] == [("user:id-ann", CREATING + text, 1)]
    assert push.entries[-1]["outcome"] == {"result": "FAILURE", "reason": reason}
    assert made.state.users == {}


def test_who_is_named_how_may_be_as_administrators_show_it():
    """The display name first, then the user name, by a switch."""
    made, _ = failing(listed(), Answer(201), task_wording="observed")
    tried, words = made.tasks[0].message.split(" failed: ")
    assert tried == "Automatic provisioning of user Ann Ashdown to app Segment"
    assert words.startswith("Error while creating user ann@example.com: ")


@pytest.mark.parametrize(
    ("answers", "event_type"),
    [
        ((refused(500),), "application.provision.user.verify_exists"),
        ((listed({"id": "1"}, {"id": "2"}),), "application.provision.user.verify_exists"),
        ((Answer(200, {}, "hello"),), "application.provision.user.verify_exists"),
        ((Answer(200, {}, {"totalResults": 1, "Resources": {}}),), "application.provision.user.verify_exists"),
        ((listed({"userName": ANN_NAME}),), "application.provision.user.verify_exists"),
        ((listed(), refused(400)), "application.provision.user.push"),
        ((listed({"id": "1"}), refused(400)), "application.provision.user.push_profile"),
        ((listed({"id": "1"}), Answer(200, {}, None)), "application.provision.user.push_profile"),
        ((listed({"id": "1"}), Answer(200, {}, {"id": "1"}), refused(400)), "application.provision.user.push_profile"),
        ((listed({"id": "1", "active": False}), refused(400)), "application.provision.user.reactivate"),
        ((refused(401),), "application.integration.authentication_failure"),
        ((listed(), refused(429)), "application.integration.rate_limit_exceeded"),
    ],
)
def test_the_event_type_tells_where_it_failed(answers, event_type):
    """Each step of an assignment has an event type of its own; whatever comes back, nothing is raised."""
    made, push = failing(*answers)
    assert push.entries[-1]["eventType"] == event_type
    assert made.tasks[0].event_type == event_type
    assert push.summary["failed"] == 1


def test_a_user_who_is_gone_over_there_is_an_error_of_the_profile_push():
    """The wording that AWS documents for its application."""
    target, source, made = Target(), directory(ANN), app(app_name="Segment")
    run(made.push(source, NOW), target)
    made.state.users["id-ann"].target = "gone"
    source.edit_user(ANN_NAME, displayName="Ann B", givenName="Anna")
    source.edit_user(ANN_NAME, displayName="Ann Ashdown")
    run(made.push(source, NOW), target)
    words = "Error while trying to push profile update for ann@example.com: No user returned for user gone"
    assert [task.message for task in made.tasks] == [PUSHING + words]


def test_one_who_is_gone_when_deactivated_is_done_unless_the_switch_says_otherwise():
    """There is nothing left to deactivate."""
    for way, tasks in (("done", 0), ("error", 1)):
        target, source, made = Target(), directory(ANN), app(missing_on_deactivate=way)
        run(made.push(source, NOW), target)
        made.state.users["id-ann"].target = "gone"
        source.unassign(ANN_NAME)
        run(made.push(source, NOW), target)
        assert len(made.tasks) == tasks


def test_a_task_waits_until_somebody_retries():
    """A push sends nothing for it; a retry does, and the task is gone when it works."""
    target, source, made = Target(), directory(ANN), app()
    target.break_next("POST", refused(500))
    run(made.push(source, NOW), target)
    assert run(made.push(source, NOW), target).quiet
    target.break_next("POST", refused(500))
    run(made.retry(source, NOW + 60), target, NOW + 60)
    assert [(task.attempts, task.at) for task in made.tasks] == [(2, NOW + 60)]
    run(made.retry(source, NOW + 120, ["user:id-ann"]), target)
    assert made.tasks == []
    assert list(target.users()) == [ANN_NAME]
    with pytest.raises(ValueError, match="there is no task"):
        made.retry(source, NOW, ["user:id-ann"])


def test_failed_users_are_tried_again_by_the_next_push_where_the_switch_says_so():
    """user_retry."""
    target, source, made = Target(), directory(ANN), app(user_retry="next-push")
    target.break_next("POST", refused(500))
    run(made.push(source, NOW), target)
    assert made.tasks[0].automatic
    run(made.push(source, NOW), target)
    assert list(target.users()) == [ANN_NAME]


def test_a_task_that_has_lost_its_object_goes():
    """Who could not be created and is not assigned any more is no task."""
    target, source, made = Target(), directory(ANN), app()
    target.break_next("POST", refused(500))
    run(made.push(source, NOW), target)
    source.unassign(ANN_NAME)
    run(made.push(source, NOW), target)
    assert made.tasks == []


def test_a_lost_answer_to_a_creation_is_healed_by_the_look_up_of_the_retry():
    """The account was made, the answer was not heard: it is found, not made twice."""
    target, source, made = Target(), directory(ANN), app()
    target.break_next("POST", Answer(None, error="connection"), after=True)
    run(made.push(source, NOW), target)
    run(made.retry(source, NOW), target)
    assert made.tasks == []
    assert len(target.resources("/Users")) == 1
    assert sum(each.method == "POST" for each in target.requests) == 1


def test_a_lost_creation_and_a_new_name_leave_an_account_that_nobody_knows():
    """The look-up goes by the name of now: a weakness that every client has which remembers nothing of its POST."""
    target, source, made = Target(), directory(ANN), app()
    target.break_next("POST", Answer(None, error="connection"), after=True)
    run(made.push(source, NOW), target)
    source.edit_user(ANN_NAME, userPrincipalName="ann.a@example.com")
    run(made.retry(source, NOW), target)
    assert made.tasks == []
    assert sorted(target.users()) == ["ann.a@example.com", ANN_NAME]


def test_429_is_an_error_or_is_waited_for():
    """By a switch; what is waited for is what Retry-After says, or a guess."""
    for headers, after in (({"retry-after": "7"}, 7.0), ({}, 10.0)):
        target, source, made = Target(), directory(ANN), app(throttling="honour")
        target.break_next("POST", Answer(429, headers))
        run(made.push(source, NOW), target)
        assert made.tasks == []
        assert [each.after for each in target.requests] == [0.0, 0.0, after]
    script = Script(Answer(429))
    made = app(throttling="honour", throttled_attempts=2)
    run(made.push(directory(ANN), NOW), script)
    assert len(script.requests) == 3
    assert len(made.tasks) == 1


def test_an_account_that_belongs_to_another_is_not_taken_over():
    """Two users of the source cannot have one account."""
    ben = person("Ben Bray")
    made = app()
    found, done = listed({"id": "1"}), Answer(200, {}, {"id": "1"})
    run(made.push(directory(ANN, ben), NOW), Script(found, done, done, found))
    assert [task.key for task in made.tasks] == ["id-ben"]
    assert "linked to another Okta user" in made.tasks[0].message


def test_failed_groups_are_named_as_observed():
    """The wordings of two public issues."""
    made = app(push_groups="all")
    source = directory(ANN, groups=[("Crew", [ANN_NAME])])
    target = Target()
    target.break_next("POST /Groups", refused(409, "A team with this slug already exists."))
    run(made.push(source, NOW), target)
    assert made.tasks[0].message == (
        "Unable to update Group Push mapping target App group Crew: Error while creating user group Crew: "
        "Conflict. Errors reported by remote server: A team with this slug already exists."
    )


def test_events_are_log_events():
    """All have the fields of the System Log API, ids that follow from the seed, and targets of their kind."""
    target, made = Target(), app(push_groups="all", seed=3)
    push = run(made.push(directory(ANN, groups=[("Crew", [ANN_NAME])]), NOW), target)
    assert [each["eventType"].removeprefix("application.provision.") for each in push.entries] == [
        "user.push",
        "group_push.mapping.created",
        "group_push.pushed",
        "group_push.push_memberships",
    ]
    first = push.entries[0]
    assert [each["type"] for each in first["target"]] == ["AppInstance", "AppUser", "User"]
    assert [each["type"] for each in push.entries[1]["target"]] == ["AppInstance", "UserGroup"]
    assert (first["published"], first["version"], first["severity"]) == ("2026-01-01T00:00:00.000Z", "0", "INFO")
    assert first["displayMessage"] == "Push new user to external application"
    assert first["legacyEventType"] == "app.user_management.push_new_user"
    assert {each["transaction"]["id"] for each in push.entries} == {push.id}
    assert len({each["uuid"] for each in push.entries}) == 4
    again = run(app(push_groups="all", seed=3).push(directory(ANN, groups=[("Crew", [ANN_NAME])]), NOW), Target())
    assert orjson.dumps(again.entries) == orjson.dumps(push.entries)


def test_status_counts():
    """What an administrator asks for first."""
    target, source, made = Target(), directory(ANN, person("Ben Bray")), app()
    target.break_next("POST", refused(500))
    run(made.push(source, NOW), target)
    status = made.status(NOW)
    assert status["users"] == {"active": 1, "inactive": 0}
    assert (status["tasks"], status["pushes"], status["lastPush"]["failed"]) == (1, 1, 1)
    assert status["events"] == {"application.provision.user.push": 1}


def test_guesses_are_named_and_are_switches():
    """Each guess is a setting, and says what it goes by."""
    assert set(guesses()) <= set(Settings.__struct_fields__)
    assert all(guesses().values())


@pytest.mark.parametrize(
    ("answers", "code", "exit_status"),
    [
        ((listed(),), "", 0),
        ((refused(401),), "InvalidCredentials", 1),
        ((listed(), refused(404)), "Refused", 1),
        ((Answer(200, {}, {"totalResults": "1"}),), "Incompatible", 1),
        ((Answer(200, {}, "hello"),), "Incompatible", 1),
        ((Answer(None, error="timeout"),), "NoAnswer", 3),
    ],
)
def test_testing_the_credentials(answers, code, exit_status):
    """Two users, then groups; 401, a list that is none, numbers as text and silence are told apart."""
    connection = drive(app().test_connection(), Script(*answers))
    assert (connection.code, connection.exit_status, connection.ok) == (code, exit_status, not exit_status)
    assert connection.message


def test_credentials_are_tested_without_groups_where_none_are_pushed():
    """Only what is used is asked for."""
    script = Script(listed())
    assert drive(app(push_groups="none").test_connection(), script).ok
    assert [each.path for each in script.requests] == ["/Users?startIndex=1&count=2"]
