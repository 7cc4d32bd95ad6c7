"""What Okta knows of a person for one application: the profile, and whether there is to be an account."""

from __future__ import annotations

import copy
from typing import Any, Literal

from mockscim.provisioning.directory import Directory, User
from mockscim.provisioning.okta.ids import USER, okta_id
from mockscim.provisioning.okta.settings import Settings
from mockscim.provisioning.target import parse, place
from mockscim.scim import urns

Document = dict[str, Any]
Profile = dict[str, Any]

Wanted = Literal["present", "absent", "frozen"]
"""Whether there is to be an active account, none, or nothing is to be said about it for now."""

# Okta's own names for a user's status; a directory may give one in the attribute "status".
_SUSPENDED = "SUSPENDED"
_DEPROVISIONED = "DEPROVISIONED"
_STAGED = "STAGED"


def status(user: User | None) -> str:
    """A user's status as Okta calls it.

    Who is blocked or in the recycle bin is deactivated: Okta knows no other way to be either.
    """
    if user is None or user.deleted or not user.enabled:
        return _DEPROVISIONED
    given = user.get("status")
    return given.upper() if isinstance(given, str) and given else "ACTIVE"


def wanted(settings: Settings, directory: Directory, user_id: str) -> Wanted:
    """What a user is to have in the application."""
    user = directory.user(user_id)
    now = status(user)
    if now == _DEPROVISIONED or not directory.roles_of(user_id):
        return "absent"
    if now == _SUSPENDED:
        return "absent" if settings.suspended == "deactivate" else "frozen"
    return "frozen" if now == _STAGED else "present"


def user_name(settings: Settings, user: User) -> str:
    """The application's name for a user."""
    value = user.get(settings.username)
    return value if isinstance(value, str) and value else user.upn


def external_id(user_id: str) -> str:
    """Okta's id of a user of the source."""
    return okta_id(USER, user_id)


def profile_of(settings: Settings, user: User) -> Profile:
    """The attributes that are sent, by target path, in the order of the samples; empty ones are left out."""
    name = user_name(settings, user)
    found: Profile = {
        "userName": name,
        "name.givenName": user.get("givenName"),
        "name.familyName": user.get("surname"),
        "emails": user.get("mail") or name,
        "displayName": user.name,
        "locale": settings.locale,
    }
    found |= {path: user.get(source) for path, source in settings.attributes.items()}
    return {path: value for path, value in found.items() if value not in (None, "", [])}


def match_value(settings: Settings, user_id: str, profile: Profile) -> str:
    """What a user is looked up by."""
    if settings.matching == "externalId":
        return external_id(user_id)
    return str(profile["userName" if settings.matching == "userName" else "emails"])


def assembled(profile: Profile) -> Document:
    """The profile as a new user has it. That extensions are named in ``schemas`` is a guess: no sample has one."""
    extensions = {extension for path in profile if path != "emails" and (extension := parse(path).extension)}
    document: Document = {"schemas": [urns.USER, *sorted(extensions)]}
    for path, value in profile.items():
        if path == "emails":
            document["emails"] = [{"primary": True, "value": value, "type": "work"}]
        else:
            place(document, parse(path), value)
    return document


def changes(before: Profile, after: Profile) -> Profile:
    """What differs, by target path; None for what is gone."""
    gone = {path: None for path in before if path not in after}
    return {path: value for path, value in after.items() if before.get(path) != value} | gone


def updated(resource: Document, changed: Profile) -> Document:
    """The resource as it was read, with what changed: what a PUT carries."""
    document = copy.deepcopy(resource)
    for path, value in changed.items():
        if path == "emails":
            _set_email(document, value)
        elif value is None:
            _remove(document, path)
        else:
            _set(document, path, value)
    return document


def _set(document: Document, path: str, value: object) -> None:
    target = parse(path)
    try:
        place(document, target, value)
    except (TypeError, AttributeError, KeyError):  # the target holds something there that is no object or list
        document.pop(target.extension or target.attribute, None)
        place(document, target, value)
    schemas = document.get("schemas")
    extension = target.extension
    if extension is not None and isinstance(schemas, list) and extension not in schemas:
        schemas.append(extension)


def _remove(document: Document, path: str) -> None:
    target = parse(path)
    holder = document.get(target.extension) if target.extension is not None else document
    if not isinstance(holder, dict):
        return
    inner = holder.get(target.attribute)
    if target.sub is not None and isinstance(inner, dict):
        inner.pop(target.sub, None)
    elif target.filter and isinstance(inner, list):
        wanted_element = dict(target.filter)
        inner[:] = [
            each
            for each in inner
            if not (isinstance(each, dict) and all(each.get(k) == v for k, v in wanted_element.items()))
        ]
    else:
        holder.pop(target.attribute, None)


def _set_email(document: Document, value: str) -> None:
    """The primary address; what else the target keeps with it stays, a ``display`` that repeats it follows."""
    listed = document.get("emails")
    elements = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    chosen = next((each for each in elements if each.get("primary") is True), None)
    chosen = chosen or next((each for each in elements if each.get("type") == "work"), None)
    if chosen is None:
        document["emails"] = [*elements, {"primary": True, "value": value, "type": "work"}]
        return
    if chosen.get("display") == chosen.get("value") and "display" in chosen:
        chosen["display"] = value
    chosen["value"] = value
