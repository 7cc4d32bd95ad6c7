"""The grammar of filters: scim2-filter-parser's, narrowed and widened to the ABNF of RFC 7644 §3.4.2.2.

    FILTER    = attrExp / logExp / valuePath / *1"not" "(" FILTER ")"
    valuePath = attrPath "[" valFilter "]"
    attrExp   = (attrPath SP "pr") / (attrPath SP compareOp SP compValue)
    logExp    = FILTER SP ("and" / "or") SP FILTER
    compValue = false / null / true / number / string      ; of JSON
    attrPath  = [URI ":"] ATTRNAME *1subAttr

The lexer decides by place what a word is: ``pr``, ``co`` or ``true`` are fine names for attributes too, and a
value without quotes looks like a name. It checks white space, brackets and limits on the way, so that the
parser only has to build the tree. Imported on first need: ``filter.parse`` is the way in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

import orjson
from scim2_filter_parser import ast
from scim2_filter_parser.lexer import SCIMLexer
from scim2_filter_parser.parser import SCIMParser, SCIMParserError
from sly.lex import Token

from mockscim.scim import errors
from mockscim.scim import filter as tree

_LEXEME = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<string>"[^"\\]*+(?:\\.[^"\\]*+)*+")
      | (?P<bracket>[()\[\]])
      | (?P<word>[^ \t\r\n()\[\]"]+)
      | (?P<unclosed>")""",
    re.VERBOSE | re.DOTALL,
)
_NAME = r"[$A-Za-z][$A-Za-z0-9_-]*+"  # "$" for $ref (RFC 7643 §2.1 has it among the nameChars)
_ATTR_PATH = re.compile(
    r"(?:(?P<uri>[A-Za-z][A-Za-z0-9+.-]*+:(?:[A-Za-z0-9._~:/?\#@!$&'*+,;=-]|%[0-9A-Fa-f]{2})+):)?"
    rf"(?P<name>{_NAME})(?:\.(?P<sub>{_NAME}))?"
)
_SUB = re.compile(rf"\.({_NAME})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<real>\.[0-9]+)?(?P<exponent>[eE][+-]?[0-9]+)?")
_ALMOST_NUMBER = re.compile(r"[+-]?[0-9]*+\.?[0-9]*+(?:[eE][+-]?[0-9]*+)?")
_BARE = re.compile(r"[\w@.:/+=~%#-]+")
_OPERATORS = frozenset({"eq", "ne", "co", "sw", "ew", "gt", "lt", "ge", "le", "pr"})
_CONSTANTS = {"true": ("TRUE", True), "false": ("FALSE", False), "null": ("NULL", None)}

Stock = Any  # a token or node of the parser, which declares no types

# What may come next.
_ATTRIBUTE, _OPERATOR, _VALUE, _LOGIC = "an attribute", "an operator", "a value", "'and', 'or' or the end"


def _at(found: str, at: int) -> str:
    return f"{tree.shorten(found, 30)} at character {at + 1}"


class FilterLexer(SCIMLexer):
    """The stock tokens, told apart by place; one instance for one text."""

    tokens = SCIMLexer.tokens

    def __init__(self, *, inside: bool) -> None:
        """With ``inside``, the text is what stands between the brackets of a value path."""
        self.inside = inside
        self.leniencies: dict[tree.Leniency, None] = {}

    def tokenize(self, text: str, lineno: int = 1, index: int = 0) -> Iterator[Token]:
        """Yield the tokens of a filter; ScimError invalidFilter where one cannot be."""
        self.text = text
        self.expects = _ATTRIBUTE
        self.last: str | None = None  # type of the token before
        self.spaced = True  # whether white space, or nothing, stands before the lexeme
        self.brackets: list[str] = []
        self.clauses = 0
        for lexeme in _LEXEME.finditer(text, index):
            kind, found, at = str(lexeme.lastgroup), lexeme.group(), lexeme.start()
            if kind == "space":
                self.spaced = True
                continue
            if kind == "unclosed":
                raise self._refused(f"The text that begins at character {at + 1} has no closing quote")
            for type_, value in getattr(self, f"_{kind}")(found, at):
                self.last = type_
                yield _token(type_, value, lineno, at)
            self.spaced = False
        if self.expects is not _LOGIC:
            if self.last is None:
                raise errors.invalid_filter("The filter is empty.")
            raise self._refused(f"The filter ends where {self.expects} was expected")
        if self.brackets:
            raise self._refused(f"The filter ends before its '{self.brackets[-1]}' is closed")

    def _refused(self, sentence: str) -> errors.ScimError:
        return errors.invalid_filter(f"{sentence}: {tree.shorten(self.text)}")

    def _unexpected(self, found: str, at: int) -> errors.ScimError:
        return self._refused(f"Found {_at(found, at)}, where {self.expects} was expected")

    def _need_space(self, found: str, at: int) -> None:
        if not self.spaced:
            raise self._refused(f"White space is missing before {_at(found, at)}")

    def _bracket(self, found: str, at: int) -> Iterator[tuple[str, object]]:
        if found == "(" and self.expects is _ATTRIBUTE:
            if self.last in ("AND", "OR"):
                self._need_space(found, at)
            self._open(found)
            yield "LPAREN", found
        elif found == "[" and self.expects is _OPERATOR and not self.spaced and self.last != "VALUE_PATH_SUB":
            if self.inside or "[" in self.brackets:
                raise self._refused(f"Found [ at character {at + 1} inside the brackets of another value path")
            self._open(found)
            yield "LBRACKET", found
            self.expects = _ATTRIBUTE
        elif found in ")]" and self.expects is _LOGIC:
            if not self.brackets or self.brackets.pop() != {")": "(", "]": "["}[found]:
                raise self._refused(f"Found {found} at character {at + 1}, which closes nothing")
            yield ("RPAREN" if found == ")" else "RBRACKET"), found
        else:
            raise self._unexpected(found, at)

    def _open(self, found: str) -> None:
        self.brackets.append(found)
        if len(self.brackets) > tree.MAX_DEPTH:
            raise self._refused(f"The filter nests deeper than {tree.MAX_DEPTH} brackets")

    def _string(self, found: str, at: int) -> Iterator[tuple[str, object]]:
        if self.expects is not _VALUE:
            raise self._unexpected(found, at)
        self._need_space(found, at)
        try:
            value = orjson.loads(found)  # refuses control characters, unknown escapes and lone surrogates
        except ValueError as error:
            reason = str(error).split(":", maxsplit=1)[0]
            raise self._refused(f"The text at character {at + 1} is not a JSON string ({reason})") from None
        yield "COMP_VALUE", value
        self.expects = _LOGIC

    def _word(self, found: str, at: int) -> Iterator[tuple[str, object]]:
        if self.expects is _ATTRIBUTE:
            yield from self._attribute(found, at)
        elif self.expects is _OPERATOR:
            yield self._operator(found, at)
        elif self.expects is _VALUE:
            yield self._bare(found, at)
            self.expects = _LOGIC
        elif self.last == "RBRACKET" and not self.spaced and found[0] == ".":
            sub = _SUB.fullmatch(found)
            if not sub:
                raise self._refused(f"Found {_at(found, at)}, which names no sub-attribute")
            self.expects = _OPERATOR
            yield "SUBATTR", sub[1]
            self.last = "VALUE_PATH_SUB"
        elif (word := found.lower()) in ("and", "or"):
            self._need_space(found, at)
            yield word.upper(), word
            self.expects = _ATTRIBUTE
        else:
            raise self._unexpected(found, at)

    def _attribute(self, found: str, at: int) -> Iterator[tuple[str, object]]:
        if found.lower() == "not" and self.text[at + 3 :].lstrip(" \t\r\n").startswith("("):
            yield "NOT", "not"
            return
        path = _ATTR_PATH.fullmatch(found)
        if not path:
            raise self._unexpected(found, at)
        uri, name, sub = path.group("uri", "name", "sub")
        if uri is not None:
            yield "SCHEMA_URI", uri
        yield "ATTRNAME", name
        if sub is not None:
            yield "SUBATTR", sub
        self.expects = _OPERATOR

    def _operator(self, found: str, at: int) -> tuple[str, object]:
        word = found.lower()
        if word not in _OPERATORS:
            before = self.text[:at].rstrip(" \t\r\n").lower()
            if before.endswith("not") and self.last == "ATTRNAME" and _ATTR_PATH.fullmatch(found):
                raise self._refused("'not' needs parentheses, as in not (title pr)")
            raise self._refused(f"The operator {_at(found, at)} is not supported")
        self.clauses += 1
        if self.clauses > tree.MAX_CLAUSES:
            raise self._refused(f"The filter has more than {tree.MAX_CLAUSES} comparisons")
        self.expects = _LOGIC if word == "pr" else _VALUE
        return word.upper(), word

    def _bare(self, found: str, at: int) -> tuple[str, object]:
        """A value that is not in quotes: a constant, a number, or a text that somebody forgot to quote."""
        if found in _CONSTANTS:
            return _CONSTANTS[found]
        if number := _NUMBER.fullmatch(found):
            return "NUMBER", self._number(number, at)
        word = found.lower()
        if word in ("and", "or", "not") or _ALMOST_NUMBER.fullmatch(found) or not _BARE.fullmatch(found):
            raise self._refused(
                f"Found {_at(found, at)}, where a JSON value was expected:"
                " a string in double quotes, a number, true, false or null"
            )
        self.leniencies[tree.UNQUOTED, f"{tree.shorten(found)} is not in quotes"] = None
        return _CONSTANTS.get(word, ("COMP_VALUE", found))

    def _number(self, number: re.Match[str], at: int) -> int | float:
        try:
            value = float(number[0]) if number["real"] or number["exponent"] else int(number[0])
        except ValueError:  # int() refuses thousands of digits
            value = float("inf")
        if value in (float("inf"), float("-inf")):
            raise self._refused(f"The number at character {at + 1} is too large")
        return value


def _token(type_: str, value: object, lineno: int, at: int) -> Token:
    token: Stock = Token()
    token.type, token.value, token.lineno, token.index = type_, value, lineno, at
    return cast("Token", token)


class FilterParser(SCIMParser):
    """The stock rules with "and" above "or"; sly inherits no rules, so each is bound again.

    An instance holds the state of one parse: share none between threads.
    """

    tokens = SCIMLexer.tokens
    track_positions = False
    precedence: Stock = (("left", "OR"), ("left", "AND"), ("right", "NOT"))

    filter = SCIMParser.filter
    value_path = SCIMParser.value_path
    attr_exp = SCIMParser.attr_exp
    log_exp = SCIMParser.log_exp
    comp_value = SCIMParser.comp_value
    attr_path = SCIMParser.attr_path
    sub_attr = SCIMParser.sub_attr


def parse(text: str, *, inside: bool = False) -> tree.Parsed:
    """Parse a filter, or with ``inside`` the inner filter of a value path; see ``filter.parse``."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise errors.invalid_filter(f"The filter is not valid Unicode: {tree.shorten(ascii(text))}") from None
    lexer = FilterLexer(inside=inside)
    try:
        parsed = FilterParser().parse(iter(list(lexer.tokenize(text))))  # type: ignore[no-untyped-call]
    except SCIMParserError:
        parsed = None
    if parsed is None:
        raise errors.invalid_filter(f"The filter cannot be understood: {tree.shorten(text)}")
    node = _node(parsed, lexer.leniencies)
    return tree.Parsed(node, tuple(lexer.leniencies))


def _node(parsed: Stock, leniencies: dict[tree.Leniency, None]) -> tree.Node:
    """Our tree from the parser's; recursion is as deep as the brackets, not as long as a chain."""
    while not parsed.negated and parsed.namespace is None and isinstance(parsed.expr, ast.Filter):
        parsed = parsed.expr
    expr = parsed.expr
    if parsed.negated:
        return tree.Not(_node(expr, leniencies))
    if parsed.namespace is not None:
        return tree.ValuePath(_path(parsed.namespace), _node(expr, leniencies))
    if isinstance(expr, ast.AttrExpr):
        return _clause(expr, leniencies)
    op, operands = expr.op, []
    while True:  # a chain is nested to the left
        operands.append(expr.expr2)
        left = expr.expr1
        if left.negated or left.namespace is not None or getattr(left.expr, "op", None) != op:
            break
        expr = left.expr
    items = tuple(_node(operand, leniencies) for operand in (left, *reversed(operands)))
    return tree.And(items) if op == "and" else tree.Or(items)


def _clause(expr: Stock, leniencies: dict[tree.Leniency, None]) -> tree.Node:
    op, path = expr.value, expr.attr_path
    value = None if op == "pr" else expr.comp_value.value
    if isinstance(path.attr_name, str):
        where = _path(path)
        return tree.Present(where) if op == "pr" else tree.Compare(where, op, value)
    selected = path.attr_name  # the value path; the parser keeps the sub-attribute behind it on its namespace
    sub = selected.namespace.sub_attr.value
    where = tree.AttrPath(selected.namespace.uri, selected.namespace.attr_name)
    inner = _node(selected.expr, leniencies)
    leniencies[tree.VALUE_PATH_COMPARISON, f"a comparison with {where}[…].{sub}"] = None
    if op == "pr":
        return tree.ValuePresent(where, inner, sub)
    return tree.ValueCompare(where, inner, sub, op, value)


def _path(path: Stock) -> tree.AttrPath:
    return tree.AttrPath(path.uri, path.attr_name, path.sub_attr.value if path.sub_attr else None)
