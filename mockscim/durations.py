"""Durations and sizes as people write them: ``50ms``, ``2s``, ``40m``, ``1h``, ``1d``; ``64k``, ``1MiB``.

    duration = number of seconds | text
    text     = digits [ "." digits ] [ unit ]        unit = ms | s | m | h | d, none means seconds
    range    = text "-" text                         a first number without unit takes the second's
    size     = number of bytes | digits [ "." digits ] [ unit ]
    unit     = B | k KiB kB | m MiB MB | g GiB GB    in any case; a lone letter is binary, kB is 1000

Everything raises ValueError with a sentence that names what was found and what was expected.
"""

import math
import re

MAX_SECONDS = 3650 * 86400.0  # ten years: far beyond any test, well inside what timers and dates can hold

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)\s*(ms|s|m|h|d)?")
_RANGE = re.compile(r"([0-9][0-9.]*)\s*([a-z]*)\s*-\s*([0-9][0-9.]*)\s*([a-z]*)")
_BYTES = {
    "": 1,
    "b": 1,
    "k": 1 << 10,
    "kib": 1 << 10,
    "kb": 10**3,
    "m": 1 << 20,
    "mib": 1 << 20,
    "mb": 10**6,
    "g": 1 << 30,
    "gib": 1 << 30,
    "gb": 10**9,
}
_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)\s*([a-z]*)")
_DURATION_HINT = "a number of seconds or text such as 50ms, 2s, 40m, 1h or 1d"


def parse_duration(value: object) -> float:
    """Seconds from a number of seconds or a text such as ``50ms``.

    Raises:
        ValueError: it is neither, or negative, not finite or longer than ten years.
    """
    if isinstance(value, str):
        found = _DURATION.fullmatch(value.strip())
        if found is None:
            raise ValueError(f"{_quoted(value)} is not a duration: expected {_DURATION_HINT}")
        number, unit = found.groups()
        # ms divides: 50 * 0.001 is not the double nearest to 0.05
        seconds = float(number) / 1000.0 if unit == "ms" else float(number) * _SECONDS[unit or "s"]
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{value} is not a duration: expected {_DURATION_HINT}")
        if value < 0:
            raise ValueError(f"a duration cannot be negative: expected {_DURATION_HINT}")
        seconds = float(min(value, MAX_SECONDS + 1))  # an int may be too large for a float
    else:
        raise ValueError(f"expected {_DURATION_HINT}, got {_kind(value)}")  # noqa: TRY004 - one error for all
    if seconds > MAX_SECONDS:
        raise ValueError("a duration of more than ten years: expected at most 3650d")
    return seconds


def parse_range(text: str) -> tuple[float, float]:
    """Lowest and highest seconds from a text such as ``20ms-80ms`` or ``20-80ms``.

    Raises:
        ValueError: it is no range, or its first end is above its second.
    """
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{_quoted(text)} is not a range of durations: expected one such as 20ms-80ms")
    low, low_unit, high, high_unit = found.groups()
    lower = parse_duration(low + (low_unit or high_unit))
    upper = parse_duration(high + high_unit)
    if lower > upper:
        raise ValueError(f"{_quoted(text)} begins above its end: expected one such as 20ms-80ms")
    return lower, upper


def format_duration(seconds: float) -> str:
    """Seconds as short text, to three digits behind the point: ``50ms``, ``1.5s``, ``40m``."""
    for unit in ("d", "h", "m"):
        size = _SECONDS[unit]
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    if 0 < seconds < 1:
        milliseconds = _plain(seconds * 1000)
        return "1s" if milliseconds == "1000" else f"{milliseconds}ms"
    return f"{_plain(seconds)}s"


def parse_size(value: object) -> int:
    """Bytes from a number of bytes or a text such as ``64k`` or ``1MiB``.

    Raises:
        ValueError: it is neither, or negative, or no whole number of bytes.
    """
    hint = "a number of bytes or text such as 500, 64k or 1MiB"
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 0:
            raise ValueError(f"a size cannot be negative: expected {hint}")
        return value
    if not isinstance(value, str):
        raise ValueError(f"expected {hint}, got {_kind(value)}")  # noqa: TRY004 - one error for all
    found = _SIZE.fullmatch(value.strip().lower())
    if found is None or found[2] not in _BYTES:
        raise ValueError(f"{_quoted(value)} is not a size: expected {hint}")
    whole, _, fraction = found[1].partition(".")
    scale: int = 10 ** len(fraction)
    size, rest = divmod(int(whole + fraction) * _BYTES[found[2]], scale)
    if rest:
        raise ValueError(f"{_quoted(value)} is not a whole number of bytes: expected {hint}")
    return size


def _plain(number: float) -> str:
    return f"{number:.3f}".rstrip("0").rstrip(".")


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _kind(value: object) -> str:
    return "nothing" if value is None else type(value).__name__
