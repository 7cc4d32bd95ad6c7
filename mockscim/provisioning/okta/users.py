"""What is sent for one user.

    assign      look up; found: (activate,) read, replace; not found: create
    update      read, replace with what changed
    deactivate  PATCH active=false, or read and replace (wizard); never DELETE
    password    PATCH password, or read and replace

Source: okta-developer-docs reference/scim/scim-20, User operations.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Literal, Never

import msgspec

from mockscim.provisioning.okta import errors, shapes
from mockscim.provisioning.okta.asking import ask
from mockscim.provisioning.okta.errors import FailedError, Failure
from mockscim.provisioning.okta.log import What
from mockscim.provisioning.okta.outcome import Note, Outcome
from mockscim.provisioning.okta.profile import Profile, Wanted, assembled, changes, external_id, match_value, updated
from mockscim.provisioning.okta.settings import Settings
from mockscim.provisioning.okta.state import UserLink
from mockscim.provisioning.wire import Answer, Request, Steps

Document = dict[str, Any]

Operation = Literal["assign", "update", "deactivate", "forget", "password"]

_EVENTS: dict[errors.Where, What] = {
    "lookup": What.VERIFIED,
    "create": What.CREATED,
    "read": What.PROFILE,
    "update": What.PROFILE,
    "activate": What.REACTIVATED,
    "deactivate": What.DEACTIVATED,
    "password": What.PASSWORD,
}

# Those of deactivation and password are guesses.
_TRIED: dict[Operation, str] = {
    "assign": "Automatic provisioning of user {user} to app {app} failed",
    "update": "Automatic profile push of user {user} to app {app} failed",
    "deactivate": "Automatic deprovisioning of user {user} from app {app} failed",
    "password": "Automatic password push of user {user} to app {app} failed",
}


def decide(settings: Settings, link: UserLink | None, wanted: Wanted, profile: Profile) -> Operation | None:
    """What is to be done for a user; None: nothing."""
    active = link is not None and link.active
    unsettled = link is not None and link.unsettled
    if wanted == "absent" and (active or unsettled):
        return "deactivate" if settings.deactivate_users else "forget"
    if wanted != "present":
        return None
    if link is None or not active or unsettled:
        return "assign"
    return "update" if settings.update_attributes and changes(link.profile, profile) else None


class UserWork:
    """The plan for one user.

    Args:
        settings: the application's.
        key: the source's id.
        operation: what is to be done.
        user_name, name: the application's name for the user, and the one that people see.
        profile: what the user is to have.
        link: what is known of the account.
        taken: whether an account of the target belongs to another user of the source.
        draw: random numbers for a placeholder password.
        password: the password to push.
    """

    def __init__(
        self,
        settings: Settings,
        key: str,
        operation: Operation,
        *,
        user_name: str,
        name: str,
        profile: Profile,
        link: UserLink | None,
        taken: Callable[[str], bool],
        draw: random.Random,
        password: str | None = None,
    ) -> None:
        self.settings, self.key, self.operation = settings, key, operation
        self.user_name, self.name, self.profile = user_name, name, profile
        self._link = msgspec.structs.replace(link, profile=dict(link.profile)) if link is not None else None
        self._taken, self._draw, self._password = taken, draw, password
        self._notes: list[Note] = []
        # The reference and what administrators show differ in who is named how; see Settings.task_wording.
        observed = operation != "assign" or settings.task_wording == "observed"
        self._tried_for = name if observed else user_name
        self._created_as = user_name if observed else name

    def steps(self) -> Steps[Outcome]:
        """The requests, and what came of them."""
        failure = None
        try:
            yield from self._do()
        except FailedError as error:
            failure = error.failure
        return Outcome(self._link, tuple(self._notes), failure, self._message(failure) if failure is not None else "")

    def _message(self, failure: Failure) -> str:
        tried = _TRIED.get(self.operation, "").format(user=self._tried_for, app=self.settings.app_name)
        return f"{tried}: {failure.text}"

    def _do(self) -> Steps[None]:
        if self.operation == "assign":
            yield from self._assign()
        elif self.operation == "update":
            yield from self._push_profile(self._known(), changes(self._known().profile, self.profile))
        elif self.operation == "deactivate":
            yield from self._deactivate(self._known())
        elif self.operation == "password":
            yield from self._push_password(self._known())
        else:
            link = self._known()
            link.active = link.unsettled = False
            self._notes.append(Note(What.DEPROVISIONED, skipped="Deactivate Users is not enabled"))

    def _known(self) -> UserLink:
        if self._link is None:  # decide asks for nothing else then than to assign
            self._fail("lookup", errors.said("lookup", errors.NO_MATCH, self.user_name, self.name))
        return self._link

    # -- assignment --------------------------------------------------------------------------------------------

    def _assign(self) -> Steps[None]:
        # What was begun with an account is brought to its end with it, whatever the user is called by now.
        if self._link is not None and (self.settings.reassign == "remembered" or self._link.unsettled):
            known = yield from self._ask(shapes.get("/Users", self._link.target, self.user_name))
            if known.status != HTTPStatus.NOT_FOUND:
                yield from self._adopt(self._resource(known))
                return
        found = yield from self._look_up()
        if found is not None:
            yield from self._adopt(found)
        elif self.settings.create_users:
            yield from self._create()
        else:
            # The wording has nothing before it (help.okta.com, Troubleshoot provisioning).
            self._fail("lookup", Failure(errors.NO_MATCH, errors.NO_MATCH))

    def _look_up(self) -> Steps[Document | None]:
        value = match_value(self.settings, self.key, self.profile)
        answer = yield from self._ask(shapes.lookup("/Users", self.settings.matching, value))
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        listed = answer.resource.get("Resources", [] if "totalResults" in answer.resource else None)
        if not answer.good:
            self._fail("lookup", self._of("lookup", answer))
        if not isinstance(listed, list):
            self._fail("lookup", errors.said("lookup", errors.GUESS_NOT_A_LIST, self.user_name, self.name))
        found = [each for each in listed if isinstance(each, dict)]
        if len(found) > 1:
            # A server that ignores the filter answers everybody. What Okta makes of it is not documented.
            found = [each for each in found if _has(each, self.settings.matching, value)]
            if len(found) != 1:
                self._fail("lookup", errors.said("lookup", errors.GUESS_SEVERAL, self.user_name, self.name))
        return found[0] if found else None

    def _adopt(self, found: Document) -> Steps[None]:
        """Take an account that is there: activate it, and give it the whole profile."""
        target = found.get("id")
        if not isinstance(target, str) or not target:
            self._fail("lookup", errors.said("lookup", errors.GUESS_NOT_A_LIST, self.user_name, self.name))
        if self._taken(target):
            self._fail("lookup", errors.said("lookup", errors.GUESS_TAKEN, self.user_name, self.name))
        inactive = found.get("active") is False
        before = self._link.profile if self._link is not None and self._link.target == target else {}
        link = self._link = UserLink(target, active=False, profile=before, unsettled=True)
        # What was sent once and is empty now goes; what others have put there stays.
        changed = changes(before, self.profile) | self.profile if self.settings.update_attributes else {}
        if inactive and self.settings.patches:
            yield from self._patch("activate", link, {"active": True})
            self._notes.append(Note(What.REACTIVATED))
        if changed or (inactive and not self.settings.patches):
            yield from self._push_profile(link, changed, active=True if inactive else None)
        else:
            self._notes.append(Note(What.MATCHED))
        link.active, link.unsettled = True, False

    def _create(self) -> Steps[None]:
        password = self._password or shapes.placeholder(self._draw)
        external = external_id(self.key) if self.settings.external_id else None
        request = shapes.create_user(assembled(self.profile), password, self.user_name, external)
        answer = yield from self._ask(request)
        if not answer.good:
            self._fail("create", self._of("create", answer))
        target = answer.resource.get("id")
        if not isinstance(target, str) or not target:
            self._fail("create", errors.said("create", errors.EMPTY_USER, self.user_name, self._created_as))
        self._link = UserLink(target, profile=dict(self.profile))
        self._notes.append(Note(What.CREATED))

    # -- what is there already ---------------------------------------------------------------------------------

    def _push_profile(self, link: UserLink, changed: Profile, *, active: bool | None = None) -> Steps[None]:
        """Read and replace. ``active``: what it is to be; also after a PATCH of it, for what is read may be older."""
        resource = yield from self._read(link)
        if resource is None:
            self._fail("read", errors.no_user(self.user_name, self.name, link.target))
        document = updated(resource, changed)
        if active is not None:
            document["active"] = active
        yield from self._replace(link, document)
        if active and not self.settings.patches:
            self._notes.append(Note(What.REACTIVATED))
        if changed:
            link.profile = dict(self.profile)
            self._notes.append(Note(What.PROFILE))

    def _deactivate(self, link: UserLink) -> Steps[None]:
        link.unsettled = True
        if self.settings.patches:
            request = shapes.patch_user(link.target, {"active": False}, f"deactivate {self.user_name}")
            answer = yield from self._ask(request)
        else:
            answer = yield from self._ask(shapes.get("/Users", link.target, self.user_name))
            if answer.good:
                request = shapes.replace_user(link.target, {**self._resource(answer), "active": False}, self.user_name)
                answer = yield from self._ask(request)
        gone = answer.status == HTTPStatus.NOT_FOUND and self.settings.missing_on_deactivate == "done"
        if not answer.good and not gone:
            self._fail("deactivate", self._of("deactivate", answer))
        link.active = link.unsettled = False
        self._notes.append(Note(What.DEACTIVATED))

    def _push_password(self, link: UserLink) -> Steps[None]:
        password = self._password or shapes.placeholder(self._draw)
        if self.settings.patches:
            yield from self._patch("password", link, {"password": password})
        else:
            resource = yield from self._read(link)
            if resource is None:
                self._fail("password", errors.no_user(self.user_name, self.name, link.target))
            yield from self._replace(link, {**resource, "password": password})
        self._notes.append(Note(What.PASSWORD))

    # -- one request -------------------------------------------------------------------------------------------

    def _read(self, link: UserLink) -> Steps[Document | None]:
        """The resource as the target has it; None when it does not know it."""
        answer = yield from self._ask(shapes.get("/Users", link.target, self.user_name))
        return None if answer.status == HTTPStatus.NOT_FOUND else self._resource(answer)

    def _resource(self, answer: Answer) -> Document:
        if not answer.good:
            self._fail("read", self._of("read", answer))
        if not answer.resource:
            target = self._link.target if self._link is not None else ""
            self._fail("read", errors.no_user(self.user_name, self.name, target))
        return answer.resource

    def _replace(self, link: UserLink, document: Document) -> Steps[None]:
        answer = yield from self._ask(shapes.replace_user(link.target, document, self.user_name))
        if not answer.good:
            self._fail("update", self._of("update", answer))

    def _patch(self, where: errors.Where, link: UserLink, value: Document) -> Steps[None]:
        answer = yield from self._ask(shapes.patch_user(link.target, value, f"{where} {self.user_name}"))
        if not answer.good:
            self._fail(where, self._of(where, answer))

    def _ask(self, request: Request) -> Steps[Answer]:
        answer = yield from ask(self.settings, request)
        return answer

    def _of(self, where: errors.Where, answer: Answer) -> Failure:
        return errors.of_user(where, answer, self.user_name, self._created_as if where == "create" else self.name)

    def _fail(self, where: errors.Where, failure: Failure) -> Never:
        what = {"credentials": What.CREDENTIALS, "rate-limit": What.RATE_LIMIT}.get(failure.kind, _EVENTS[where])
        self._notes.append(Note(what, failure))
        raise FailedError(failure)


def _has(resource: Document, matching: str, value: str) -> bool:
    """Whether a resource has the value it was looked up by."""
    if matching != "emails.value":
        return str(resource.get(matching, "")).casefold() == value.casefold()
    listed = resource.get("emails")
    emails = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return any(str(each.get("value", "")).casefold() == value.casefold() for each in emails)
