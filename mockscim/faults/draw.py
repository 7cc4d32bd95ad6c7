"""Chance that can be told again: uniform numbers from seed, rule and match, and nothing else.

The n-th match of a rule has its own numbers, each a hash and not the next state of a generator: other rules,
other requests and how often anything else was asked leave them alone.
"""

import math
from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


def uniform(seed: int, rule: str, match: int, index: int = 0) -> float:
    """A number in [0, 1) for one match of one rule; ``index`` 0 decides whether the rule fires."""
    digest = blake2b(f"{seed}\0{rule}\0{match}\0{index}".encode(), digest_size=8).digest()
    # 53 bits are what a float holds: all 64 would sometimes round up to 1.0
    return (int.from_bytes(digest, "big") >> 11) * 2.0**-53


class Draw:
    """The numbers one hit may use, in the order it asks for them.

    Args:
        seed: the tenant's seed.
        rule: the rule's name.
        match: which match of the rule this is, from 1.
    """

    __slots__ = ("_index", "_rule", "_seed", "match")

    def __init__(self, seed: int, rule: str, match: int) -> None:
        self._seed = seed
        self._rule = rule
        self._index = 0
        self.match = match

    def uniform(self, lower: float = 0.0, upper: float = 1.0) -> float:
        """A number in [lower, upper)."""
        self._index += 1
        return lower + (upper - lower) * uniform(self._seed, self._rule, self.match, self._index)

    def normal(self) -> float:
        """A number of the standard normal distribution (Box-Muller, two uniforms)."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.uniform()))
        return radius * math.cos(2.0 * math.pi * self.uniform())

    def choice(self, values: Sequence[T]) -> T:
        """One of the values, each as likely; they must not be empty."""
        return values[int(self.uniform() * len(values))]
