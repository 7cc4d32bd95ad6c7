"""What Okta says when something fails: on Dashboard > Tasks, and as the reason in the System Log.

A task's text is ``<what was tried> failed: <Okta's words>: <the server's words>``, and where the server has sent a
SCIM error its detail follows "Errors reported by remote server:". Sources of the wordings:

    empty user          okta-developer-docs reference/scim/scim-20
    credentials, match  help.okta.com Provisioning > Troubleshooting
    push of a profile   github fleetdm/fleet#53446;  No user returned: AWS IAM Identity Center user guide
    groups              github getsentry/sentry#88623, Captain-P-Goldfish/scim-for-keycloak#144; AWS likewise
    reason              github getsentry/sentry#122540

Wordings that are in none of these are guesses, and are the constants that begin with ``GUESS_``.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal, NamedTuple

from mockscim.provisioning.wire import Answer

CREDENTIALS = "The credentials used to connect to the API were invalid; please check your configuration"
EMPTY_USER = "Create new user returned empty user."
NO_MATCH = "Matching user not found."

GUESS_TIMEOUT = "Read timed out"
GUESS_CONNECTION = "Connection failed"
GUESS_EMPTY_GROUP = "Create new group returned empty group."
GUESS_NOT_A_LIST = "the answer is no list of resources"
GUESS_SEVERAL = "Multiple matches found"
GUESS_TAKEN = "the matching user is linked to another Okta user"

_MOST_TEXT = 200

Where = Literal["lookup", "create", "read", "update", "activate", "deactivate", "password"]

_USER_WORDS: dict[Where, str] = {
    "lookup": "Error while checking if user {user} exists",  # guess
    "create": "Error while creating user {name}",
    "read": "Error while trying to push profile update for {user}",
    "update": "Error while trying to push profile update for {user}",
    "activate": "Error while reactivating user {name}",  # guess
    "deactivate": "Error while deactivating user {name}",  # guess
    "password": "Error while pushing password update for {user}",  # guess
}

GroupWhere = Literal["lookup", "create", "update", "membership", "delete"]

_GROUP_WORDS: dict[GroupWhere, str] = {
    "lookup": "Error while checking if user group {name} exists",  # guess
    "create": "Error while creating user group {name}",
    "update": "Error while updating user group {name}",  # guess
    "membership": "Error while updating user group membership for group {name}",
    "delete": "Error while deleting user group {name}",  # guess
}


class Failure(NamedTuple):
    """Why something did not work.

    Args:
        text: Okta's words and the server's, what was tried not yet in front.
        reason: the ``outcome.reason`` of the System Log.
        kind: what the event type depends on where it is not the operation's own.
        transient: it may go by itself: no answer, 429, 5xx.
    """

    text: str
    reason: str
    kind: Literal["", "credentials", "rate-limit", "missing"] = ""
    transient: bool = False


class FailedError(Exception):
    """A plan cannot go on. Args: why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


def of_user(where: Where, answer: Answer, user: str, name: str) -> Failure:
    """What an answer that is no success means for a user."""
    return _of(_USER_WORDS[where].format(user=user, name=name), answer)


def of_group(where: GroupWhere, answer: Answer, name: str) -> Failure:
    """The same for a pushed group."""
    return _of(_GROUP_WORDS[where].format(name=name), answer)


def said(where: Where, words: str, user: str, name: str) -> Failure:
    """A failure of Okta's own, in which the server has said nothing wrong."""
    return Failure(f"{_USER_WORDS[where].format(user=user, name=name)}: {words}", words)


def group_said(where: GroupWhere, words: str, name: str) -> Failure:
    """The same for a pushed group."""
    return Failure(f"{_GROUP_WORDS[where].format(name=name)}: {words}", words)


def no_user(user: str, name: str, target: str) -> Failure:
    """The target does not know a user any more whose profile is to be pushed."""
    return said("read", f"No user returned for user {target}", user, name)


def missing_group(app: str) -> Failure:
    """The target does not know a pushed group any more."""
    words = f"Linked group is missing in {app}. Change the linked group to resume pushing group memberships."
    return Failure(words, words, "missing")


def reason_of(answer: Answer) -> Failure:
    """What an answer that is no success means, without what was tried."""
    if answer.status is None:
        words = GUESS_TIMEOUT if answer.error == "timeout" else f"{GUESS_CONNECTION}: {answer.error}"
        return Failure(words, words, transient=True)
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return Failure(CREDENTIALS, CREDENTIALS, "credentials")
    phrase, detail = _phrase(answer.status), _detail(answer)
    reason = f"{phrase}. Errors reported by remote server: {detail}" if detail else f"{phrase}."
    limited = answer.status == HTTPStatus.TOO_MANY_REQUESTS
    return Failure(reason, reason, "rate-limit" if limited else "", limited or answer.status >= 500)


def _of(tried: str, answer: Answer) -> Failure:
    found = reason_of(answer)
    return found if found.kind == "credentials" else found._replace(text=f"{tried}: {found.text}")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"HTTP {status}"


def _detail(answer: Answer) -> str:
    """What the server says: the detail of a SCIM error, or what else it is, cut short. The second is a guess."""
    detail = answer.resource.get("detail", "") if isinstance(answer.body, dict) else answer.body
    return detail.strip()[:_MOST_TEXT] if isinstance(detail, str) else ""
