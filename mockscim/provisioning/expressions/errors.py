"""The one error of expressions."""

from __future__ import annotations


class ExpressionError(ValueError):
    """An expression that cannot be read, or not be evaluated for an object.

    Args:
        message: what is wrong, and what was expected.
        position: where in the text, counted from 0; None when it is about a value.
    """

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message if position is None else f"{message} (at character {position + 1})")
        self.message, self.position = message, position

    def __reduce__(self) -> tuple[type[ExpressionError], tuple[str, int | None]]:
        return ExpressionError, (self.message, self.position)
