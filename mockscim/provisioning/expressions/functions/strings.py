"""Texts: cutting, joining, replacing."""

from __future__ import annotations

import base64
import re
import unicodedata

from mockscim.provisioning.expressions.errors import ExpressionError
from mockscim.provisioning.expressions.registry import function
from mockscim.provisioning.expressions.values import Value, empty, integer, several, shown, text

# Letters that no decomposition takes apart, as the table of NormalizeDiacritics has them.
_LETTERS = str.maketrans(
    {"æ": "ae", "Æ": "AE", "ø": "oe", "Ø": "OE", "œ": "oe", "Œ": "OE", "ß": "ss", "\u0131": "i", "ł": "l", "Ł": "L"}
)
_CULTURE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
# The separators of .NET's ToTitleCase, by Unicode category.
_SEPARATORS = {"Zs", "Zl", "Zp", "Cc", "Cf", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So"}


@function("Append", 2)
def append(source: Value, suffix: Value) -> str | None:
    """The source and the suffix behind it. Guess: nothing is appended to null."""
    return None if source is None else text(source, "Append") + text(suffix, "Append")


@function("ConvertToBase64", 1)
def convert_to_base64(source: Value) -> str | None:
    """The text, UTF-16, in base 64."""
    if source is None:
        return None
    return base64.b64encode(text(source, "ConvertToBase64").encode("utf-16-le", "surrogatepass")).decode()


@function("ConvertToUTF8Hex", 1)
def convert_to_utf8_hex(source: Value) -> str | None:
    """The text, UTF-8, in hexadecimal digits."""
    if source is None:
        return None
    return text(source, "ConvertToUTF8Hex").encode("utf-8", "surrogatepass").hex().upper()


@function("InStr", 2, 4)
def in_str(value1: Value, value2: Value, start: Value = None, compare: Value = None) -> int:
    """Where value2 is found in value1, from 1; 0 for nowhere. Guess: case counts unless vbTextCompare is said."""
    where, what = text(value1, "InStr"), text(value2, "InStr")
    if compare not in (None, "vbTextCompare", "vbBinaryCompare", 0, 1):
        raise ExpressionError(f"InStr compares by vbTextCompare or vbBinaryCompare, not by {shown(compare)}")
    if compare in ("vbTextCompare", 1):
        where, what = where.lower(), what.lower()
    begin = 1 if start is None else integer(start, "InStr's start")
    if begin < 1:
        raise ExpressionError("InStr counts from 1")
    return where.find(what, begin - 1) + 1


@function("Join", 2, None)
def join(separator: Value, *sources: Value) -> str:
    """The sources that are not empty, with the separator between; every value of a multi-valued one."""
    values = (text(value, "Join") for source in sources for value in several(source))
    return text(separator, "Join").join(value for value in values if value)


@function("Left", 2)
def left(source: Value, characters: Value) -> str:
    """So many characters from the left; all for a negative number, none of null."""
    number = integer(characters, "Left's NumChars")
    whole = text(source, "Left")
    return whole if number < 0 else whole[:number]


@function("Mid", 3)
def mid(source: Value, start: Value, length: Value) -> str | None:
    """A piece of the source; the first character has index 1. Guess: of null, null; beyond the end, nothing."""
    begin, size = integer(start, "Mid's start"), integer(length, "Mid's length")
    if begin < 1 or size < 0:
        raise ExpressionError("Mid counts from 1, and takes no negative length")
    return None if source is None else text(source, "Mid")[begin - 1 : begin - 1 + size]


@function("NormalizeDiacritics", 1)
def normalize_diacritics(source: Value) -> str | None:
    """The text with plain letters for those with diacritics."""
    if source is None:
        return None
    apart = unicodedata.normalize("NFD", text(source, "NormalizeDiacritics"))
    plain = "".join(each for each in apart if unicodedata.category(each) != "Mn").translate(_LETTERS)
    return unicodedata.normalize("NFC", plain)


@function("PCase", 1, 2)
def p_case(source: Value, separators: Value = None) -> str | None:
    """Every word with a capital and else in lower case.

    Without separators .NET's ToTitleCase finds the words: an apostrophe within one does not end it. Guess: it does so
    here, too.
    """
    if source is None:
        return None
    given = None if separators is None else text(separators, "PCase")
    made, begins = [], True
    whole = text(source, "PCase")
    for place, letter in enumerate(whole):
        made.append(letter.upper() if begins else letter.lower())
        if given is not None:
            begins = letter in given
        elif letter == "'" and not begins and place + 1 < len(whole):
            begins = False
        else:
            begins = unicodedata.category(letter) in _SEPARATORS
    return "".join(made)


@function("Split", 2)
def split(source: Value, delimiter: Value) -> list[str] | None:
    """The pieces between delimiters, without the blanks around them, as the published example has it."""
    if source is None:
        return None
    mark = text(delimiter, "Split")
    if not mark:
        raise ExpressionError("Split needs a delimiter")
    return [piece.strip() for piece in text(source, "Split").split(mark)]


@function("StripSpaces", 1)
def strip_spaces(source: Value) -> str | None:
    """The text without its blanks."""
    return None if source is None else text(source, "StripSpaces").replace(" ", "")


@function("ToLower", 1, 2)
def to_lower(source: Value, culture: Value = None) -> str | None:
    """The text in lower case."""
    if source is None:
        return None
    whole = text(source, "ToLower")
    if _dotless(culture, "ToLower"):
        whole = whole.replace("İ", "i").replace("I", "\u0131")
    return whole.lower()


@function("ToUpper", 1, 2)
def to_upper(source: Value, culture: Value = None) -> str | None:
    """The text in upper case."""
    if source is None:
        return None
    whole = text(source, "ToUpper")
    if _dotless(culture, "ToUpper"):
        whole = whole.replace("i", "İ")
    return whole.upper()


def _dotless(culture: Value, of: str) -> bool:
    """Whether the culture has an i with a dot and one without."""
    if empty(culture):
        return False
    name = text(culture, of)
    if not _CULTURE.fullmatch(name):
        raise ExpressionError(f"{of} takes a culture such as en-US, {shown(culture)} was found")
    return name.lower().split("-")[0] in ("tr", "az")


@function("Word", 3)
def word(source: Value, number: Value, delimiters: Value) -> str:
    """The word of that number, from 1; nothing when there is none. Guess: several delimiters in a row are as one."""
    place = integer(number, "Word's WordNumber")
    marks = text(delimiters, "Word")
    whole = text(source, "Word")
    words = [each for each in re.split(f"[{re.escape(marks)}]", whole) if each] if marks else [whole]
    return words[place - 1] if 1 <= place <= len(words) else ""


@function("Replace", 3, 7)
def replace(
    source: Value,
    old: Value = None,
    pattern: Value = None,
    group: Value = None,
    new: Value = None,
    other: Value = None,
    template: Value = None,
) -> str | None:
    """Replace in one of five ways, told apart by which arguments are given. Guess: of null, null; but see the fifth."""
    if pattern is not None and group is not None and other is not None:
        return _from_other(source, _regex(pattern), text(group, "Replace"), other)
    if source is None:
        return None
    whole = text(source, "Replace")
    if old is not None and template is not None:
        return text(template, "Replace").replace(_old(old), whole)
    if old is not None and new is not None:
        return whole.replace(_old(old), text(new, "Replace"))
    if pattern is not None and new is not None:
        expression = _regex(pattern)
        if group is not None:
            return _group(expression, text(group, "Replace"), text(new, "Replace"), whole)
        try:
            return expression.sub(_backreferences(text(new, "Replace")), whole)
        except (re.error, IndexError) as error:
            raise ExpressionError(f"Replace's replacementValue: {error}") from None
    raise ExpressionError(
        "Replace takes oldValue with replacementValue or template, or regexPattern with replacementValue, "
        "regexGroupName or replacementAttributeName"
    )


def _old(value: Value) -> str:
    old = text(value, "Replace")
    if not old:
        raise ExpressionError("Replace's oldValue is not empty")
    return old


def _regex(pattern: Value) -> re.Pattern[str]:
    """A regular expression of .NET's: there a group's name stands in other brackets."""
    written = text(pattern, "Replace")
    try:
        return re.compile(re.sub(r"\(\?<(?![=!])(\w+)>", r"(?P<\1>", written))
    except re.error as error:
        raise ExpressionError(f"Replace's regexPattern {written[:60]!r} is none: {error}") from None


def _backreferences(written: str) -> str:
    """A replacement of .NET's, ``${name}`` and ``$1``, as Python's re has it."""
    return re.sub(r"\$(?:\{(\w+)\}|(\d+))", lambda m: rf"\g<{m[1] or m[2]}>", written.replace("\\", "\\\\"))


def _group(expression: re.Pattern[str], name: str, new: str, whole: str) -> str:
    """Replace what a group has matched."""
    _known(expression, name)

    def one(match: re.Match[str]) -> str:
        begin, end = match.span(name)
        if begin < 0:
            return match[0]
        return match.string[match.start() : begin] + new + match.string[end : match.end()]

    return expression.sub(one, whole)


def _from_other(source: Value, expression: re.Pattern[str], name: str, other: Value) -> str | None:
    """The source when it has a value, else what a group matches in another attribute."""
    _known(expression, name)
    if not empty(source):
        return text(source, "Replace")
    match = expression.search(text(other, "Replace"))
    return match[name] if match else None


def _known(expression: re.Pattern[str], name: str) -> None:
    if name not in expression.groupindex:
        raise ExpressionError(f"Replace's regexPattern has no group {name[:60]!r}")
