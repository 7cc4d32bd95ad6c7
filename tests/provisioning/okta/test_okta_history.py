"""Whatever happens in the directory, the application ends as the rules say, and then there is nothing left to send."""

import contextlib

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from okta_driver import NOW, Target, app, directory, person, refused, run

from mockscim.provisioning.directory import DirectoryError
from mockscim.provisioning.wire import Answer

NAMES = ["Ann", "Ben", "Cleo"]
GROUPS = ["Crew", "Club"]
TROUBLE = [refused(500), refused(429), Answer(None, error="timeout")]

USERS = st.sampled_from([f"id-{name.lower()}" for name in NAMES])
GROUP_IDS = st.sampled_from([f"id-{name.lower()}" for name in GROUPS])
METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"])
WORDS = st.sampled_from(["Red", "Green", "Blue"])

CHANGES = st.one_of(
    st.tuples(st.just("add_user"), st.sampled_from(NAMES)),
    st.tuples(st.just("rename"), USERS),
    st.tuples(st.just("title"), USERS, WORDS),
    st.tuples(st.just("block"), USERS),
    st.tuples(st.just("unblock"), USERS),
    st.tuples(st.just("suspend"), USERS),
    st.tuples(st.just("unsuspend"), USERS),
    st.tuples(st.just("soft_delete"), USERS),
    st.tuples(st.just("restore"), USERS),
    st.tuples(st.just("hard_delete"), USERS),
    st.tuples(st.just("assign"), st.one_of(USERS, GROUP_IDS)),
    st.tuples(st.just("unassign"), st.one_of(USERS, GROUP_IDS)),
    st.tuples(st.just("join"), GROUP_IDS, USERS),
    st.tuples(st.just("leave"), GROUP_IDS, USERS),
    st.tuples(st.just("name_group"), GROUP_IDS, WORDS),
    st.tuples(st.just("delete_group"), GROUP_IDS),
)
TROUBLES = st.tuples(st.just("trouble"), METHODS, st.integers(0, 2), st.booleans())
# A push follows each handful.
HISTORY = st.lists(st.lists(st.one_of(CHANGES, CHANGES, TROUBLES), min_size=1, max_size=5), min_size=4, max_size=12)


class Story:
    """A source in which things happen, and what an application makes of them."""

    def __init__(self, target, made):
        self.target, self.made = target, made
        people = [person(f"{name} Example") for name in NAMES]
        groups = [(name, [each["userPrincipalName"] for each in people[:2]]) for name in GROUPS]
        self.source = directory(*people, groups=groups, assigned=["Crew", people[2]["userPrincipalName"]])
        self.serial = 0

    def happen(self, what, *details):
        """One thing of a history; what cannot be does not happen."""
        if what == "trouble":
            method, which, after = details
            # The account of a creation whose answer is lost is found by its name, if nobody changes that before.
            self.target.break_next(method, TROUBLE[which], after=after and method != "POST")
        else:
            with contextlib.suppress(DirectoryError):
                getattr(self, what)(*details)

    def add_user(self, name):
        self.source.add_user(person(f"{name} Example"))

    def rename(self, key):
        self.serial += 1
        self.source.edit_user(key, userPrincipalName=f"n{self.serial}@example.com")

    def title(self, key, word):
        self.source.edit_user(key, jobTitle=word, displayName=f"{key} {word}")

    def block(self, key):
        self.source.edit_user(key, accountEnabled=False)

    def unblock(self, key):
        self.source.edit_user(key, accountEnabled=True)

    def suspend(self, key):
        self.source.edit_user(key, status="SUSPENDED")

    def unsuspend(self, key):
        self.source.edit_user(key, status=None)

    def soft_delete(self, key):
        self.source.soft_delete_user(key)

    def restore(self, key):
        self.source.restore_user(key)

    def hard_delete(self, key):
        self.source.hard_delete_user(key)

    def assign(self, key):
        self.source.assign(key)

    def unassign(self, key):
        self.source.unassign(key)

    def join(self, group, key):
        self.source.add_member(group, key)

    def leave(self, group, key):
        self.source.remove_member(group, key)

    def name_group(self, group, word):
        self.source.edit_group(group, displayName=f"{word} {group}")

    def delete_group(self, group):
        self.source.delete_group(group)

    def settle(self):
        """Everybody is themselves again; what has failed is retried until nothing is left."""
        self.target.broken.clear()
        for key in list(self.source.users):
            if self.source.users[key].get("status"):
                self.unsuspend(key)
        run(self.made.push(self.source, NOW), self.target)
        for _ in range(5):
            if not self.made.tasks:
                break
            run(self.made.retry(self.source, NOW), self.target)
        assert self.made.tasks == []

    def accounts(self):
        """Who is to have an account, by user name: the rules, said anew."""
        return {
            user.upn: user
            for user in self.source.users.values()
            if user.enabled and not user.deleted and self.source.roles_of(user.id)
        }

    def memberships(self):
        """Who is to be in which group."""
        accounts = self.accounts()
        return {
            group.name: {
                self.source.users[key].upn
                for key in self.source.member_users(group.id)
                if self.source.users[key].upn in accounts
            }
            for group in self.source.groups.values()
        }


def check(history, profile, **options):
    """Live through a history, and hold what came of it against the rules."""
    target = Target(profile)
    story = Story(target, app(push_groups="all", attributes={"title": "jobTitle"}, **options))
    for handful in history:
        for each in handful:
            story.happen(*each)
        run(story.made.push(story.source, NOW), target)
    story.settle()
    active = {name: each for name, each in target.users().items() if each["active"]}
    accounts = story.accounts()
    if profile == "standard":
        assert {name: (each["displayName"], each.get("title")) for name, each in active.items()} == {
            name: (user.name, user.get("jobTitle")) for name, user in accounts.items()
        }
        assert target.groups() == story.memberships()
    else:
        # Names do not change at Segment: people are known by their ids there.
        links = story.made.state.users
        assert {each["id"] for each in active.values()} == {links[user.id].target for user in accounts.values()}
    assert not any(each.method == "DELETE" and each.path.startswith("/Users") for each in target.requests)
    assert run(story.made.push(story.source, NOW), target).quiet


COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}


@settings(max_examples=120, **COMMON)
@given(HISTORY, st.sampled_from(["oin", "aiw"]), st.sampled_from(["lookup", "remembered"]))
def test_a_standard_server_ends_as_the_rules_say(history, app_type, reassign):
    """Users, their attributes and the groups' members, with either kind of application, in spite of trouble."""
    check(history, "standard", app_type=app_type, reassign=reassign, unlink="delete")


@settings(max_examples=60, **COMMON)
@given(HISTORY, st.sampled_from(["oin", "aiw"]))
def test_segment_ends_as_the_rules_say(history, app_type):
    """Who is to be in the workspace is in it, and nobody else."""
    check(history, "segment", app_type=app_type, unlink="delete")
