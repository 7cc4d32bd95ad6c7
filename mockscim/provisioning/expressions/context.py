"""What an expression may know beside the object: the time, chance, and what the target has already."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol


class Source(Protocol):
    """An object, by the names of its attributes."""

    def get(self, name: str, /) -> Any:  # noqa: ANN401 - what a directory may hold
        """The attribute's value, None when there is none."""


@dataclass
class Context:
    """The surroundings of an evaluation.

    Args:
        now: seconds since the epoch, for Now.
        random: for Guid and RandomString.
        taken: whether the target has an object with this value in this target attribute, for SelectUniqueValue; None
            where the application does not support that, as SCIM applications do not.
        creating: whether the object is about to be created: roles are then written otherwise.
        target: the target attribute that the value is for.
    """

    now: float = 0.0
    random: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - repeatable on purpose
    taken: Callable[[str, str], bool] | None = None
    creating: bool = True
    target: str = ""
