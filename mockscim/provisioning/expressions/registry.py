"""The functions of expressions by name, and how each is registered: ``@function("Append", 2)`` above it.

A function gets the values of its arguments, None for one that is null or left out. One that is ``lazy`` gets each as
a ``Later`` to call, and looks only at those it needs. With ``context`` it gets the Context first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from mockscim.provisioning.expressions.errors import ExpressionError
from mockscim.provisioning.expressions.values import Value

F = TypeVar("F", bound=Callable[..., Any])


class Later(Protocol):
    """An argument of a lazy function, which is evaluated when it is called."""

    def __call__(self) -> Value:
        """Its value."""
        ...

    def lacks(self) -> bool:
        """Whether a source attribute in it is null or empty."""
        ...


class Function(NamedTuple):
    """A function: how many arguments it takes, and how it wants them."""

    name: str
    fewest: int
    most: int | None
    make: Callable[..., Any]
    lazy: bool = False
    context: bool = False
    even: bool = False

    def check(self, count: int, position: int) -> None:
        """Refuse a number of arguments that it is not called with."""
        if count < self.fewest or (self.most is not None and count > self.most):
            wanted = f"{self.fewest}" if self.fewest == self.most else f"{self.fewest} to {self.most}"
            wanted = f"at least {self.fewest}" if self.most is None else wanted
            plural = "" if wanted in ("1", "at least 1") else "s"
            raise ExpressionError(f"{self.name} takes {wanted} argument{plural}, {count} were given", position)
        if self.even and count % 2:
            message = f"{self.name} takes keys and values in pairs: an even number of arguments, {count} were given"
            raise ExpressionError(message, position)


FUNCTIONS: dict[str, Function] = {}


def function(
    name: str,
    fewest: int,
    most: int | None = -1,
    *,
    lazy: bool = False,
    context: bool = False,
    even: bool = False,
) -> Callable[[F], F]:
    """Register a function; ``most`` is as many as ``fewest`` unless it is given, None is any number."""

    def register(make: F) -> F:
        FUNCTIONS[name] = Function(name, fewest, fewest if most == -1 else most, make, lazy, context, even)
        return make

    return register
