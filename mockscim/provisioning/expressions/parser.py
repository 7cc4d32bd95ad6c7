r"""Reading expressions, as "Reference for writing expressions for attribute mappings" has their syntax.

    expression = operand [ ( "=" | "<>" | ">" | ">=" | "<" | "<=" ) operand ]
    operand    = name "(" [ argument *( "," argument ) ] ")" | "[" attribute "]" | text | number | word
    argument   = expression | nothing
    text       = '"' … '"'      with \" and \\; another backslash stands for itself, as published examples have it
    number     = [ "-" ] digits [ "." digits ] | "&H" hexadecimal digits

Function names are case-sensitive. There is no And or Or.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NoReturn

from mockscim.faults.documents import suggestion
from mockscim.provisioning.expressions.errors import ExpressionError
from mockscim.provisioning.expressions.nodes import Attribute, Call, Comparison, Missing, Node, Number, Text, Word
from mockscim.provisioning.expressions.registry import FUNCTIONS

MAX_LENGTH = 10_000
"""Characters of an expression: the documented limit."""
MAX_DEPTH = 64
"""Functions in functions: a limit of our own."""

_TOKENS = re.compile(
    r"""(?P<space>\s+)
    |(?P<text>"(?:[^"\\]|\\.)*")
    |(?P<attribute>\[[^\[\]"]+\])
    |(?P<number>-?\d{1,30}(?:\.\d{1,30})?|&[Hh][0-9A-Fa-f]{1,16})
    |(?P<name>[A-Za-z_]\w*)
    |(?P<operator><>|>=|<=|[=<>])
    |(?P<mark>[(),])""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_WORDS = {"True", "False", "vbTextCompare", "vbBinaryCompare"}
_Token = tuple[str, str, int]


@lru_cache(maxsize=512)
def parse(text: str) -> Node:
    """The tree of an expression.

    Raises:
        ExpressionError: it is none, it is too long, or it calls a function that does not exist or otherwise than that
            is called.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"an expression has at most {MAX_LENGTH:,} characters, this has {len(text):,}")
    reader = _Reader(text)
    node = reader.expression(0)
    if isinstance(node, Missing):
        raise ExpressionError("an expression was expected, nothing was found", 0)
    kind, token, position = reader.take()
    if kind != "end":
        raise ExpressionError(f"the end was expected, {_found(token)}", position)
    return node


def _found(token: str) -> str:
    hint = "; there is no And and no Or: nest IIF" if token.lower() in ("and", "or") else ""
    return f"{token[:40]!r} was found{hint}"


class _Reader:
    """Tokens of one text, and the rules of the grammar over them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(self.scan())
        self.next = 0

    def scan(self) -> list[_Token]:
        found, place = [], 0
        while place < len(self.text):
            match = _TOKENS.match(self.text, place)
            if match is None:
                self.unreadable(place)
            if match.lastgroup != "space":
                found.append((str(match.lastgroup), match[0], place))
            place = match.end()
        return found

    def unreadable(self, place: int) -> NoReturn:
        begun = self.text[place]
        message = {
            '"': 'this text does not end: a quotation mark in it is written \\"',
            "[": "an attribute was expected, as in [givenName]",
            "“": "straight quotation marks were expected",
            "”": "straight quotation marks were expected",
        }.get(begun, f"{begun!r} belongs to no expression")
        raise ExpressionError(message, place)

    def peek(self) -> _Token:
        return self.tokens[self.next] if self.next < len(self.tokens) else ("end", "", len(self.text))

    def take(self) -> _Token:
        token = self.peek()
        self.next += 1
        return token

    def expression(self, depth: int) -> Node:
        left = self.operand(depth)
        kind, operator, position = self.peek()
        if kind != "operator":
            return left
        self.take()
        right = self.operand(depth)
        if isinstance(left, Missing) or isinstance(right, Missing):
            raise ExpressionError(f"something on both sides of {operator} was expected", position)
        return Comparison(left, operator, right)

    def operand(self, depth: int) -> Node:
        kind, token, position = self.peek()
        if kind in ("end", "operator") or token in (",", ")"):
            return Missing()
        self.take()
        if kind == "text":
            return Text(re.sub(r'\\(["\\])', r"\1", token[1:-1]))
        if kind == "attribute":
            name = token[1:-1].strip()
            if not name:
                raise ExpressionError("the name of an attribute was expected, as in [givenName]", position)
            return Attribute(name)
        if kind == "number":
            return Number(token)
        if kind == "name":
            return self.named(token, position, depth)
        raise ExpressionError(f"a function, an attribute or a constant was expected, {token!r} was found", position)

    def named(self, name: str, position: int, depth: int) -> Node:
        if self.peek()[1] == "(" and self.peek()[0] == "mark":
            return self.call(name, position, depth)
        if name in _WORDS:
            return Word(name)
        message = f'a bare {name!r} means nothing: an attribute is written [{name}], a text "{name}"'
        if name in FUNCTIONS:
            message = f"{name} is a function: it is written {name}(…)"
        raise ExpressionError(message, position)

    def call(self, name: str, position: int, depth: int) -> Node:
        function = FUNCTIONS.get(name)
        if function is None:
            near = next((known for known in FUNCTIONS if known.lower() == name.lower()), None)
            hint = f"names are case-sensitive: {near}" if near else suggestion(name, FUNCTIONS).strip()
            known = ", ".join(sorted(FUNCTIONS, key=str.lower))
            raise ExpressionError(f"there is no function {name[:60]!r}; {hint or f'there are {known}'}", position)
        if depth >= MAX_DEPTH:
            raise ExpressionError(f"functions nest at most {MAX_DEPTH} deep", position)
        if name == "SelectUniqueValue" and depth:
            raise ExpressionError("SelectUniqueValue stands at the top, not in another function", position)
        self.take()
        arguments = self.arguments(name, position, depth + 1)
        function.check(len(arguments), position)
        return Call(name, tuple(arguments))

    def arguments(self, name: str, position: int, depth: int) -> list[Node]:
        found = [self.expression(depth)]
        while True:
            _, found_mark, place = self.take()
            if found_mark == ")":
                # f() has no argument, f(,) has two that are left out.
                return [] if len(found) == 1 and isinstance(found[0], Missing) else found
            if found_mark != ",":
                if place >= len(self.text):
                    raise ExpressionError(f"{name} is not closed: ')' was expected", position)
                raise ExpressionError(f"',' or ')' was expected, {_found(found_mark)}", place)
            found.append(self.expression(depth))
