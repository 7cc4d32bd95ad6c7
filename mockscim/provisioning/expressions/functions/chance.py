"""Functions that ask chance: by the seed they are the same every time."""

from __future__ import annotations

import random
import string
import uuid

from mockscim.provisioning.expressions.context import Context
from mockscim.provisioning.expressions.errors import ExpressionError
from mockscim.provisioning.expressions.registry import function
from mockscim.provisioning.expressions.values import Value, integer, text

# Those of Windows' password policy, which the reference points at.
_SPECIAL = "~!@#$%^&*_-+=`|\\(){}[]:;\"'<>,.?/"
_MOST = 256


@function("Guid", 0, context=True)
def guid(context: Context) -> str:
    """A random GUID."""
    return str(uuid.UUID(int=_bits(context.random), version=4))


def _bits(chance: random.Random) -> int:
    return sum(int(chance.random() * (1 << 32)) << (32 * place) for place in range(4))


@function("RandomString", 5, 6, context=True)
def random_string(
    context: Context, length: Value, numbers: Value, special: Value, capital: Value, lower: Value, avoid: Value = None
) -> str:
    """A random text of that length with at least so many of each kind, and without the characters to avoid."""
    size = integer(length, "RandomString's Length")
    if not 0 < size <= _MOST:
        raise ExpressionError(f"RandomString's Length is from 1 to {_MOST}")
    avoided = text(avoid, "RandomString")
    wanted = {
        string.digits: integer(numbers, "RandomString's MinimumNumbers"),
        _SPECIAL: integer(special, "RandomString's MinimumSpecialCharacters"),
        string.ascii_uppercase: integer(capital, "RandomString's MinimumCapital"),
        string.ascii_lowercase: integer(lower, "RandomString's MinimumLowerCase"),
    }
    if any(number < 0 for number in wanted.values()) or sum(wanted.values()) > size:
        raise ExpressionError("RandomString's minimums are not negative, and together at most its Length")
    pools = {pool: "".join(each for each in pool if each not in avoided) for pool in wanted}
    if any(number and not pools[pool] for pool, number in wanted.items()) or not "".join(pools.values()):
        raise ExpressionError("RandomString is left with no character of a kind that it needs")
    chance = context.random
    drawn = [_one(pools[pool], chance) for pool, number in wanted.items() for _ in range(number)]
    # *Without a special character or capital asked for, what fills up is a digit or a lower-case letter*, as in the
    # published examples.
    rest = "".join(pools[pool] for pool, number in wanted.items() if number) or pools[string.ascii_lowercase]
    drawn += [_one(rest or "".join(pools.values()), chance) for _ in range(size - len(drawn))]
    keyed = sorted((chance.random(), place) for place in range(size))
    return "".join(drawn[place] for _, place in keyed)


def _one(pool: str, chance: random.Random) -> str:
    return pool[int(chance.random() * len(pool))]
