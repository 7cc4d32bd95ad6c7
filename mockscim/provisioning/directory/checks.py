"""What a user or group of a directory may look like."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Iterable
from typing import Any, Never

from mockscim.clock import ClockError, parse_instant
from mockscim.faults.errors import pointer_to
from mockscim.provisioning.directory.objects import DirectoryError

_SCALARS = (str, bool, int, float)
_TEXTS = {"displayName", "givenName", "surname", "mail", "mailNickname", "jobTitle", "department", "employeeId"}
_TEXTS |= {"preferredLanguage", "userType", "originalUserPrincipalName"}
# Graph's, and those that the provisioning service calls otherwise; a directory may have others of its own.
_ATTRIBUTES = frozenset(_TEXTS) | {"id", "userPrincipalName", "accountEnabled", "securityEnabled", "manager", "members"}
_ATTRIBUTES |= {"city", "country", "state", "postalCode", "streetAddress", "companyName", "officeLocation"}
_ATTRIBUTES |= {"physicalDeliveryOfficeName", "businessPhones", "telephoneNumber", "mobile", "mobilePhone", "faxNumber"}
_ATTRIBUTES |= {"facsimileTelephoneNumber", "employeeType", "employeeHireDate", "usageLocation", "otherMails"}
_ATTRIBUTES |= {"proxyAddresses", "deletedDateTime", "description", "mailEnabled", "groupTypes", "status", "middleName"}
_NEARLY = 0.85
_LONGEST_SLIP = 100


class Checker:
    """Checks the objects of one document, and says where in it one is wrong."""

    def __init__(self, source: str = "") -> None:
        self.source = source

    def fail(self, where: str, message: str) -> Never:
        """Refuse, at a place."""
        raise DirectoryError(self.source, where, message)

    def user(self, value: object, where: str) -> dict[str, Any]:
        """A user's document with an id."""
        return self._object(value, where, "userPrincipalName")

    def group(self, value: object, where: str) -> tuple[dict[str, Any], list[str]]:
        """A group's document with an id and without its members, and those as they are named."""
        document = self._object(value, where, "displayName")
        members = document.pop("members", None) or []
        if not isinstance(members, list):
            self.fail(f"{where}/members", "a list of members was expected")
        for index, member in enumerate(members):
            if not isinstance(member, str) or not member:
                expected = "a user's id or userPrincipalName, or a group's id or displayName, was expected"
                self.fail(f"{where}/members/{index}", expected)
        return document, members

    def _object(self, value: object, where: str, name: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.fail(where, f'an object with "{name}" was expected')
        if not isinstance(value.get(name), str) or not value[name].strip():
            hint = "" if name in value else self._near(value, name)
            self.fail(f"{where}/{name}", f"a text that is not empty was expected{hint}")
        document = dict(value)
        # One without an id gets one that is the same every time: documents for people need not hold UUIDs.
        document.setdefault("id", made_id(name, value[name]))
        self.attributes(document, where)
        return document

    def attributes(self, document: dict[str, Any], where: str) -> None:
        """Refuse values that no attribute of a directory has."""
        for key, value in document.items():
            place = pointer_to(where, key)
            if key == "members":
                continue
            if key in ("id", "userPrincipalName") and not (isinstance(value, str) and value.strip()):
                self.fail(place, "a text that is not empty was expected")
            elif key in ("accountEnabled", "securityEnabled") and not isinstance(value, bool):
                self.fail(place, "true or false was expected")
            elif key == "manager" and not (value is None or (isinstance(value, str) and value)):
                self.fail(place, "a user's id or userPrincipalName, or null, was expected")
            elif key == "deletedDateTime":
                self._instant(value, place)
            elif key in _TEXTS and not (value is None or isinstance(value, str)):
                self.fail(place, "a text or null was expected")
            elif not self._plain(value):
                self.fail(place, "a text, a number, true, false, null or a list of such was expected")

    def names(self, names: Iterable[str], held: Callable[[str], bool], where: str) -> None:
        """Refuse slips in the names of attributes: what is nearly one that there is, and that nobody has.

        Args:
            names: as they were given; such as end in a number are one's own.
            held: whether anybody has an attribute of that name.
            where: a JSON pointer to what they are the keys of.
        """
        for name in names:
            if name in _ATTRIBUTES or name[-1:].isdigit() or len(name) > _LONGEST_SLIP:
                continue
            near = difflib.get_close_matches(name, _ATTRIBUTES, 1, _NEARLY)
            if near and not held(name):
                self.fail(pointer_to(where, name), f"there is no such attribute: did you mean {near[0]!r}?")

    def _instant(self, value: object, where: str) -> None:
        if value is None:
            return
        try:
            parse_instant(value)  # type: ignore[arg-type] # it refuses what is no text
        except ClockError as error:
            self.fail(where, str(error))

    def _plain(self, value: object) -> bool:
        if isinstance(value, list):
            return all(isinstance(each, _SCALARS) for each in value)
        return value is None or isinstance(value, _SCALARS)

    def _near(self, value: dict[str, Any], name: str) -> str:
        """A hint for a SCIM resource, or a key in another case."""
        for key in value:
            if key.lower() == name.lower() or (name == "userPrincipalName" and key == "userName"):
                return f', "{key}" was found'
        return ""


def made_id(kind: str, name: str) -> str:
    """The id of an object that was given none: of a UUID's shape, computed from its name."""
    digest = hashlib.blake2b(f"{kind} {name.casefold()}".encode(), digest_size=16).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-b{digest[17:20]}-{digest[20:]}"
