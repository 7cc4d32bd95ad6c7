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
    before = [context] if function.context else []
    if function.lazy:
        return function.make(*before, *(_Later(each, source, context) for each in node.arguments))
    return function.make(*before, *(evaluate(each, source, context) for each in node.arguments))


class _Later:
    """An argument that is evaluated when it is called."""

    __slots__ = ("_context", "_node", "_source")

    def __init__(self, node: nodes.Node, source: Source, context: Context) -> None:
        self._node, self._source, self._context = node, source, context

    def __call__(self) -> Value:
        return evaluate(self._node, self._source, self._context)

    def lacks(self) -> bool:
        """Whether a source attribute in it is null or empty."""
        return any(empty(self._source.get(name)) for name in nodes.attributes(self._node))


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
