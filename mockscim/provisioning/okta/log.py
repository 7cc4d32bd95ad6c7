"""The events of Okta's System Log that tell of provisioning, as its API gives them: one JSON object each.

Sources: event types and their messages are those of okta-event-types.csv (okta-developer-docs), legacy types of the
table "event type mappings" there; uuid, published, eventType, version, severity, displayMessage, actor, client,
outcome, target, transaction, debugContext, authenticationContext, securityContext and request are the LogEvent of the
System Log API, and their shape here is that of the samples of its guide for ISVs.

What is a guess: the actor (a system principal), that ``transaction`` is a JOB, the severity of failures, which fields
of ``client`` and the contexts are null, ``detailEntry``, the event of a match (``user.sync``), SKIPPED, and the texts
of CREDENTIALS and RATE_LIMIT.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

from mockscim.clock import format_instant
from mockscim.provisioning.okta.ids import APP, APP_USER, GROUP, USER, event_id, okta_id

_PROVISION = "application.provision."
_USER = "app.user_management."
_ERROR = "app.api.error."
_PUSH = "app.user_management.grouppush."
_SYSTEM = "SystemPrincipal"


class Kind(NamedTuple):
    """A kind of event: its type, its message, and the legacy types of success and failure (None: not known)."""

    type: str
    message: str
    legacy: str | None = None
    legacy_failure: str | None = None


class What(Enum):
    """The kinds of events."""

    CREATED = Kind(
        _PROVISION + "user.push",
        "Push new user to external application",
        _USER + "push_new_user",
        _ERROR + "create_user",
    )
    VERIFIED = Kind(
        _PROVISION + "user.verify_exists",
        "Verify user exists in external application",
        _USER + "verified_user_with_thirdparty",
        _ERROR + "check_user_exists",
    )
    MATCHED = Kind(
        _PROVISION + "user.sync",
        "Sync user in external application",
        _USER + "provision_user",
        _USER + "provision_user_failed",
    )
    PROFILE = Kind(
        _PROVISION + "user.push_profile",
        "Push user's profile to external application",
        _USER + "push_profile_success",
        _ERROR + "push_profile_update",
    )
    DEACTIVATED = Kind(
        _PROVISION + "user.deactivate",
        "Push user deactivation to external application",
        _USER + "deactivate_user",
        _ERROR + "deactivate_user",
    )
    REACTIVATED = Kind(
        _PROVISION + "user.reactivate",
        "Push user reactivation in external application",
        _USER + "reactivate_user",
        _ERROR + "reactivate_user",
    )
    DEPROVISIONED = Kind(
        _PROVISION + "user.deprovision",
        "Deprovision user from external application",
        _USER + "deprovision_task_complete",
    )
    PASSWORD = Kind(
        _PROVISION + "user.push_password",
        "Push user's password to application",
        _USER + "push_unique_password_update",
        _ERROR + "push_password_update",
    )
    MAPPED = Kind(
        _PROVISION + "group_push.mapping.created", "A new mapping has been created", _PUSH + "mapping.created"
    )
    GROUP_PUSHED = Kind(_PROVISION + "group_push.pushed", "A group was pushed to an app", _PUSH + "pushed")
    GROUP_UPDATED = Kind(_PROVISION + "group_push.updated", "A group was updated in an app", _PUSH + "updated")
    GROUP_REMOVED = Kind(_PROVISION + "group_push.removed", "A group was removed from an app", _PUSH + "removed")
    GROUP_DELETED = Kind(_PROVISION + "group_push.delete_appgroup", "Group push deleted application group")
    MEMBERS_PUSHED = Kind(_PROVISION + "group_push.push_memberships", "Group push pushed memberships")
    GROUP_RENAMED = Kind(
        _PROVISION + "group_push.mapping.app.group.renamed",
        "A mapped app group has been renamed because the source group was renamed",
        _PUSH + "mapping.app.group.renamed",
    )
    GROUP_WILL_RETRY = Kind(
        _PROVISION + "group_push.mapping.update.or.delete.failed",
        "Group push mapping change failed and will be retried",
        None,
        _PUSH + "mapping.update.or.delete.failed",
    )
    GROUP_FAILED = Kind(
        _PROVISION + "group_push.mapping.update.or.delete.failed.with.error",
        "Group push mapping change failed and cannot be retried",
        None,
        _PUSH + "mapping.update.or.delete.failed.with.error",
    )
    CREDENTIALS = Kind(
        "application.integration.authentication_failure",
        "Application integration authentication failed",
        None,
        _ERROR + "auth",
    )
    RATE_LIMIT = Kind(
        "application.integration.rate_limit_exceeded",
        "Application integration rate limit exceeded",
        None,
        _ERROR + "rate.limit.exceeded",
    )
    IMPORTED = Kind("system.import.complete", "Import process completed", "app.generic.import.complete")
    USERS_NOT_READ = Kind(
        _PROVISION + "user.import", "Import user from external application", None, _ERROR + "download_users"
    )
    GROUPS_NOT_READ = Kind(
        _PROVISION + "group.import", "Okta downloads a remote group", None, _ERROR + "download_groups"
    )


def app_target(app_name: str) -> dict[str, Any]:
    """The application, as an event's target."""
    return {
        "id": okta_id(APP, app_name),
        "type": "AppInstance",
        "alternateId": app_name,
        "displayName": app_name,
        "detailEntry": None,
    }


def user_targets(app_name: str, key: str, user_name: str, name: str) -> list[dict[str, Any]]:
    """A user of the application, as an event's targets: the account there, the user here."""
    account = {"id": okta_id(APP_USER, app_name, key), "type": "AppUser"}
    user = {"id": okta_id(USER, key), "type": "User"}
    rest = {"alternateId": user_name, "displayName": name, "detailEntry": None}
    return [{**account, **rest}, {**user, **rest}]


def group_targets(key: str, name: str) -> list[dict[str, Any]]:
    """A pushed group, as an event's targets."""
    rest = {"alternateId": "unknown", "displayName": name, "detailEntry": None}
    return [{"id": okta_id(GROUP, key), "type": "UserGroup", **rest}]


def event(
    what: What,
    at: float,
    targets: Sequence[dict[str, Any]],
    *,
    identity: tuple[object, ...],
    transaction: str,
    reason: str | None = None,
    result: str = "SUCCESS",
) -> dict[str, Any]:
    """An entry of the log.

    Args:
        what: its kind.
        at: when it happened, in seconds since the epoch.
        targets: what it happened to.
        identity: what its uuid follows from.
        transaction: what it happened in.
        reason: why it came out as it did.
        result: SUCCESS, FAILURE or SKIPPED.
    """
    kind: Kind = what.value
    failed = result == "FAILURE"
    return {
        "uuid": event_id(*identity),
        "published": format_instant(at),
        "eventType": kind.type,
        "version": "0",
        "severity": "ERROR" if failed else "INFO",
        "legacyEventType": kind.legacy_failure if failed else kind.legacy,
        "displayMessage": kind.message,
        "actor": {
            "id": okta_id(USER, _SYSTEM),
            "type": _SYSTEM,
            "alternateId": "system@okta.com",
            "displayName": "Okta System",
            "detailEntry": None,
        },
        "client": {
            "userAgent": None,
            "zone": None,
            "device": None,
            "id": None,
            "ipAddress": None,
            "geographicalContext": None,
        },
        "outcome": {"result": result, "reason": reason},
        "target": list(targets),
        "transaction": {"type": "JOB", "id": transaction, "detail": {}},
        "debugContext": {"debugData": {}},
        "authenticationContext": {"externalSessionId": None},
        "securityContext": {},
        "request": {"ipChain": []},
    }
