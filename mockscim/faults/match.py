"""Which requests a rule is about: its `match`, checked and compiled (CONTRACT §4).

    operation   one or several of ``user.create``, ``group.*``, ``*``, or refinements: ``group.member.add``
    where       a SCIM filter over the resource
    method      ``POST``
    path        a glob over the path below the base: ``/Users*``
    header      name in any case -> glob over its value
    authenticated, committed

In a glob ``*`` stands for any text, and nothing else is special; case counts. The keys are ANDed.
"""

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta, field

from mockscim.faults.documents import suggestion
from mockscim.faults.errors import FaultError, Wrong, pointer_to
from mockscim.scim.errors import ScimError
from mockscim.scim.filter import And, Compare, Node, parse

# What may follow the resource's name and its dot: the verbs of CONTRACT §4 and the refinements.
VERBS = (
    "create",
    "get",
    "list",
    "search",
    "replace",
    "patch",
    "delete",
    "run",
    "activate",
    "deactivate",
    "rename",
    "member.add",
    "member.remove",
)

LONGEST_GLOB = 1000
"""Characters; what is longer takes seconds to compile."""

NAMES = frozenset({"id", "externalid", "username", "displayname", "emails.value"})
"""Attributes, in lower case, whose values are texts by which resources are told apart."""

_RESOURCE = re.compile(r"[A-Za-z0-9_*-]+")
_METHOD = re.compile(r"[A-Z]+")


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The `match` of a rule as it stands in a document."""

    operation: Annotated[str | list[str], Meta(description="Operations or refinements; * stands for any text.")] = "*"
    where: Annotated[str | None, Meta(description="SCIM filter over the resource before, after or as sent.")] = None
    method: Annotated[str | None, Meta(description="HTTP method, in capitals.")] = None
    path: Annotated[str | None, Meta(description="Glob over the path below the base, such as /Users*.")] = None
    header: Annotated[dict[str, str], Meta(description="Header name to glob over its value.")] = field(
        default_factory=dict
    )
    authenticated: Annotated[bool, Meta(description="false: requests without a good token match too.")] = True
    committed: Annotated[bool | None, Meta(description="Only what will commit a change, or only what will not.")] = None

    def __post_init__(self) -> None:
        for operation in self.operations:
            if wrong := wrong_operation(operation):
                raise Wrong("operation", wrong)
        if not self.operations:
            raise Wrong("operation", "expected at least one operation")
        if self.method is not None and not _METHOD.fullmatch(self.method):
            raise Wrong("method", f"{self.method!r}: expected an HTTP method in capitals, such as POST")
        if self.path is not None and not self.path.startswith(("/", "*")):
            raise Wrong("path", f"{self.path!r}: expected a path below the base, such as /Users*")
        if len(self.path or "") > LONGEST_GLOB:
            raise Wrong("path", f"expected at most {LONGEST_GLOB} characters")
        if any(len(text) > LONGEST_GLOB for pair in self.header.items() for text in pair):
            raise Wrong("header", f"expected at most {LONGEST_GLOB} characters in a name or value")

    @property
    def operations(self) -> tuple[str, ...]:
        """All operations named."""
        return (self.operation,) if isinstance(self.operation, str) else tuple(self.operation)


class Request(Protocol):
    """What a match asks of a request; the engine's Attempt is one."""

    @property
    def method(self) -> str:
        """HTTP method, in capitals."""
        ...

    @property
    def path(self) -> str:
        """Path below the base."""
        ...

    @property
    def authenticated(self) -> bool:
        """Whether its token was good."""
        ...

    @property
    def header(self) -> Callable[[str], str | None]:
        """Look a header up, in any case."""
        ...

    @property
    def where(self) -> Callable[[Node], bool]:
        """Does the filter hold for the resource before, after or as sent? May cost: asked late."""
        ...

    @property
    def commits(self) -> Callable[[], bool]:
        """Would this request commit a change? May cost: asked last."""
        ...


@dataclass(frozen=True, slots=True)
class Matcher:
    """A compiled Match; ``covers`` first, ``holds`` only for operations it covers."""

    _operations: tuple[re.Pattern[str], ...]
    _method: str | None
    _path: re.Pattern[str] | None
    _headers: tuple[tuple[str, re.Pattern[str]], ...]
    _authenticated: bool
    _where: Node | None
    _committed: bool | None
    place: str | None
    """The one path that it is about, where that has no star."""
    named: tuple[str, str] | None
    """An attribute by which resources are told apart, and the one value that its filter wants there (case-folded)."""

    def covers(self, operation: str, refinements: tuple[str, ...]) -> bool:
        """Is the operation, or one of its refinements, among those named?"""
        names = (operation, *refinements)
        return any(pattern.fullmatch(name) for pattern in self._operations for name in names)

    def holds(self, request: Request) -> bool:
        """Do all other keys hold? Cheap questions first."""
        if self._authenticated and not request.authenticated:
            return False
        if self._method is not None and request.method != self._method:
            return False
        if self._path is not None and not self._path.fullmatch(request.path):
            return False
        for name, pattern in self._headers:
            value = request.header(name)
            if value is None or not pattern.fullmatch(value):
                return False
        if self._where is not None and not request.where(self._where):
            return False
        return self._committed is None or request.commits() is self._committed


def compile_match(match: Match, pointer: str) -> Matcher:
    """The Matcher of a Match.

    Raises:
        FaultError: its filter is none; points below ``pointer``.
    """
    where = None
    if match.where is not None:
        try:
            where = parse(match.where).node
        except ScimError as error:
            raise FaultError(pointer_to(pointer, "where"), f"expected a SCIM filter: {error.detail}") from None
    return Matcher(
        tuple(glob(operation) for operation in match.operations),
        match.method,
        None if match.path is None else glob(match.path),
        tuple((name, glob(value)) for name, value in match.header.items()),
        match.authenticated,
        where,
        match.committed,
        match.path if match.path is not None and "*" not in match.path else None,
        None if where is None else _named(where),
    )


def _named(where: Node) -> tuple[str, str] | None:
    """What a filter wants of an attribute in NAMES, whatever else it wants."""
    for node in where.items if isinstance(where, And) else (where,):
        if isinstance(node, Compare) and node.op == "eq" and isinstance(node.value, str) and node.path.uri is None:
            key = f"{node.path.name}.{node.path.sub}".lower() if node.path.sub is not None else node.path.name.lower()
            if key in NAMES:
                return key, node.value.casefold()
    return None


def glob(text: str) -> re.Pattern[str]:
    """A pattern in which ``*`` stands for any text. Linear in what it is held against, however many stars."""
    # fnmatch's translation never backtracks over a star; its other wildcards are made literal
    return re.compile(fnmatch.translate(text.replace("[", "[[]").replace("?", "[?]")))


def wrong_operation(operation: str) -> str:
    """What is wrong with an operation's name, or "": a rule with a slip of the pen would never fire."""
    if len(operation) > LONGEST_GLOB:
        return f"expected an operation such as user.create, of at most {LONGEST_GLOB} characters"
    resource, dot, verb = operation.partition(".")
    if not _RESOURCE.fullmatch(resource) or not (dot or "*" in operation):
        return f"{operation!r}: expected an operation such as user.create, group.* or *"
    if dot and not any(glob(verb).fullmatch(known) for known in VERBS):
        near = suggestion(operation, [f"{resource}.{known}" for known in VERBS])
        return f"{operation!r}: {near}expected {resource}. and one of {', '.join(VERBS)}"
    return ""
