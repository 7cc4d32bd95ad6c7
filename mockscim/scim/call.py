"""A request and its answer, as the service provider sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from mockscim.scim.errors import ScimError, not_found
from mockscim.scim.patch import Operation
from mockscim.scim.policy import Tolerance
from mockscim.scim.record import Change, Record
from mockscim.scim.schema import ResourceType


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

    def __init__(
        self,
        method: str,
        base: str,
        operation: str,
        tolerance: Tolerance,
        type: ResourceType | None = None,  # noqa: A002 - what the RFC calls it
        id: str | None = None,  # noqa: A002
    ) -> None:
        self.method = method
        self.base = base
        self.operation = operation
        self.tolerance = tolerance
        self.type = type
        self.id = id

    @property
    def kind(self) -> ResourceType:
        """The resource type, for operations that have one."""
        if self.type is None:  # pragma: no cover - route gives one to every resource operation
            raise not_found("no resource type")
        return self.type

    @property
    def has_body(self) -> bool:
        """Whether the operation takes a body."""
        return self.method in ("POST", "PUT", "PATCH")


@dataclass(slots=True)
class Reply:
    """The answer: status, headers, body as JSON bytes (None for none), and what was done for it."""

    status: int
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    resource: Record | None = None
    changes: list[Change] = field(default_factory=list)
