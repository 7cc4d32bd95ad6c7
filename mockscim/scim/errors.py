"""One error for everything SCIM refuses, carrying its own status (RFC 7644 §3.12).

The edge translates it in one place; nothing below the edge knows HTTP beyond the number.
"""

from collections.abc import Mapping

import orjson

from mockscim.scim import urns


def brief(text: str, most: int = 2000) -> str:
    """A message that quotes what somebody sent, cut where that was long."""
    return text if len(text) <= most else text[: most - 1] + "…"


class ScimError(Exception):
    """A request that is answered with a SCIM Error document.

    Args:
        status: HTTP status code.
        scim_type: one of the keywords of RFC 7644 §3.12, table 9, or None.
        detail: a sentence for the person who reads the answer.
        headers: further response headers, such as ``Allow`` with a 405.
    """

    def __init__(
        self, status: int, scim_type: str | None, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.scim_type = scim_type
        self.detail = detail
        self.headers = dict(headers or {})

    def document(self) -> dict[str, object]:
        """The Error message; ``status`` is a string there (RFC 7644 §3.12)."""
        document: dict[str, object] = {
            "schemas": [urns.ERROR],
            "status": str(self.status),
            "detail": self.detail,
        }
        if self.scim_type:
            document["scimType"] = self.scim_type
        return document

    def body(self) -> bytes:
        """The Error message as JSON."""
        document = self.document()
        try:
            return orjson.dumps(document)
        except TypeError:  # a detail that quotes bytes of a header which are not UTF-8
            return orjson.dumps({**document, "detail": self.detail.encode("utf-8", "replace").decode()})


def invalid_filter(detail: str) -> ScimError:
    """400: the filter is malformed, or compares what cannot be compared."""
    return ScimError(400, "invalidFilter", detail)


def invalid_path(detail: str) -> ScimError:
    """400: the path of a PATCH operation is malformed or names an unknown attribute."""
    return ScimError(400, "invalidPath", detail)


def invalid_syntax(detail: str) -> ScimError:
    """400: the body is not JSON, or not the document that was expected."""
    return ScimError(400, "invalidSyntax", detail)


def invalid_value(detail: str) -> ScimError:
    """400: a required value is missing, or a value does not fit its attribute."""
    return ScimError(400, "invalidValue", detail)


def invalid_cursor(detail: str) -> ScimError:
    """400: no page can be told from the cursor (RFC 9865 §2.1)."""
    return ScimError(400, "invalidCursor", detail)


def invalid_count(detail: str) -> ScimError:
    """400: the count cannot be honoured, or is not the one that the cursor's query began with (RFC 9865 §2.1)."""
    return ScimError(400, "invalidCount", detail)


def mutability(detail: str) -> ScimError:
    """400: the change is not compatible with the attribute's mutability."""
    return ScimError(400, "mutability", detail)


def no_target(detail: str) -> ScimError:
    """400: the path of a PATCH operation selects nothing."""
    return ScimError(400, "noTarget", detail)


def uniqueness(detail: str) -> ScimError:
    """409: another resource holds a value that must be unique."""
    return ScimError(409, "uniqueness", detail)


def not_found(detail: str) -> ScimError:
    """404: no such resource or endpoint."""
    return ScimError(404, None, detail)
