"""Evaluating expressions for an object."""

from __future__ import annotations

from mockscim.provisioning.expressions import nodes
from mockscim.provisioning.expressions.context import Context, Source
from mockscim.provisioning.expressions.registry import FUNCTIONS
from mockscim.provisioning.expressions.values import Value, empty, numeric, text


def evaluate(node: nodes.Node, source: Source, context: Context) -> Value:
    """What an expression comes to: a text, a number, a bool, a list, or None for null.

    Raises:
        ExpressionError: a function cannot do with what it was given.
    """
    if isinstance(node, nodes.Call):
        return _call(node, source, context)
    if isinstance(node, nodes.Attribute):
        value = source.get(node.name)
        return None if value == [] else value
    if isinstance(node, nodes.Text | nodes.Number):
        return node.value
    if isinstance(node, nodes.Comparison):
        return compare(evaluate(node.left, source, context), node.operator, evaluate(node.right, source, context))
    if isinstance(node, nodes.Word):
        return {"True": True, "False": False}.get(node.name, node.name)
    return None


def _call(node: nodes.Call, source: Source, context: Context) -> Value:
    function = FUNCTIONS[node.name]
    if node.name == "IIF":
        return _iif(node, source, context)
    before = [context] if function.context else []
    if function.lazy:
        later = [lambda each=each: evaluate(each, source, context) for each in node.arguments]
        return function.make(*before, *later)
    return function.make(*before, *(evaluate(each, source, context) for each in node.arguments))


def _iif(node: nodes.Call, source: Source, context: Context) -> Value:
    """IIF(condition, valueIfTrue, valueIfFalse).

    Documented limitation: where a source attribute in the condition is null or empty, the check fails, also that of
    IsNullOrEmpty. Guess: it then is as good as false.
    """
    condition, yes, no = node.arguments
    holds = not any(empty(source.get(name)) for name in nodes.attributes(condition))
    if holds:
        holds = text(evaluate(condition, source, context), "IIF").lower() not in ("", "false", "0")
    return evaluate(yes if holds else no, source, context)


def compare(left: Value, operator: str, right: Value) -> bool:
    """Compare two values: as numbers when both are, else as text, case-sensitive. Guess: which when."""
    if empty(left) or empty(right):
        return False
    first, second = numeric(left), numeric(right)
    a: int | float | str
    b: int | float | str
    if first is not None and second is not None:
        a, b = first, second
    else:
        a, b = text(left, operator), text(right, operator)
    return {
        "=": a == b,
        "<>": a != b,
        ">": a > b,  # type: ignore[operator] # both are of one kind
        ">=": a >= b,  # type: ignore[operator]
        "<": a < b,  # type: ignore[operator]
        "<=": a <= b,  # type: ignore[operator]
    }[operator]
