"""Imports: what the application has, page by page, and whom of the source it belongs to.

The next page begins a hundred further on while ``totalResults`` is larger, however many resources a page has brought
(okta-developer-docs reference/scim/scim-20, Retrieve Users). What the Import tab shows is matched or new; that more
than one user here or there has the same name is a conflict, which is our word for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import msgspec

from mockscim.provisioning.directory import Directory
from mockscim.provisioning.okta import errors, shapes
from mockscim.provisioning.okta.asking import ask
from mockscim.provisioning.okta.profile import user_name
from mockscim.provisioning.okta.settings import Settings
from mockscim.provisioning.okta.state import State
from mockscim.provisioning.wire import Answer, Steps

Document = dict[str, Any]

Category = Literal["new", "exact", "partial", "conflict", "linked"]

GUESS_NO_TOTAL = "totalResults is not an integer"
GUESS_NO_RESOURCES = "Resources is not a list"


class ImportedUser(msgspec.Struct):
    """A user of the application.

    Attributes:
        id: the target's.
        user_name: as the target has it.
        category: ``linked``: known already; ``exact``, ``partial``: looks like one here; ``new``: like nobody;
            ``conflict``: cannot be told.
        matches: the source's ids of those it looks like.
        active: whether it may sign in there.
        reason: what is in conflict.
        resource: as it was read.
    """

    id: str
    user_name: str
    category: Category
    matches: list[str] = []
    active: bool = True
    reason: str = ""
    resource: Document = {}


class ImportedGroup(msgspec.Struct):
    """A group of the application; ``members`` are the target's ids."""

    id: str
    display_name: str
    category: Literal["new", "linked"]
    members: list[str] = []


class ImportResult(msgspec.Struct):
    """What an import has brought.

    Attributes:
        users, groups: what there is; one of them is empty.
        pages: how many were read.
        total: ``totalResults`` of the last.
        duplicates: ids that came more than once: the order of the list is not stable.
        error: why it was broken off; nothing is imported then.
    """

    users: list[ImportedUser] = []
    groups: list[ImportedGroup] = []
    pages: int = 0
    total: int = 0
    duplicates: list[str] = []
    error: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """How many of each category."""
        found: dict[str, int] = {}
        for category in [*(each.category for each in self.users), *(each.category for each in self.groups)]:
            found[category] = found.get(category, 0) + 1
        return found


class Import:
    """One import. ``steps`` is its plan; ``end`` takes what came of it and when, and writes ``entries``."""

    def __init__(
        self,
        settings: Settings,
        endpoint: Literal["/Users", "/Groups"],
        judge: Callable[[list[Document]], ImportResult],
        ended: Callable[[Import, ImportResult, float], list[dict[str, Any]]],
    ) -> None:
        self.settings, self.endpoint = settings, endpoint
        self._judge, self._ended = judge, ended
        self.entries: list[dict[str, Any]] = []

    def steps(self) -> Steps[ImportResult]:
        """Read all pages."""
        resources: dict[str, Document] = {}
        duplicates: list[str] = []
        start, pages, total = 1, 0, 0
        while True:
            answer = yield from ask(self.settings, shapes.page(self.endpoint, start, purpose="import"))
            pages += 1
            problem = _problem(answer)
            if problem:
                return ImportResult(pages=pages, total=total, error=problem)
            total = answer.resource["totalResults"]
            listed = [each for each in answer.resource.get("Resources") or [] if isinstance(each, dict)]
            for each in listed:
                target = each.get("id")
                if not isinstance(target, str) or not target:
                    return ImportResult(pages=pages, total=total, error="a resource has no id")
                if target in resources:
                    duplicates.append(target)
                resources[target] = each
            start += shapes.PAGE
            # An empty page ends it too, lest a total that is wrong goes on for ever. That is a guess.
            if start > total or not listed:
                break
        found = self._judge(list(resources.values()))
        found.pages, found.total, found.duplicates = pages, total, duplicates
        return found

    def end(self, result: ImportResult, at: float) -> None:
        """Remember what came of it."""
        self.entries = self._ended(self, result, at)


def _problem(answer: Answer) -> str:
    if not answer.good:
        return errors.reason_of(answer).reason
    total = answer.resource.get("totalResults")
    if isinstance(total, bool) or not isinstance(total, int):
        return GUESS_NO_TOTAL
    return "" if isinstance(answer.resource.get("Resources", []), list | None) else GUESS_NO_RESOURCES


class Matcher:
    """Tells whom of the source a user of the application looks like."""

    def __init__(self, settings: Settings, state: State, directory: Directory) -> None:
        self.settings = settings
        self._links = {link.target: key for key, link in state.users.items() if link.active}
        self._accounts = {key: link.target for key, link in state.users.items() if link.active}
        self._exact: dict[str, list[str]] = {}
        self._names: dict[tuple[str, str], list[str]] = {}
        self._groups = {link.target for link in state.groups.values() if not link.missing}
        for key, user in directory.users.items():
            if not user.deleted:
                own = user_name(settings, user) if settings.import_match == "userName" else user.get("mail")
                self._exact.setdefault(str(own or "").casefold(), []).append(key)
                name = (str(user.get("givenName") or "").casefold(), str(user.get("surname") or "").casefold())
                self._names.setdefault(name, []).append(key)
        # Nobody is matched by what neither has.
        self._exact.pop("", None)
        self._names.pop(("", ""), None)

    def users(self, resources: Iterable[Document]) -> ImportResult:
        """The users of an import, each with what it looks like."""
        found = [self._user(resource) for resource in resources]
        claims: dict[str, list[ImportedUser]] = {}
        for each in found:
            if each.category == "exact":
                claims.setdefault(each.matches[0], []).append(each)
        for rivals in claims.values():
            if len(rivals) > 1:
                for each in rivals:
                    each.category, each.reason = "conflict", "several users of the application match the same user"
        return ImportResult(users=found)

    def _user(self, resource: Document) -> ImportedUser:
        name = resource.get("userName")
        shown = name if isinstance(name, str) else ""
        active = resource.get("active") is not False
        target: str = resource["id"]
        made = ImportedUser(target, shown, "new", active=active, resource=resource)
        if target in self._links:
            made.category, made.matches = "linked", [self._links[target]]
        elif not shown:
            made.category, made.reason = "conflict", "it has no userName"
        else:
            self._match(made, resource)
        return made

    def _match(self, made: ImportedUser, resource: Document) -> None:
        value = made.user_name if self.settings.import_match == "userName" else _email(resource)
        exact = self._exact.get(value.casefold(), [])
        if len(exact) == 1 and self._accounts.get(exact[0], made.id) != made.id:
            made.category, made.matches, made.reason = "conflict", exact, "the matching user is linked to another"
        elif exact:
            made.category, made.matches = "exact" if len(exact) == 1 else "conflict", exact
            made.reason = "" if len(exact) == 1 else "several users match"
        elif self.settings.import_partial:
            name = resource.get("name")
            parts = name if isinstance(name, dict) else {}
            key = (str(parts.get("givenName") or "").casefold(), str(parts.get("familyName") or "").casefold())
            partial = [each for each in self._names.get(key, []) if each not in self._accounts]
            if partial:
                made.category, made.matches = "partial", partial

    def groups(self, resources: Iterable[Document]) -> ImportResult:
        """The groups of an import."""
        return ImportResult(groups=[self._group(resource) for resource in resources])

    def _group(self, resource: Document) -> ImportedGroup:
        target: str = resource["id"]
        listed = resource.get("members")
        members = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        ids = [each["value"] for each in members if isinstance(each.get("value"), str)]
        return ImportedGroup(
            target, str(resource.get("displayName") or ""), "linked" if target in self._groups else "new", ids
        )


def _email(resource: Document) -> str:
    listed = resource.get("emails")
    emails = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    chosen = next((each for each in emails if each.get("primary") is True), emails[0] if emails else {})
    return str(chosen.get("value") or "")
