"""The values of expressions: text, numbers, true and false, lists of texts, and null (None).

An empty text is not null, but most that is said of null is said of both. Dates are texts.
"""

from __future__ import annotations

from typing import Any

from mockscim.provisioning.expressions.errors import ExpressionError

Value = Any


def text(value: Value, of: str) -> str:
    """A value as text; null is empty. Raises ExpressionError for a multi-valued one; ``of`` names who asks."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, list | dict):
        raise ExpressionError(f"{of} takes one text, this attribute has several: Item or Join makes one of them")
    return str(value)


def integer(value: Value, of: str) -> int:
    """A value as a whole number. Raises ExpressionError."""
    number = numeric(value)
    if number is None or number != int(number):
        raise ExpressionError(f"{of} was expected to be an integer, {shown(value)} was found")
    return int(number)


def numeric(value: Value) -> int | float | None:
    """A value as a number, when it is one or a text that reads as one."""
    if isinstance(value, bool | list | dict) or value is None:
        return None
    if isinstance(value, int | float):
        return value
    try:
        return int(str(value).strip())
    except ValueError:
        pass
    try:
        number = float(str(value).strip())
    except ValueError:
        return None
    return number if number - number == 0 else None  # neither nan nor infinite


def several(value: Value) -> list[Value]:
    """The values of a multi-valued attribute; one value is a list of one, null of none."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def empty(value: Value) -> bool:
    """Whether a value is null or empty: nothing to provision."""
    return value is None or value in ("", [])


def shown(value: Value) -> str:
    """A value for an error."""
    return "null" if value is None else repr(value)[:60]
