"""Plain documents: those that are stored just as they come, told at the speed of reading them.

Most of a large fixture is like that: canonical names, values of the right types, nothing to coerce, drop or object to.
A typed decoder reads a line; what it keeps is all there was if it takes as many bytes. Anything else is for
``normalise``, which says what is wrong with it or makes it right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Required, TypedDict

import msgspec
import orjson

from mockscim.scim.schema import Attribute, ResourceType

_SIMPLE: dict[str, Any] = {
    "string": str,
    "boolean": bool,
    "integer": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
}
_EMPTY = b"{}"
# The bytes that a document has beside its attributes: {"id":"","schemas":} and a comma behind each of the two.
_AROUND = 2 + 8 + 11
_AROUND_META = 8  # ,"meta":


# A document's id and meta, the attributes as they are stored, and their JSON without the braces.
Plain = tuple[str, dict[str, Any] | None, dict[str, Any], bytes]


def reader(kind: ResourceType) -> Callable[[bytes], Plain | None] | None:
    """What reads the JSON of one resource as a plain document, or says None; None where that cannot be told."""
    if kind.unique_elsewhere:
        return None
    fields: dict[str, Any] = {"schemas": Required[list[str]], "id": Required[str], "meta": dict[str, Any]}
    fields |= _fields(a for key, a in kind.attributes.items() if key not in fields and a.name not in kind.hidden)
    fields |= {
        extension.id: _object(extension.id, extension.attributes.values())
        for extension, _ in kind.extensions
        if extension.id not in kind.hidden
    }
    decode = msgspec.json.Decoder(_typed(kind.name, fields)).decode
    sizes: dict[tuple[str, ...], int] = {}
    own = {kind.schema.id, *(extension.id for extension, _ in kind.extensions)}

    def read(text: bytes) -> Plain | None:
        try:
            found: dict[str, Any] = decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError):  # also where a type is not as it should be
            return None
        id_, schemas, meta = found.pop("id"), tuple(found.pop("schemas")), found.pop("meta", None)
        body = orjson.dumps(found)[1:-1]
        size = sizes.get(schemas)
        if size is None:
            if kind.schema.id not in schemas or not own.issuperset(schemas):
                return None
            size = sizes[schemas] = len(orjson.dumps(schemas))
        size += _AROUND + len(id_) + len(body)
        if meta is not None:
            size += _AROUND_META + len(orjson.dumps(meta))
        if size != len(text) and size != _least(text):
            return None  # something was passed over, or is written otherwise; it was not just space between
        if not body or _EMPTY in body:
            return None  # which may be a value that is none
        return id_, meta, found, body

    return read


def _least(text: bytes) -> int:
    """How long a document is without the space between; 0 for what is none, in what was passed over."""
    try:
        return len(orjson.dumps(orjson.loads(text)))
    except orjson.JSONDecodeError:
        return 0


def _typed(name: str, fields: dict[str, Any]) -> Any:  # noqa: ANN401 - a type
    return TypedDict(name, fields, total=False)  # type: ignore[operator]


def _object(name: str, attributes: Iterable[Attribute]) -> Any:  # noqa: ANN401 - a type
    return _typed(name, _fields(attributes))


def _fields(attributes: Iterable[Attribute]) -> dict[str, Any]:
    """The types of those attributes whose values need no more than the right type."""
    found: dict[str, Any] = {}
    for attribute in attributes:
        type_ = _type(attribute)
        if type_ is not None:
            found[attribute.name] = type_
    return found


def _type(attribute: Attribute) -> Any:  # noqa: ANN401 - a type, or None
    if attribute.mutability == "readOnly" or attribute.returned == "never" or attribute.keyed:
        return None
    of_one = _SIMPLE.get(attribute.type)
    if attribute.type == "complex":
        of_one = _object(attribute.path, attribute.sub_attributes.values())
    if of_one is None or not attribute.multi_valued:
        return of_one
    # Of two values one may be the other again, or both primary.
    return Annotated[list[of_one], msgspec.Meta(min_length=1, max_length=1)]  # type: ignore[valid-type]
