"""What in a mapping document can be used and is hardly meant: source attributes that nobody has.

A misspelt attribute is no mistake to Entra ID, whose schema can be extended: it is empty for everybody, so nothing
flows, and a scoping clause about it lets nobody through.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mockscim.faults.documents import suggestion
from mockscim.provisioning import expressions
from mockscim.provisioning.directory import Directory
from mockscim.provisioning.directory.changes import GroupAdd, GroupEdit, UserAdd, UserEdit
from mockscim.provisioning.mapping import ObjectMapping, Schema

# Source: Microsoft Graph v1.0, the properties of user and group; then the names that the provisioning service has for
# some of them, and those of what it computes.
_USER = """
    aboutMe accountEnabled ageGroup assignedLicenses assignedPlans birthday businessPhones city companyName
    consentProvidedForMinor country createdDateTime creationType customSecurityAttributes deletedDateTime department
    displayName employeeHireDate employeeId employeeLeaveDateTime employeeOrgData employeeType externalUserState
    externalUserStateChangeDateTime faxNumber givenName hireDate id identities imAddresses interests isResourceAccount
    jobTitle lastPasswordChangeDateTime legalAgeGroupClassification mail mailNickname manager mobilePhone mySite
    officeLocation onPremisesDistinguishedName onPremisesDomainName onPremisesImmutableId onPremisesLastSyncDateTime
    onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled onPremisesUserPrincipalName otherMails
    passwordPolicies postalCode preferredDataLocation preferredLanguage preferredName proxyAddresses responsibilities
    schools securityIdentifier sharePointId showInAddressList skills state streetAddress surname usageLocation
    userPrincipalName userType
    IsSoftDeleted isSoftDeleted appRoleAssignments division costCenter facsimileTelephoneNumber mobile objectId
    originalUserPrincipalName physicalDeliveryOfficeName telephoneNumber extensionAttribute1 extensionAttribute2
    extensionAttribute3 extensionAttribute4 extensionAttribute5 extensionAttribute6 extensionAttribute7
    extensionAttribute8 extensionAttribute9 extensionAttribute10 extensionAttribute11 extensionAttribute12
    extensionAttribute13 extensionAttribute14 extensionAttribute15
"""
_GROUP = """
    classification createdDateTime deletedDateTime description displayName expirationDateTime groupTypes id
    isAssignableToRole mail mailEnabled mailNickname members membershipRule objectId onPremisesDomainName
    onPremisesLastSyncDateTime onPremisesNetBiosName onPremisesSamAccountName onPremisesSecurityIdentifier
    onPremisesSyncEnabled owners preferredDataLocation preferredLanguage proxyAddresses renewedDateTime
    securityEnabled securityIdentifier theme visibility
"""
# Directory extensions and schema extensions; they are as good as declared.
_OWN = ("extension_", "customSecurityAttributes.", "employeeOrgData.", "onPremisesExtensionAttributes.")


def doubts(schema: Schema, directory: Directory | None = None) -> list[tuple[str, str]]:
    """Attributes that no user, or no group, can have, and that the source does not have either.

    Args:
        schema: the mappings.
        directory: the source; None: only what is known of Entra ID counts.

    Returns:
        JSON pointers into the document, each with what is doubtful there.
    """
    users, groups = _in_source(directory) if directory is not None else (set[str](), set[str]())
    found = []
    for kind, mapping, known in (
        ("user", schema.users, {*_USER.split(), *users}),
        ("group", schema.groups, {*_GROUP.split(), *groups}),
    ):
        for place, name in _used(mapping):
            if name in known or name.startswith(_OWN):
                continue
            where = "or in the source " if directory is not None else ""
            text = f"no {kind} in Entra ID {where}has {name!r}, so it is empty for all of them"
            meant = suggestion(name, sorted(known)).strip()
            found.append((f"/{kind}s{place}", f"{meant} {text}".strip()))
    return found


def _used(mapping: ObjectMapping) -> Iterator[tuple[str, str]]:
    """The source attributes that a mapping looks at, each with its place."""
    for index, each in enumerate(mapping.attributeMappings):
        names: Iterable[str] = ()
        if each.type == "Direct":
            names = (each.source,)
        elif each.type == "Expression":
            names = expressions.attributes(expressions.parse(each.source))
        yield from ((f"/attributeMappings/{index}/source", name) for name in names)
    for index, each_filter in enumerate(mapping.scope):
        for number, clause in enumerate(each_filter.clauses):
            yield f"/scope/{index}/clauses/{number}/attribute", clause.attribute


def _in_source(directory: Directory) -> tuple[set[str], set[str]]:
    """The attributes that users and groups of a directory have, now or by one of its steps."""
    users = {name for user in directory.users.values() for name in user.attributes}
    groups = {name for group in directory.groups.values() for name in group.attributes}
    for change in (change for step in directory.steps for change in step.changes):
        if isinstance(change, UserAdd):
            users |= change.user.keys()
        elif isinstance(change, GroupAdd):
            groups |= change.group.keys()
        elif isinstance(change, UserEdit):
            users |= change.changes.keys()
        elif isinstance(change, GroupEdit):
            groups |= change.changes.keys()
    return users, groups
