"""What an answer that is no success means to the provisioning service: its error code and its words.

The codes are those of "How to analyze provisioning logs". The text has the pattern of those that administrators post.
"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import msgspec
import orjson

from mockscim.provisioning.entra.identity import instant
from mockscim.provisioning.wire import Answer

INCOMPATIBLE = "SystemForCrossDomainIdentityManagementServiceIncompatible"
MULTIPLE = "SystemForCrossDomainIdentityManagementMultipleEntriesInResponse"
DUPLICATE_TARGET = "DuplicateTargetEntries"
INVALID_ANCHOR = "InvalidAnchor"
MISSING = "MissingValues"
SKIPPED = "EntrySynchronizationSkipped"
TIMEOUT = "Timeout"
UNAUTHORIZED = "Unauthorized"

_CODES = {
    400: "WebExceptionProtocolError",  # the documentation has no code of its own for it
    401: UNAUTHORIZED,
    403: "InsufficientRights",
    404: INVALID_ANCHOR,
    405: "MethodNotAllowed",
    409: "Conflict",
    422: "UnprocessableEntity",
    429: "TooManyRequests",
    501: "NotImplemented",
}
_ADVICE = {
    "Conflict": "Correct the conflicting attribute values, or match on the attribute that conflicts.",
    "TooManyRequests": "Nothing to do: the service tries again.",
    "InternalServerError": "Ask the application's vendor; the service tries again.",
    TIMEOUT: "See that the application answers; the service tries again.",
    INVALID_ANCHOR: "The object is gone from the application or has another id there: it will be matched again.",
    DUPLICATE_TARGET: "Remove the duplicates in the application, or match on an attribute that is unique.",
    UNAUTHORIZED: "Enter a token that is valid.",
    "InsufficientRights": "Give the account that the token stands for the right to do this.",
    MISSING: "Give the object a value for each attribute that is required or matched on.",
    INCOMPATIBLE: "The endpoint has to be a SCIM 2.0 endpoint.",
    MULTIPLE: "The endpoint has to honour filters and excludedAttributes=members.",
}
_LONGEST = 2_000


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why something did not work.

    Attributes:
        code: the provisioning log's error code.
        message: what happened, in a sentence.
        status: the HTTP status; None where no answer came or none was asked for.
        response: the answer's body as text.
        retry_after: seconds that the target asked to wait; None where it did not.
        reference: whether it is about a reference: those are counted apart.
        again: whether it is tried again at the next cycle, whatever the series says.
    """

    code: str
    message: str
    status: int | None = None
    response: str = ""
    retry_after: float | None = None
    reference: bool = False
    again: bool = False

    @property
    def advice(self) -> str:
        """What an administrator can do."""
        return _ADVICE.get(self.code, "")

    def text(self, retried: int, next_at: float | None) -> str:
        """The reason that the log shows.

        Args:
            retried: how often the operation was tried again before.
            next_at: when it will be tried again; None for never.
        """
        parts = [f"StatusCode: {_phrase(self.status)}"] if self.status is not None else []
        parts += [f"Message: {self.message}"]
        parts += [f"Web Response: {self.response}."] if self.response else []
        parts += [f"This operation was retried {retried} times."]
        if next_at is not None:
            parts += [f"It will be retried again after this date: {instant(next_at)} UTC"]
        return " ".join(parts)

    def about_reference(self) -> Failure:
        """The same, of a reference."""
        return msgspec.structs.replace(self, reference=True)


def of(answer: Answer, doing: str, *, now: float = 0.0) -> Failure:
    """The failure that an answer is.

    Args:
        answer: no success, or not one that can be understood.
        doing: what was being done, for the message: ``create user``.
        now: what a Retry-After that is a date is measured from.
    """
    if answer.status is None:
        if answer.error == "timeout":
            return Failure(TIMEOUT, f"{doing}: the target took too long to answer.")
        return Failure("WebExceptionProtocolError", f"{doing}: no answer ({answer.error or 'connection'}).")
    response = _text(answer.body)
    if answer.good:
        return Failure(INCOMPATIBLE, f"{doing}: the answer is no SCIM resource.", answer.status, response)
    code = _CODES.get(answer.status) or ("InternalServerError" if answer.status >= 500 else "WebExceptionProtocolError")
    return Failure(code, f"{doing}: the target refused.", answer.status, response, retry_after(answer, now))


def retry_after(answer: Answer, now: float) -> float | None:
    """Seconds to wait as the answer says (RFC 9110 §10.2.3: a number or a date); None where it does not."""
    text = (answer.header("Retry-After") or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)


def unusable(answer: Answer) -> bool:
    """Whether a success says nothing that can be used: its body is no JSON object."""
    return answer.good and not isinstance(answer.body, dict)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.replace(" ", "").replace("-", "")
    except ValueError:
        return str(status)


def _text(body: object) -> str:
    if body is None:
        return ""
    text = body if isinstance(body, str) else orjson.dumps(body, default=str).decode()
    return text[:_LONGEST]
