"""A request and its answer, as the service provider sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from mockscim.scim.bulk_request import Bulk
from mockscim.scim.errors import ScimError, not_found
from mockscim.scim.patch_request import Operation
from mockscim.scim.policy import Tolerance
from mockscim.scim.record import Change, Record
from mockscim.scim.schema import ResourceType
from mockscim.scim.searching import SLICE, Steps, finished


class Verdict(NamedTuple):
    """What a fault does to one operation of a bulk job; ``GO_ON`` where none strikes.

    Attributes:
        carry_out: whether the operation is done.
        status: what its result says instead of what became of it; None: what became of it.
        body: the response in that result, as JSON or text; empty for none.
        stop: neither this operation nor any after it is done, and there is no answer to the job.
        serve: has the operation served in another way, given what serves it as ever and enters what that commits in
            a list, and that list.
    """

    carry_out: bool = True
    status: int | None = None
    body: bytes = b""
    stop: bool = False
    serve: Callable[[Call, Callable[[Call], Reply], list[Change]], Reply] | None = None


GO_ON = Verdict()
GiveVerdict = Callable[["Call"], Verdict]

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Call:
    """One request on its way: what it asks for, and what has been found out about it.

    One is made for each request, so what most of them do not have is a default of the class.
    """

    parameters: Mapping[str, str] = MappingProxyType({})
    if_match: str | None = None
    if_none_match: str | None = None
    discovery: tuple[str, str | None] | None = None
    document: Any = None
    operations: Sequence[Operation] = ()
    refinements: tuple[str, ...] = ()
    problem: ScimError | None = None
    # Of a bulk job: what it asks for, and who is asked before each of its operations.
    bulk: Bulk | None = None
    verdict: GiveVerdict | None = None
    # Of one of its operations: the id that it will give, what the job has looked at so far (patch.MOST_LOOKED_AT),
    # and that nobody reads the resource in its answer.
    new_id: str | None = None
    looked_at: int = 0
    quiet: bool = False
    # Of a list: what a fault makes of the number of resources that a page has at most (None: all).
    resize: Callable[[int | None], int | None] | None = None
    # Of a list: whether whoever asks takes an answer that is not finished.
    patient: bool = False
    # Of one at /Me: whose the request is, as an id or a userName, and the path of the resource that this is, if it is
    # there (RFC 7644 §3.11).
    me: bool = False
    subject: str | None = None
    alias: str | None = None

    def __init__(
        self,
        method: str,
        base: str,
        operation: str,
        tolerance: Tolerance,
        type: ResourceType | None = None,  # noqa: A002 - what the RFC calls it
        id: str | None = None,  # noqa: A002
        verb: str = "",
    ) -> None:
        self.method = method
        self.base = base
        self.operation = operation
        self.tolerance = tolerance
        self.type = type
        self.id = id
        self.verb = verb or operation.rpartition(".")[2]
        # Whether the operation takes a body.
        self.has_body = method in _WITH_BODY

    @property
    def kind(self) -> ResourceType:
        """The resource type, for operations that have one."""
        if self.type is None:  # pragma: no cover - route gives one to every resource operation
            raise not_found("no resource type")
        return self.type


class Reply:
    """The answer: status, headers, body as JSON bytes (None for none), and what was done for it."""

    __slots__ = ("body", "changes", "headers", "resource", "status")

    def __init__(
        self,
        status: int,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        resource: Record | None = None,
        changes: Sequence[Change] = (),
    ) -> None:
        self.status = status
        self.body = body
        self.headers = headers if headers is not None else {}
        self.resource = resource
        self.changes = changes

    @classmethod
    def refusing(cls, error: ScimError) -> Reply:
        """The answer that an error is, where something was committed all the same: raised, it says that nothing was."""
        return cls(error.status, error.body(), dict(error.headers))


class Unfinished(Reply):
    """The answer to a search that is still going on, in steps; until it is done it has no body.

    Whoever has it may serve others between two steps, and changes nothing in the answer by that.
    """

    __slots__ = ("_steps",)

    def __init__(self, steps: Steps[bytes]) -> None:
        super().__init__(200)
        self._steps = steps

    def begin(self) -> bool:
        """Find out what is asked, and answer it if that is soon done; whether it is.

        Raises:
            ScimError: it is refused.
        """
        try:
            next(self._steps)
        except StopIteration as done:
            self.body = done.value
        return self.body is not None

    def go_on(self) -> bool:
        """Do some more of it, a millisecond or two; whether it is done."""
        seen = 0
        try:
            while seen < SLICE:
                seen += next(self._steps)
        except StopIteration as done:
            self.body = done.value
        return self.body is not None

    def finish(self) -> Reply:
        """Do all that is left of it."""
        if self.body is None:
            self.body = finished(self._steps)
        return self
