"""How an application of Okta's is set up: what an administrator chooses, and where the documentation leaves a choice.

Those marked *guess* stand for behaviour that is documented nowhere: the default is what seemed likeliest, and the
switch is there because it may be otherwise; ``guesses`` lists them.

Sources: okta-developer-docs reference/scim/scim-20, concepts/scim, concepts/scim/faqs; help.okta.com.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from mockscim.provisioning.target import TargetPathError, parse

_IN_EVERY_PROFILE = ("userName", "name.givenName", "name.familyName", "emails", "displayName")


class PushRule(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A rule of the Push Groups tab: groups whose name is so are pushed. That case does not matter is a guess."""

    operator: Literal["starts with", "ends with", "contains", "equals"]
    value: str

    def holds(self, name: str) -> bool:
        """Whether a group of that name is pushed."""
        name, value = name.casefold(), self.value.casefold()
        tests = {"starts with": name.startswith, "ends with": name.endswith, "contains": name.__contains__}
        return tests.get(self.operator, name.__eq__)(value)


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """One application's settings.

    Attributes:
        target: base URL of the SCIM server.
        app_type: ``oin``: an integration of the catalogue, PATCH for activation, password and groups; ``aiw``: made
            with the App Integration Wizard, PUT for everything.
        app_name: what the application is called in errors and in the log.
        seed: what ids and placeholder passwords follow from.
        create_users, update_attributes, deactivate_users, sync_password: the boxes of Provisioning > To App.
        username: the source's attribute that becomes the application's user name.
        matching: what a user is looked up by; the filter of an OIN application is agreed with Okta.
        locale: the locale of everybody; empty for none.
        external_id: whether a new user is sent with Okta's id as externalId; one of the documented samples has none.
        attributes: further attributes: target path to source attribute, ``{"title": "jobTitle"}``.
        push_groups: which groups are pushed: those assigned to the application, all, those that a rule names, none.
            At Okta an administrator chooses them one by one; that assigned ones are is this simulator's convenience.
        push_rules: the rules.
        existing_group: what a push does where the target has a group of that name: link to it, or create another.
        unlink: what becomes of the target's group when it is not pushed any more.
        suspended: what is sent when a user is suspended. Okta's reference once said deactivation; it is silence now.
        reassign: how one who comes back is found: by the look-up that every assignment begins with, or by the id that
            is remembered. *guess*
        remove_unassigned: whether one who is in the group still, but not in the application, leaves it there. *guess*
        missing_on_deactivate: whether a user who is gone already counts as deactivated. *guess*
        user_retry: when what failed for a user is tried again: when an administrator says so, or with the next push.
            *guess*
        retry_interval: seconds after which a run tries again what is tried again by itself: a group whose push failed
            for want of an answer. *guess*
        task_wording: who is named how in a failed assignment: as the SCIM reference prints it (user name, then display
            name), or the other way round, as administrators show it (github grokability/snipe-it#18864).
        throttling: ``fail``: 429 is an error like any other; ``honour``: sent again after Retry-After. *guess*
        throttled_attempts: how often it is sent again when honoured. *guess*
        throttled_delay: seconds to wait where no Retry-After came. *guess*
        import_match: what makes an imported user an exact match.
        import_partial: whether equal first and last names are a match to be looked at.
    """

    target: str = "http://127.0.0.1:8080/scim/v2"
    app_type: Literal["oin", "aiw"] = "oin"
    app_name: str = "mockscim"
    seed: int = 0
    create_users: bool = True
    update_attributes: bool = True
    deactivate_users: bool = True
    sync_password: bool = False
    username: str = "userPrincipalName"
    matching: Literal["userName", "externalId", "emails.value"] = "userName"
    locale: str = "en-US"
    external_id: bool = True
    attributes: dict[str, str] = {}
    push_groups: Literal["assigned", "all", "rules", "none"] = "assigned"
    push_rules: list[PushRule] = []
    existing_group: Literal["link", "create"] = "link"
    unlink: Literal["leave", "delete"] = "leave"
    suspended: Literal["nothing", "deactivate"] = "nothing"
    reassign: Literal["lookup", "remembered"] = "lookup"
    remove_unassigned: bool = True
    missing_on_deactivate: Literal["done", "error"] = "done"
    user_retry: Literal["manual", "next-push"] = "manual"
    retry_interval: float = 600.0
    task_wording: Literal["documented", "observed"] = "documented"
    throttling: Literal["fail", "honour"] = "fail"
    throttled_attempts: int = 3
    throttled_delay: float = 10.0
    import_match: Literal["userName", "email"] = "userName"
    import_partial: bool = True

    def __post_init__(self) -> None:
        if self.retry_interval <= 0:
            raise ValueError("retry_interval must be above 0")
        for path in self.attributes:
            if path in _IN_EVERY_PROFILE:
                raise ValueError(f"attributes: {path} is in every profile already")
            try:
                parse(path)
            except TargetPathError as error:
                raise ValueError(f"attributes: {error}") from None

    @property
    def patches(self) -> bool:
        """Whether activation, passwords and groups go as PATCH."""
        return self.app_type == "oin"


def guesses() -> dict[str, str]:
    """The switches that stand for what is documented nowhere, and why each is as it is."""
    return dict(_GUESSES)


_GUESSES = {
    "push_rules": "that rules do not look at case",
    "reassign": "every assignment is documented to begin with a look-up; nothing says that one who returns is excepted",
    "remove_unassigned": "the group is documented to hold those who are assigned; nothing says when the others leave",
    "missing_on_deactivate": "there is nothing left to do for a user who answers 404",
    "user_retry": "the documentation knows 'Retry' on Dashboard > Tasks for users, and retries by itself for groups",
    "retry_interval": "that groups are tried again by themselves is documented, when is not",
    "throttling": "the event type application.integration.rate_limit_exceeded is documented, waiting is not",
    "throttled_attempts": "as throttling",
    "throttled_delay": "as throttling",
}
