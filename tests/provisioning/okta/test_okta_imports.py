"""Imports: pages, and whom an imported user is."""

import pytest
from okta_driver import NOW, Script, Target, app, directory, listed, person, refused, run

from mockscim.provisioning.wire import Answer, drive

PEOPLE = [person("Ann Ashdown"), person("Ben Bray"), person("Cleo Cole")]
ANN, BEN, CLEO = (each["userPrincipalName"] for each in PEOPLE)


def user(target, name, given="", family="", **more):
    """A user of the application."""
    return {"id": target, "userName": name, "name": {"givenName": given, "familyName": family}, **more}


def imported(made, source, send):
    """The result of an import of users."""
    job = made.import_users(source)
    result = drive(job.steps(), send)
    job.end(result, NOW)
    return job, result


def test_pages_are_a_hundred_apart_while_the_total_is_larger():
    """From 1, from 101, from 201 for 250, whatever a page has brought: what a shorter page leaves out is missed."""
    names = [[f"{page}{number}" for number in range(50)] for page in "abc"]
    script = Script(*(listed(*(user(name, f"{name}@x") for name in page), total=250) for page in names))
    job, result = imported(app(), directory(), script)
    paths = [f"/Users?startIndex={start}&count=100" for start in (1, 101, 201)]
    assert [each.path for each in script.requests] == paths
    assert (result.pages, result.total, len(result.users)) == (3, 250, 150)
    assert job.entries[0]["debugContext"]["debugData"] == {"pages": 3, "total": 250, "new": 150}


def test_a_hundred_are_one_page():
    """There is no second request for nothing."""
    target = Target()
    run(app().push(directory(*(person(f"P{number} X") for number in range(100))), NOW), target)
    target.taken()
    _, result = imported(app(), directory(), target)
    assert target.taken() == ["GET /Users?startIndex=1&count=100"]
    assert len(result.users) == 100


def test_an_empty_page_ends_an_import():
    """A total that is wrong does not go on for ever."""
    script = Script(listed(user("1", "a@x"), total=10**9), listed(total=10**9))
    _, result = imported(app(), directory(), script)
    assert (result.pages, len(result.users)) == (2, 1)


def test_one_who_comes_twice_is_counted_once_and_told():
    """The order of the list is not stable, as Okta asks for."""
    script = Script(listed(user("1", "a@x"), total=101), listed(user("1", "a@x"), total=101))
    _, result = imported(app(), directory(), script)
    assert (len(result.users), result.duplicates) == (1, ["1"])


def test_users_are_new_or_match_or_are_in_conflict():
    """By the user name, then by first and last name; two that claim one are in conflict."""
    source = directory(*PEOPLE, assigned=[ANN, BEN])
    target, made = Target(), app()
    run(made.push(directory(PEOPLE[0]), NOW), target)
    ann = made.state.users["id-ann"].target
    script = Script(
        listed(
            user(ann, ANN),
            user("2", BEN.upper()),
            user("3", "cleo.c@elsewhere.example", "Cleo", "Cole"),
            user("4", "nobody@example.com", "Al", "One"),
            user("5", ANN, "Ann", "Ashdown"),
            {"id": "6"},
        )
    )
    _, result = imported(made, source, script)
    assert [(each.category, each.matches) for each in result.users] == [
        ("linked", ["id-ann"]),
        ("exact", ["id-ben"]),
        ("partial", ["id-cleo"]),
        ("new", []),
        ("conflict", ["id-ann"]),
        ("conflict", []),
    ]
    assert result.counts == {"linked": 1, "exact": 1, "partial": 1, "new": 1, "conflict": 2}
    _, result = imported(app(), source, Script(listed(user("7", BEN), user("8", BEN))))
    assert [each.category for each in result.users] == ["conflict", "conflict"]


def test_matching_may_go_by_e_mail_and_leave_names_aside():
    """import_match, import_partial."""
    emails = [{"value": "other@x"}, {"value": BEN, "primary": True}]
    script = Script(listed(user("1", "b", emails=emails), user("2", "c", "Cleo", "Cole")))
    _, result = imported(app(import_match="email", import_partial=False), directory(*PEOPLE), script)
    assert [each.category for each in result.users] == ["exact", "new"]


def test_a_confirmed_match_is_linked_and_only_differences_are_sent():
    """The account is assigned and never created; what it has already is not sent."""
    target = Target()
    run(app().push(directory(*PEOPLE), NOW), target)
    source = directory(PEOPLE[0], {**PEOPLE[1], "displayName": "Benjamin"}, assigned=[])
    made = app()
    _, result = imported(made, source, target)
    assert made.confirm_exact(source, result) == 2
    target.taken()
    run(made.push(source, NOW), target)
    path = f"/Users/{made.state.users['id-ben'].target}"
    assert target.taken() == [f"GET {path}", f"PUT {path}"]
    assert target.users()[BEN]["displayName"] == "Benjamin"
    assert len(target.users()) == 3


def test_an_inactive_account_that_is_confirmed_is_reactivated():
    """The one who is assigned may sign in."""
    target = Target()
    old, source = app(), directory(PEOPLE[0])
    run(old.push(source, NOW), target)
    source.unassign(ANN)
    run(old.push(source, NOW), target)
    fresh, made = directory(PEOPLE[0], assigned=[]), app()
    _, result = imported(made, fresh, target)
    assert result.users[0].active is False
    made.confirm(fresh, result.users[0], ANN)
    run(made.push(fresh, NOW), target)
    assert target.users()[ANN]["active"] is True
    assert len(target.resources("/Users")) == 1


def test_a_confirmation_that_cannot_be_is_refused():
    """Nobody, or an account of another."""
    source, made = directory(*PEOPLE), app()
    _, result = imported(made, source, Script(listed(user("1", "x@y"), user("2", ANN), user("3", BEN))))
    with pytest.raises(ValueError, match="has to be said"):
        made.confirm(source, result.users[0])
    made.confirm(source, result.users[1])
    for which, who in ((result.users[1], BEN), (result.users[2], ANN)):
        with pytest.raises(ValueError, match="linked already"):
            made.confirm(source, which, who)


@pytest.mark.parametrize(
    "answer",
    [
        refused(500, "oops"),
        Answer(None, error="timeout"),
        Answer(200, {}, {"totalResults": "7", "Resources": []}),
        Answer(200, {}, {"totalResults": 1, "Resources": 5}),
        Answer(200, {}, {"totalResults": 1, "Resources": [{"userName": "a@x"}]}),
        Answer(200, {}, "hello"),
    ],
)
def test_an_import_that_breaks_brings_nothing(answer):
    """An error, no integer, no list, no id: nothing is imported, and the log says why."""
    job, result = imported(app(), directory(), answer and Script(listed(user("0", "z@x"), total=150), answer))
    assert result.users == []
    assert result.error
    assert job.entries[0]["outcome"] == {"result": "FAILURE", "reason": result.error}
    assert job.entries[0]["eventType"] == "application.provision.user.import"


def test_groups_are_imported_with_their_members():
    """Those that are pushed are known already."""
    target, made = Target(), app(push_groups="all")
    run(made.push(directory(*PEOPLE, groups=[("Crew", [ANN, BEN])]), NOW), target)
    run(app(push_groups="all").push(directory(groups=[("Local", [])]), NOW), target)
    job = made.import_groups(directory())
    result = drive(job.steps(), target)
    job.end(result, NOW)
    assert [(each.display_name, each.category, len(each.members)) for each in result.groups] == [
        ("Crew", "linked", 2),
        ("Local", "new", 0),
    ]
    assert job.entries[0]["eventType"] == "system.import.complete"


def test_one_who_has_an_account_is_no_partial_match():
    """The same first and last name with another account is another person."""
    target, made, source = Target(), app(), directory(PEOPLE[0])
    run(made.push(source, NOW), target)
    _, result = imported(made, source, Script(listed(user("9", "ann.2@example.com", "Ann", "Ashdown"))))
    assert [each.category for each in result.users] == ["new"]
