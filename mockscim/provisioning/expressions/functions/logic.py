"""Choosing, asking and converting."""

from __future__ import annotations

from mockscim.provisioning.expressions.context import Context
from mockscim.provisioning.expressions.errors import ExpressionError
from mockscim.provisioning.expressions.registry import Later, function
from mockscim.provisioning.expressions.values import Value, empty, integer, numeric, several, shown, text


@function("BitAnd", 2)
def bit_and(value1: Value, value2: Value) -> int:
    """The bits that both have."""
    return integer(value1, "BitAnd's value1") & integer(value2, "BitAnd's value2")


@function("CBool", 1)
def c_bool(value: Value) -> bool:
    """True for what is not zero. Guess: a text is True or False by its word; any other text, an error."""
    if isinstance(value, bool):
        return value
    if empty(value):
        return False
    number = numeric(value)
    if number is not None:
        return number != 0
    word = text(value, "CBool").strip().lower()
    if word not in ("true", "false"):
        raise ExpressionError(f"CBool makes no boolean of {shown(value)}")
    return word == "true"


@function("Coalesce", 1, None, lazy=True)
def coalesce(*sources: Later) -> Value:
    """The first that is not null."""
    return next((value for value in (source() for source in sources) if value is not None), None)


@function("Count", 1)
def count(attribute: Value) -> int:
    """How many values a multi-valued attribute has."""
    return len(several(attribute))


@function("CStr", 1)
def c_str(value: Value) -> str | None:
    """A value as text. Guess: null stays null."""
    return None if value is None else text(value, "CStr")


@function("IgnoreFlowIfNullOrEmpty", 1)
def ignore_flow(value: Value) -> Value:
    """Null for what is empty: the attribute then does not flow."""
    return None if empty(value) else value


@function("IIF", 3, lazy=True)
def iif(condition: Later, value_if_true: Later, value_if_false: Later) -> Value:
    """The second where the condition holds, else the third.

    Documented limitation: where a source attribute in the condition is null or empty, the check fails, also that of
    IsNullOrEmpty. Guess: it then is as good as false.
    """
    holds = not condition.lacks() and text(condition(), "IIF").lower() not in ("", "false", "0")
    return value_if_true() if holds else value_if_false()


@function("IsNull", 1)
def is_null(value: Value) -> bool:
    """Whether it is null: an attribute that is absent."""
    return value is None


@function("IsNullOrEmpty", 1)
def is_null_or_empty(value: Value) -> bool:
    """Whether it is null or an empty text."""
    return empty(value)


@function("IsPresent", 1)
def is_present(value: Value) -> bool:
    """Whether it is neither."""
    return not empty(value)


@function("IsString", 1)
def is_string(value: Value) -> bool:
    """Whether it is a text."""
    return isinstance(value, str)


@function("Item", 2)
def item(attribute: Value, index: Value) -> Value:
    """One value of a multi-valued attribute, the first has index 1. Guess: beyond the last there is null."""
    place = integer(index, "Item's index")
    if place < 1:
        raise ExpressionError("Item counts from 1")
    values = several(attribute)
    return values[place - 1] if place <= len(values) else None


@function("Not", 1)
def negate(source: Value) -> bool:
    """False for True, True for all else."""
    return text(source, "Not") != "True"


@function("Redact", 1)
def redact(value: Value) -> Value:
    """The value as it is: it is the provisioning log that shows [Redact] in its place."""
    return value


@function("RemoveDuplicates", 1)
def remove_duplicates(attribute: Value) -> list[Value] | None:
    """Each value once."""
    return None if attribute is None else list(dict.fromkeys(several(attribute)))


@function("SelectUniqueValue", 2, None, lazy=True, context=True)
def select_unique_value(context: Context, *rules: Later) -> Value:
    """The first value that the target does not have yet.

    Documented for Active Directory alone: with a SCIM application it is an error.
    """
    if context.taken is None:
        raise ExpressionError("SelectUniqueValue is not supported for this application")
    for rule in rules:
        value = rule()
        if not empty(value) and not context.taken(context.target, text(value, "SelectUniqueValue")):
            return value
    raise ExpressionError("SelectUniqueValue: the target has an object with each of the values")


@function("Switch", 4, None, lazy=True, even=True)
def switch(source: Later, default: Later, *pairs: Later) -> Value:
    """The value of the key that is the source, compared as text and case-sensitively; null is like an empty text."""
    wanted = text(source(), "Switch")
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        if text(key(), "Switch") == wanted:
            return value()
    return default()
