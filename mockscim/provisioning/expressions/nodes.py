"""An expression as a tree. ``str`` prints it so that the parser makes the same tree of it again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attribute:
    """A source attribute: ``[givenName]``."""

    name: str

    def __str__(self) -> str:
        return f"[{self.name}]"


@dataclass(frozen=True, slots=True)
class Text:
    """A string constant; a backslash or quotation mark in it is escaped."""

    value: str

    def __str__(self) -> str:
        return '"' + self.value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True, slots=True)
class Number:
    """A number, as written: ``-10``, ``1.5``, ``&HF7``."""

    text: str

    @property
    def value(self) -> int | float:
        """What it comes to."""
        if self.text.lower().startswith("&h"):
            return int(f"0x{self.text[2:]}", 0)
        return float(self.text) if "." in self.text else int(self.text)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Word:
    """A bare word: ``True``, ``vbTextCompare``."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Missing:
    """An argument left out: between two commas there is nothing."""

    def __str__(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments."""

    name: str
    arguments: tuple[Node, ...]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two operands and ``=``, ``<>``, ``>``, ``>=``, ``<`` or ``<=`` between them."""

    left: Node
    operator: str
    right: Node

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


Node = Attribute | Text | Number | Word | Missing | Call | Comparison


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    below: tuple[Node, ...] = ()
    if isinstance(node, Call):
        below = node.arguments
    elif isinstance(node, Comparison):
        below = (node.left, node.right)
    for each in below:
        yield from walk(each)


def attributes(node: Node) -> list[str]:
    """The source attributes that an expression looks at, each once."""
    return list(dict.fromkeys(each.name for each in walk(node) if isinstance(each, Attribute)))
