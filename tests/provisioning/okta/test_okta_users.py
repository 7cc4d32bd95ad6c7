"""What becomes of users in an application of Okta's."""

import orjson
import pytest
from okta_driver import NOW, Script, Target, app, directory, listed, person, refused, run

from mockscim.provisioning.okta import App, Settings, masked
from mockscim.provisioning.wire import Answer, drive

ANN = person("Ann Ashdown", jobTitle="Engineer")
ANN_NAME = "ann@example.com"
LOOK_UP = "GET /Users?filter=userName%20eq%20%22ann%40example.com%22&startIndex=1&count=100"


def pushed(source, target, **settings):
    """An application that has pushed once."""
    made = app(**settings)
    run(made.push(source, NOW), target)
    target.taken()
    return made


def id_of(target, name=ANN_NAME):
    """The target's id of a user."""
    return target.users()[name]["id"]


def test_a_new_user_is_looked_up_and_created():
    """A GET by userName, then a POST with Okta's id, a locale, no groups and a password."""
    target = Target()
    run(app().push(directory(ANN), NOW), target)
    body = target.requests[1].body
    assert [each.partition("?")[0] for each in target.taken()] == ["GET /Users", "POST /Users"]
    assert body["externalId"].startswith("00u")
    assert len(body["externalId"]) == 20
    assert (body["locale"], body["groups"], body["active"]) == ("en-US", [], True)
    assert target.users()[ANN_NAME]["displayName"] == "Ann Ashdown"


@pytest.mark.parametrize("nobody", [listed(), refused(404, "User not found"), Answer(200, {}, {"totalResults": 0})])
def test_an_empty_list_and_404_both_mean_that_there_is_nobody(nobody):
    """Okta accepts either from the look-up, and creates."""
    script = Script(nobody, Answer(201, {}, {"id": "7"}))
    made = app()
    run(made.push(directory(ANN), NOW), script)
    assert [each.method for each in script.requests] == ["GET", "POST"]
    assert made.state.users["id-ann"].target == "7"


def test_placeholder_passwords_follow_from_the_seed_and_differ():
    """The same seed gives the same passwords in any order; people and seeds differ; none is in state or log."""

    def passwords(seed, *people):
        target, made = Target(), app(seed=seed)
        push = run(made.push(directory(*people), NOW), target)
        found = {each.body["userName"]: each.body["password"] for each in target.requests if each.method == "POST"}
        for password in found.values():
            assert password not in made.dump().decode()
            assert password not in orjson.dumps(push.entries).decode()
        return found

    ben = person("Ben Bray")
    assert passwords(1, ANN, ben) == passwords(1, ben, ANN)
    assert len({*passwords(1, ANN, ben).values(), *passwords(2, ANN, ben).values()}) == 4


def test_a_body_can_be_shown_without_its_password():
    """Whoever keeps requests has a function for that."""
    assert masked({"password": "s", "Operations": [{"value": {"Password": "t"}}]}) == {
        "password": "********",
        "Operations": [{"value": {"Password": "********"}}],
    }


def test_a_user_who_is_there_already_is_matched_and_given_the_profile():
    """The look-up finds the account; then the whole profile goes by GET and PUT."""
    target = Target()
    run(app().push(directory(person("Ann Old")), NOW), target)
    target.taken()
    run(app().push(directory(ANN), NOW), target)
    target_id = id_of(target)
    assert target.taken() == [LOOK_UP, f"GET /Users/{target_id}", f"PUT /Users/{target_id}"]
    assert target.users()[ANN_NAME]["displayName"] == "Ann Ashdown"


def test_an_update_sends_the_object_as_it_was_read_with_what_changed():
    """id, meta, groups and what Okta does not know go back; only changed attributes are Okta's."""
    target = Target()
    source = directory(ANN)
    made = pushed(source, target, attributes={"title": "jobTitle"})
    read = target.users()[ANN_NAME]
    read |= {"nickName": "Annie", "displayName": "Changed over there"}
    target.break_next("GET", Answer(200, {}, read))
    source.edit_user(ANN_NAME, jobTitle="Head", mail="a.ashdown@example.com")
    run(made.push(source, NOW), target)
    assert [each.method for each in target.requests] == ["GET", "PUT"]
    emails = [{"primary": True, "value": "a.ashdown@example.com", "type": "work"}]
    assert target.requests[1].body == {**read, "title": "Head", "emails": emails}


def test_what_is_gone_in_the_source_is_left_out_of_the_put():
    """An attribute that has become empty is not sent any more."""
    target = Target()
    source = directory(ANN)
    made = pushed(source, target, attributes={"title": "jobTitle"})
    source.edit_user(ANN_NAME, jobTitle=None)
    run(made.push(source, NOW), target)
    assert "title" not in target.requests[-1].body
    assert "title" not in target.users()[ANN_NAME]


def test_extensions_are_sent_and_named():
    """An attribute of the enterprise extension is in its object, and the URN among the schemas."""
    urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    target = Target()
    source = directory({**ANN, "department": "R&D"})
    made = pushed(source, target, attributes={f"{urn}:department": "department"})
    assert target.users()[ANN_NAME][urn] == {"department": "R&D"}
    source.edit_user(ANN_NAME, department="Sales")
    run(made.push(source, NOW), target)
    assert target.users()[ANN_NAME][urn] == {"department": "Sales"}
    assert target.requests[-1].body["schemas"].count(urn) == 1


def test_nothing_is_sent_when_nothing_has_changed():
    """The second push is quiet, also after a change that no attribute of the profile shows."""
    target = Target()
    source = directory(ANN)
    made = pushed(source, target)
    assert run(made.push(source, NOW), target).quiet
    source.edit_user(ANN_NAME, jobTitle="Head")
    assert run(made.push(source, NOW), target).quiet
    assert target.taken() == []


@pytest.mark.parametrize(
    ("app_type", "methods"), [("oin", ["PATCH"]), ("aiw", ["GET", "PUT"])], ids=["catalogue", "wizard"]
)
@pytest.mark.parametrize(
    "leave",
    [
        lambda source: source.unassign(ANN_NAME),
        lambda source: source.edit_user(ANN_NAME, accountEnabled=False),
        lambda source: source.soft_delete_user(ANN_NAME),
        lambda source: source.hard_delete_user(ANN_NAME),
    ],
    ids=["unassigned", "deactivated", "in the bin", "deleted"],
)
def test_who_leaves_is_deactivated_and_never_deleted(app_type, methods, leave):
    """active=false by PATCH from the catalogue, by PUT of the whole object from the wizard; no DELETE."""
    target = Target()
    source = directory(ANN)
    made = pushed(source, target, app_type=app_type)
    leave(source)
    run(made.push(source, NOW), target)
    assert [each.method for each in target.requests] == methods
    assert target.users()[ANN_NAME]["active"] is False
    assert run(made.push(source, NOW), target).quiet


def test_deleting_one_who_was_deactivated_sends_nothing():
    """The deactivation has said it all (concepts/scim, Delete)."""
    target = Target()
    source = directory(ANN)
    made = pushed(source, target)
    source.edit_user(ANN_NAME, accountEnabled=False)
    run(made.push(source, NOW), target)
    target.taken()
    source.hard_delete_user(ANN_NAME)
    assert run(made.push(source, NOW), target).quiet


def test_of_one_who_is_suspended_nothing_is_said():
    """Suspension, and changes while it lasts, send nothing; afterwards what differs is sent."""
    target = Target()
    source = directory(ANN)
    made = pushed(source, target)
    source.edit_user(ANN_NAME, status="SUSPENDED", displayName="Ann A.")
    assert run(made.push(source, NOW), target).quiet
    source.edit_user(ANN_NAME, status="ACTIVE")
    run(made.push(source, NOW), target)
    assert [each.method for each in target.requests] == ["GET", "PUT"]
    assert target.users()[ANN_NAME]["displayName"] == "Ann A."


def test_suspension_deactivates_where_the_switch_says_so():
    """As Okta's reference had it once."""
    target = Target()
    source = directory(ANN)
    made = pushed(source, target, suspended="deactivate")
    source.edit_user(ANN_NAME, status="SUSPENDED")
    run(made.push(source, NOW), target)
    assert target.users()[ANN_NAME]["active"] is False


def test_one_who_comes_back_is_looked_up_and_reactivated():
    """An assignment begins with the look-up; then PATCH active=true, and the profile."""
    target = Target()
    source = directory(ANN)
    made = pushed(source, target)
    source.unassign(ANN_NAME)
    run(made.push(source, NOW), target)
    target.taken()
    source.assign(ANN_NAME)
    run(made.push(source, NOW), target)
    path = f"/Users/{id_of(target)}"
    assert target.taken() == [LOOK_UP, f"PATCH {path}", f"GET {path}", f"PUT {path}"]
    assert target.users()[ANN_NAME]["active"] is True


def test_one_who_comes_back_may_be_found_by_the_id_that_is_remembered():
    """The switch: no look-up while the target knows the id; a look-up and a POST when it does not."""
    target = Target()
    source = directory(ANN)
    made = pushed(source, target, reassign="remembered")
    source.unassign(ANN_NAME)
    run(made.push(source, NOW), target)
    source.assign(ANN_NAME)
    target.taken()
    run(made.push(source, NOW), target)
    assert LOOK_UP not in target.taken()
    assert target.users()[ANN_NAME]["active"] is True


def test_the_wizard_patches_nothing():
    """An application of the wizard gets through a whole life with GET, POST and PUT."""
    target = Target()
    source = directory(ANN, person("Ben Bray"), groups=[("Crew", ["ann@example.com"])])
    made = app(app_type="aiw", push_groups="all", sync_password=True)
    for change in (
        lambda: None,
        lambda: source.edit_user(ANN_NAME, displayName="Ann B"),
        lambda: source.unassign(ANN_NAME),
        lambda: source.assign(ANN_NAME),
        lambda: source.add_member("Crew", "ben@example.com"),
        lambda: source.edit_group("Crew", displayName="Team"),
    ):
        change()
        run(made.push(source, NOW), target)
    run(made.push_password(source, ANN_NAME, NOW), target)
    assert {each.method for each in target.requests} == {"GET", "POST", "PUT"}
    assert target.requests[-1].body["password"]
    assert target.groups() == {"Team": {ANN_NAME, "ben@example.com"}}


def test_boxes_that_are_not_ticked_send_nothing():
    """Without Update nothing is put, without Deactivate nobody deactivated: the log says that it was skipped."""
    target = Target()
    source = directory(ANN)
    made = pushed(source, target, update_attributes=False, deactivate_users=False)
    source.edit_user(ANN_NAME, displayName="Ann B")
    assert run(made.push(source, NOW), target).quiet
    source.unassign(ANN_NAME)
    push = run(made.push(source, NOW), target)
    assert target.taken() == []
    assert [(each["eventType"], each["outcome"]["result"]) for each in push.entries] == [
        ("application.provision.user.deprovision", "SKIPPED")
    ]


def test_without_create_one_who_is_not_there_is_an_error():
    """The wording of help.okta.com."""
    made, target = app(create_users=False, app_name="Segment"), Target()
    run(made.push(directory(ANN), NOW), target)
    assert [each.method for each in target.requests] == ["GET"]
    message = "Automatic provisioning of user ann@example.com to app Segment failed: Matching user not found."
    assert [task.message for task in made.tasks] == [message]


def test_a_user_may_be_matched_by_another_attribute():
    """The filter of an integration is agreed with Okta."""
    for matching, wanted in (
        ("externalId", "externalId%20eq%20%2200u"),
        ("emails.value", "emails.value%20eq%20%22ann"),
    ):
        target = Target()
        pushed(directory(ANN), target, matching=matching)
        run(app(matching=matching).push(directory(ANN), NOW), target)
        assert f"filter={wanted}" in target.requests[0].path
        assert [each.method for each in target.requests] == ["GET", "GET", "PUT"]


def test_a_name_that_is_given_anew_finds_the_account_of_before():
    """One leaves for good, another gets the name: the account is taken over within the same push."""
    target = Target()
    source = directory(ANN)
    made = pushed(source, target)
    source.hard_delete_user(ANN_NAME)
    source.add_user({**person("Ann Bray"), "id": "another"})
    source.assign(ANN_NAME)
    run(made.push(source, NOW), target)
    assert made.tasks == []
    assert [(each["displayName"], each["active"]) for each in target.users().values()] == [("Ann Bray", True)]


def test_passwords_are_synced_where_that_is_enabled():
    """A path-less PATCH; without the box, the user or the account there is nothing to do."""
    target = Target()
    source = directory(ANN, person("Ben Bray"), assigned=[ANN_NAME])
    made = pushed(source, target, sync_password=True)
    push = run(made.push_password(source, ANN_NAME, NOW, "secret-1"), target)
    assert target.requests[0].body["Operations"] == [{"op": "replace", "value": {"password": "secret-1"}}]
    assert "secret-1" not in orjson.dumps(push.entries).decode() + made.dump().decode()
    for problem, who in (("there is no user", "nobody"), ("has no account", "ben@example.com")):
        with pytest.raises(ValueError, match=problem):
            made.push_password(source, who, NOW)
    made.settings.sync_password = False
    with pytest.raises(ValueError, match="Sync Password"):
        made.push_password(source, ANN_NAME, NOW)


def test_state_is_kept_between_runs():
    """What is dumped and loaded goes on where it was."""
    target = Target()
    source = directory(ANN, groups=[("Crew", [ANN_NAME])])
    made = app(push_groups="all")
    run(made.push(source, NOW), target)
    again = App.load(made.dump())
    assert (again.settings, again.state) == (made.settings, made.state)
    assert run(again.push(source, NOW), target).quiet
    for wrong in (b"{}", b"[", made.dump().replace(b'"version":1', b'"version":9')):
        with pytest.raises(ValueError, match="state"):
            App.load(wrong)


def test_a_push_that_is_broken_off_is_taken_up_again():
    """What was not done is done by the next push, and what was is not done twice."""
    target = Target()
    people = [person(f"P{number} X") for number in range(4)]
    source = directory(*people, groups=[("Crew", [each["userPrincipalName"] for each in people])])
    made = app(push_groups="all")
    push = made.push(source, NOW)
    phase = next(push.phases())
    phase.items[0].end(_done(phase.items[0], target), NOW)
    push.finish(NOW)
    assert (phase.done, phase.total) == (1, 4)
    again = App.load(made.dump())
    run(again.push(source, NOW), target)
    assert sum(each.method == "POST" and each.path == "/Users" for each in target.requests) == 4
    assert len(target.groups()["Crew"]) == 4


def _done(item, target):
    return drive(item.steps(), target)


def test_the_order_in_which_items_end_changes_nothing():
    """Requests, events and state are the same when the items of a phase end the other way round."""

    def outcome(*, backwards):
        target, made = Target(), app(push_groups="all")
        source = directory(ANN, person("Ben Bray"), groups=[("Crew", [ANN_NAME]), ("Club", ["ben@example.com"])])
        push = made.push(source, NOW)
        for phase in push.phases():
            done = [(item, _done(item, target)) for item in phase.items]
            for item, each in reversed(done) if backwards else done:
                item.end(each, NOW)
        return target.requests, push.entries, made.state.users, made.state.groups

    assert outcome(backwards=False) == outcome(backwards=True)


def test_wrong_settings_are_refused():
    """A further attribute is a path, and none that every profile has."""
    for attributes in ({"title[": "jobTitle"}, {"userName": "mail"}):
        with pytest.raises(ValueError, match="attributes"):
            Settings(attributes=attributes)


def test_a_display_that_repeats_the_address_follows_it():
    """As in the documented resource, where both are the same."""
    target = Target()
    source = directory(ANN)
    made = pushed(source, target)
    emails = [{"value": "home@x", "type": "home"}, {"primary": True, "value": ANN_NAME, "display": ANN_NAME}]
    target.break_next("GET", Answer(200, {}, {**target.users()[ANN_NAME], "emails": emails}))
    source.edit_user(ANN_NAME, mail="new@example.com")
    run(made.push(source, NOW), target)
    new = "new@example.com"
    assert target.requests[-1].body["emails"] == [emails[0], {"primary": True, "value": new, "display": new}]


@pytest.mark.parametrize(
    "odd", [{"emails": "none"}, {"emails": []}, {"name": "Ann"}, {"name": None}, {"schemas": None}, {"emails": [7]}]
)
def test_what_a_server_answers_oddly_is_put_right(odd):
    """Whatever stands where an object or a list belongs, the PUT has what Okta knows."""
    target, source = Target(), directory(ANN)
    made = pushed(source, target)
    target.break_next("GET", Answer(200, {}, {**target.users()[ANN_NAME], **odd}))
    source.edit_user(ANN_NAME, mail="new@example.com", givenName="Anna")
    run(made.push(source, NOW), target)
    body = target.requests[-1].body
    assert body["name"]["givenName"] == "Anna"
    assert body["emails"][-1]["value"] == "new@example.com"


def test_a_reactivation_that_stops_half_way_is_taken_up():
    """Activated, but the profile not put: the retry knows the account and puts it."""
    target, source = Target(), directory(ANN)
    made = pushed(source, target)
    source.unassign(ANN_NAME)
    run(made.push(source, NOW), target)
    source.assign(ANN_NAME)
    target.break_next("PUT", refused(500))
    run(made.push(source, NOW), target)
    assert made.state.users["id-ann"].active is False
    run(made.retry(source, NOW), target)
    assert (made.tasks, made.state.users["id-ann"].active) == ([], True)
    assert len(target.resources("/Users")) == 1


def test_a_password_that_could_not_be_pushed_stays_a_task():
    """It is not kept, so nobody can send it again but who knows it."""
    target, source = Target(), directory(ANN)
    made = pushed(source, target, sync_password=True)
    target.break_next("PATCH", refused(500))
    run(made.push_password(source, ANN_NAME, NOW, "secret-1"), target)
    run(made.retry(source, NOW), target)
    assert [task.event_type for task in made.tasks] == ["application.provision.user.push_password"]
    run(made.push_password(source, ANN_NAME, NOW, "secret-1"), target)
    assert made.tasks == []


def test_an_id_is_escaped_in_a_path():
    """Ids are the server's own affair."""
    script = Script(listed(), Answer(201, {}, {"id": "a/b c"}), Answer(204))
    source, made = directory(ANN), app()
    run(made.push(source, NOW), script)
    source.unassign(ANN_NAME)
    run(made.push(source, NOW), script)
    assert script.requests[-1].path == "/Users/a%2Fb%20c"


@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
def test_one_who_comes_back_before_the_deactivation_was_heard_of_is_active(done):
    """Whether it was done nobody knows: the account is read by its id, also under a new name, and put right."""
    target, source = Target(), directory(ANN)
    made = pushed(source, target)
    source.unassign(ANN_NAME)
    target.break_next("PATCH", Answer(None, error="timeout"), after=done)
    run(made.push(source, NOW), target)
    source.edit_user("id-ann", userPrincipalName="ann.a@example.com")
    source.assign("id-ann")
    run(made.push(source, NOW), target)
    assert [(name, each["active"]) for name, each in target.users().items()] == [("ann.a@example.com", True)]
    assert made.tasks == []


def test_one_who_leaves_before_the_account_was_taken_over_is_deactivated():
    """The account was activated, the profile not put: it is this user's, also under a new name."""
    target, source = Target(), directory(ANN)
    made = pushed(source, target)
    source.unassign(ANN_NAME)
    run(made.push(source, NOW), target)
    source.assign(ANN_NAME)
    target.break_next("PUT", refused(500))
    run(made.push(source, NOW), target)
    assert target.users()[ANN_NAME]["active"] is True
    source.unassign("id-ann")
    run(made.push(source, NOW), target)
    assert target.users()[ANN_NAME]["active"] is False
    assert made.tasks == []


def test_what_became_empty_while_one_was_away_is_left_out_on_return():
    """And what somebody else has put into the account is not."""
    target, source = Target(), directory(ANN)
    made = pushed(source, target, attributes={"title": "jobTitle", "nickName": "nick"})
    source.unassign(ANN_NAME)
    run(made.push(source, NOW), target)
    source.edit_user(ANN_NAME, jobTitle=None)
    source.assign(ANN_NAME)
    target.break_next("GET /Users/", Answer(200, {}, {**target.users()[ANN_NAME], "nickName": "Annie"}))
    run(made.push(source, NOW), target)
    assert "title" not in target.users()[ANN_NAME]
    assert target.users()[ANN_NAME]["nickName"] == "Annie"


def test_a_retry_leaves_what_is_pending_to_the_next_push():
    """A push broken off, a retry of what had failed in it: the rest is not forgotten."""
    target = Target()
    source = directory(ANN, person("Ben Bray"))
    made = app()
    push = made.push(source, NOW)
    target.break_next("POST", refused(500))
    first = next(push.phases()).items[0]
    first.end(_done(first, target), NOW)
    push.finish(NOW)
    run(made.retry(source, NOW), target)
    assert list(target.users()) == [ANN_NAME]
    run(made.push(source, NOW), target)
    assert sorted(target.users()) == [ANN_NAME, "ben@example.com"]
