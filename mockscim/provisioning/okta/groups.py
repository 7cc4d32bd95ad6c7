"""What is sent for one pushed group.

    push    look up by name; found: link to it, name and all members; not found: create empty, then the members
    update  the name, also when only members have changed, then one PATCH that removes and adds
    full    "Push now": the name, then all members
    link    an id that an administrator has chosen: read it, then all members
    unlink  DELETE, or nothing

An application of the wizard sends the whole group with PUT instead of each PATCH.
Source: okta-developer-docs reference/scim/scim-20, Group operations.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal, NamedTuple, Never

from mockscim.provisioning.okta import errors, shapes
from mockscim.provisioning.okta.asking import ask
from mockscim.provisioning.okta.errors import FailedError, Failure
from mockscim.provisioning.okta.log import What
from mockscim.provisioning.okta.outcome import Note, Outcome
from mockscim.provisioning.okta.settings import Settings
from mockscim.provisioning.okta.state import GroupLink
from mockscim.provisioning.wire import Answer, Request, Steps

Document = dict[str, Any]

Operation = Literal["push", "update", "full", "link", "unlink"]


class Member(NamedTuple):
    """A member as it is pushed.

    Args:
        target: the target's id of the user.
        display: the user name.
    """

    target: str
    display: str


def decide(
    link: GroupLink | None, *, pushed: bool, name: str, members: Mapping[str, Member], again: bool = False
) -> Operation | None:
    """What is to be done for a group; None: nothing.

    Args:
        link: what is known of it.
        pushed: whether it is to be in the target.
        name: what it is called.
        members: who is to be in it, by the source's id.
        again: an administrator has asked for it: a link that has gone missing is looked for anew.
    """
    if not pushed:
        return "unlink" if link is not None else None
    if link is None:
        return "push"
    if link.missing:
        return "push" if again else None
    same = link.members == {key: member.target for key, member in members.items()}
    return None if link.name == name and same and not link.unsure else "update"


class GroupWork:
    """The plan for one group.

    Args:
        settings: the application's.
        operation: what is to be done.
        name: what the group is called.
        members: who is to be in it, by the source's id.
        link: what is known of it.
        target: the id to link to.
    """

    def __init__(
        self,
        settings: Settings,
        operation: Operation,
        *,
        name: str,
        members: Mapping[str, Member],
        link: GroupLink | None,
        target: str = "",
    ) -> None:
        self.settings, self.operation, self.name, self.members = settings, operation, name, dict(members)
        self._link = None
        if link is not None:
            self._link = GroupLink(link.target, link.name, dict(link.members), link.missing, link.unsure)
        self._target = target
        self._notes: list[Note] = []

    def steps(self) -> Steps[Outcome]:
        """The requests, and what came of them."""
        failure = None
        try:
            yield from self._do()
        except FailedError as error:
            failure = error.failure
        return Outcome(self._link, tuple(self._notes), failure, self._message(failure) if failure is not None else "")

    def _message(self, failure: Failure) -> str:
        """The wording of getsentry/sentry#88623; a missing group's stands alone."""
        if failure.kind == "missing":
            return failure.text
        return f"Unable to update Group Push mapping target App group {self.name}: {failure.text}"

    def _do(self) -> Steps[None]:
        if self.operation == "unlink":
            yield from self._unlink()
        elif self.operation == "push":
            yield from self._push()
        elif self.operation == "link":
            yield from self._link_to(self._target)
        else:
            yield from self._update(self._known(), full=self.operation == "full")

    def _known(self) -> GroupLink:
        if self._link is None:  # decide asks for nothing else then than to push
            self._fail(errors.group_said("lookup", errors.GUESS_NOT_A_LIST, self.name))
        return self._link

    # -- the first time ----------------------------------------------------------------------------------------

    def _push(self) -> Steps[None]:
        self._link = None
        found = (yield from self._look_up()) if self.settings.existing_group == "link" else None
        if found is not None:
            yield from self._adopt(found)
            return
        answer = yield from self._ask(shapes.create_group(self.name))
        if not answer.good:
            self._fail(errors.of_group("create", answer, self.name))
        target = answer.resource.get("id")
        if not isinstance(target, str) or not target:
            self._fail(errors.group_said("create", errors.GUESS_EMPTY_GROUP, self.name))
        link = self._link = GroupLink(target, self.name)
        self._notes += [Note(What.MAPPED), Note(What.GROUP_PUSHED)]
        if self.members:
            yield from self._update(link)

    def _look_up(self) -> Steps[Document | None]:
        answer = yield from self._ask(shapes.lookup("/Groups", "displayName", self.name))
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if not answer.good:
            self._fail(errors.of_group("lookup", answer, self.name))
        listed = answer.resource.get("Resources", [] if "totalResults" in answer.resource else None)
        if not isinstance(listed, list):
            self._fail(errors.group_said("lookup", errors.GUESS_NOT_A_LIST, self.name))
        found = [each for each in listed if isinstance(each, dict)]
        if len(found) > 1:
            found = [each for each in found if each.get("displayName") == self.name]
            if len(found) != 1:
                self._fail(errors.group_said("lookup", errors.GUESS_SEVERAL, self.name))
        return found[0] if found else None

    def _link_to(self, target: str) -> Steps[None]:
        answer = yield from self._ask(shapes.get("/Groups", target, f"group {self.name}"))
        if answer.status == HTTPStatus.NOT_FOUND:
            self._fail(errors.missing_group(self.settings.app_name))
        if not answer.good:
            self._fail(errors.of_group("lookup", answer, self.name))
        yield from self._adopt({**answer.resource, "id": target})

    def _adopt(self, found: Document) -> Steps[None]:
        """Link to a group that is there: from now on its members are those of the source."""
        target = found.get("id")
        if not isinstance(target, str) or not target:
            self._fail(errors.group_said("lookup", errors.GUESS_NOT_A_LIST, self.name))
        known = found.get("displayName")
        link = self._link = GroupLink(target, known if isinstance(known, str) else self.name)
        self._notes.append(Note(What.MAPPED))
        yield from self._update(link, full=True)

    # -- what is linked ----------------------------------------------------------------------------------------

    def _update(self, link: GroupLink, *, full: bool = False) -> Steps[None]:
        if not self.settings.patches:
            yield from self._replace(link)
            return
        yield from self._rename(link)
        full = full or link.unsure
        wanted = {key: member.target for key, member in self.members.items()}
        if not full and link.members == wanted:
            return
        answer = yield from self._ask(self._full(link) if full else self._difference(link))
        self._note_doubt(link, answer)
        if not answer.good:
            # That the group is there the request before has shown.
            self._fail(errors.of_group("membership", answer, self.name))
        link.members = wanted
        self._notes.append(Note(What.MEMBERS_PUSHED))

    def _rename(self, link: GroupLink) -> Steps[None]:
        """The name is sent again with every change of members."""
        answer = yield from self._ask(shapes.rename_group(link.target, self.name))
        self._check(link, answer)
        self._renamed(link)

    def _replace(self, link: GroupLink) -> Steps[None]:
        request = shapes.replace_group(link.target, self.name, _listed(self.members))
        answer = yield from self._ask(request)
        self._note_doubt(link, answer)
        self._check(link, answer)
        self._renamed(link)
        link.members = {key: member.target for key, member in self.members.items()}
        self._notes.append(Note(What.GROUP_UPDATED))

    @staticmethod
    def _note_doubt(link: GroupLink, answer: Answer) -> None:
        """Remember that nobody knows who is in it now, until a request goes well: what was lost may have been done."""
        link.unsure = not answer.good

    def _check(self, link: GroupLink, answer: Answer) -> None:
        if answer.status == HTTPStatus.NOT_FOUND:
            link.missing = True
            self._fail(errors.missing_group(self.settings.app_name))
        if not answer.good:
            self._fail(errors.of_group("update", answer, self.name))

    def _renamed(self, link: GroupLink) -> None:
        if link.name != self.name:
            self._notes.append(Note(What.GROUP_RENAMED))
        link.name = self.name

    def _full(self, link: GroupLink) -> Request:
        return shapes.replace_members(link.target, self.name, _listed(self.members))

    def _difference(self, link: GroupLink) -> Request:
        before = set(link.members.values())
        after = {member.target for member in self.members.values()}
        removed = [target for target in link.members.values() if target not in after]
        added = {member.target: member.display for member in self.members.values() if member.target not in before}
        return shapes.change_members(link.target, self.name, removed, added)

    def _unlink(self) -> Steps[None]:
        link = self._known()
        if self.settings.unlink == "delete":
            answer = yield from self._ask(shapes.delete_group(link.target, f"group {self.name}"))
            if not answer.good and answer.status != HTTPStatus.NOT_FOUND:
                self._fail(errors.of_group("delete", answer, self.name))
            self._notes.append(Note(What.GROUP_DELETED))
        self._link = None
        self._notes.append(Note(What.GROUP_REMOVED))

    def _ask(self, request: Request) -> Steps[Answer]:
        answer = yield from ask(self.settings, request)
        return answer

    def _fail(self, failure: Failure) -> Never:
        """What may go by itself is tried again, and the event type says so (okta-event-types.csv)."""
        self._notes.append(Note(What.GROUP_WILL_RETRY if failure.transient else What.GROUP_FAILED, failure))
        raise FailedError(failure)


def _listed(members: Mapping[str, Member]) -> dict[str, str]:
    return {member.target: member.display for member in members.values()}
