"""The one error of the fault floor: which place of a document is wrong, and what was expected there."""

from mockscim.scim.errors import brief


class FaultError(ValueError):
    """A fault rule, scenario or short form that cannot be used.

    Args:
        pointer: JSON pointer (RFC 6901) to the wrong place; "" is the whole document.
        expected: what is wrong there and what was expected, without a full stop.
        source: the file or text it came from, put in front when given.
    """

    def __init__(self, pointer: str, expected: str, source: str = "") -> None:
        pointer, expected, source = brief(pointer, 500), brief(expected), brief(source, 500)
        place = f"{pointer}: " if pointer else ""
        super().__init__(f"{source}: {place}{expected}" if source else f"{place}{expected}")
        self.pointer = pointer
        self.expected = expected
        self.source = source


class Wrong(ValueError):  # noqa: N818 - reads as what it says where it is raised
    """Raised in ``__post_init__`` of a document to blame one of its keys; it comes out as a FaultError.

    Args:
        key: the key of that document; "" blames the document.
        expected: what was expected there.
    """

    def __init__(self, key: str, expected: str) -> None:
        super().__init__(expected)
        self.key = key


def pointer_to(parent: str, *keys: str | int) -> str:
    """The JSON pointer of a member below ``parent``, its keys escaped (RFC 6901 §3)."""
    return parent + "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)
