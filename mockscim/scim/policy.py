"""What the provider lets pass although the RFC would refuse it, and how it behaves where the RFC leaves a choice.

A leniency is a row of ``LENIENCIES``: a code, what is accepted, what the RFC says, who sends it. Nothing else in the
core decides what is tolerated: code that meets a deviation asks ``Tolerance.allow``, which either notes it (the
journal shows it) or raises the error that the RFC would have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from mockscim.scim.errors import ScimError


@dataclass(frozen=True, slots=True)
class Leniency:
    """One deviation that can be accepted or refused.

    Attributes:
        code: the name used by ``--accept`` and ``--refuse`` and in the journal.
        accepts: what is accepted.
        source: the section that would have it otherwise.
        rfc: what that section says.
        sent_by: who sends it, and where that is known from.
    """

    code: str
    accepts: str
    source: str
    rfc: str
    sent_by: str


_ENTRA = "Microsoft Entra ID (entra-docs: use-scim-to-provision-users-and-groups)"
_ENTRA_SHAPES = "Microsoft Entra ID (entra-docs: application-provisioning-config-problem-scim-compatibility)"
_VALIDATOR = "Microsoft's SCIM validator (Captain-P-Goldfish/SCIM-SDK#416)"
_OKTA = "Okta (developer docs: scim-20)"
_DRAFT = "draft-zollner-scim-interop-profile-01"

LENIENCIES: Mapping[str, Leniency] = {
    row.code: row
    for row in (
        Leniency(
            "missing-schemas",
            "a body without `schemas`",
            "RFC 7643 §3",
            "every representation has a non-empty `schemas`",
            "hand-written clients; Microsoft's sample requests (AzureAD/SCIMReferenceCode)",
        ),
        Leniency(
            "unknown-schema-urn",
            "a URN in `schemas` that is not a schema of the resource type",
            "RFC 7643 §3",
            "`schemas` holds the URNs of the resource type's schema and extensions",
            _ENTRA + ": http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group",
        ),
        Leniency(
            "schemas-mismatch",
            "a `schemas` that lacks the resource type's own URN, or the message's",
            "RFC 7643 §3",
            "`schemas` holds the URN of what the body is",
            "OneLogin templates, which still carry urn:scim:schemas:core:1.0 (scim.dev guide)",
        ),
        Leniency(
            "undeclared-extension",
            "an extension's attributes without its URN in `schemas`",
            "RFC 7643 §3.3",
            "`schemas` names every extension that is present",
            _ENTRA + ", custom extensions",
        ),
        Leniency(
            "unknown-attribute",
            "an attribute or extension that the schema does not know; it is dropped",
            "RFC 7644 §3.12",
            "invalidSyntax: the body does not conform to the schema",
            _ENTRA + ", Example 2",
        ),
        Leniency(
            "duplicate-key",
            "a name twice in one object, also in another case; the last one counts",
            "RFC 7643 §2.1",
            "a name is an attribute whatever its case, and RFC 7159 §4 has the names of a JSON object differ",
            "Java clients whose @JsonAnyGetter map has a name that is a property too (FasterXML/jackson-databind#4091)",
        ),
        Leniency(
            "boolean-string",
            'a boolean as text: "True", "False"',
            "RFC 7643 §2.3.2",
            "a boolean is the literal true or false",
            _ENTRA_SHAPES + ", without aadOptscim062020",
        ),
        Leniency(
            "empty-string",
            'an empty string for an attribute that is no string: "manager": ""; it unassigns',
            "RFC 7643 §2.5",
            "null or an empty array is what unassigns",
            "Entra's gallery test SCIM_Null_Update (AzureAD/SCIMReferenceCode)",
        ),
        Leniency(
            "value-for-complex",
            'a bare value for a complex one: "manager": "26118915"',
            "RFC 7643 §2.3.8",
            "a complex value is an object of sub-attributes",
            "Microsoft Entra ID, manager (AzureAD/SCIMReferenceCode)",
        ),
        Leniency(
            "unencoded-reference",
            'a reference with characters beyond ASCII: "https://example.com/é.png"',
            "RFC 7643 §2.3.7",
            "a reference is a URI, in which such characters are percent-encoded (RFC 3986 §2.5)",
            "hand-written clients, with addresses as browsers show them",
        ),
        Leniency(
            "array-for-single",
            "an array of one value, or of none, for a single-valued attribute",
            "RFC 7643 §2.4",
            "only a multi-valued attribute is an array",
            _ENTRA + ", Example 5: manager",
        ),
        Leniency(
            "single-for-array",
            "a single value for a multi-valued attribute",
            "RFC 7643 §2.4",
            "a multi-valued attribute is an array",
            "Microsoft's sample requests (AzureAD/SCIMReferenceCode): a bare member",
        ),
        Leniency(
            "patch-op-case",
            "`op` in capitals: Add, Replace, Remove",
            "RFC 7644 §3.5.2",
            'op is one of "add", "remove", "replace"',
            _ENTRA_SHAPES,
        ),
        Leniency(
            "unknown-operation-key",
            "a member of a PATCH operation beside op, path and value; it is ignored",
            "RFC 7644 §3.5.2",
            "an operation has op, path and value",
            "Microsoft's sample requests (AzureAD/SCIMReferenceCode): a stray `name`",
        ),
        Leniency(
            "path-as-key",
            'a path-less value keyed by paths: "name.givenName", "urn:…:User:department"',
            "RFC 7644 §3.5.2.1",
            "the value holds attributes of the resource, nested as in a representation",
            _ENTRA_SHAPES + ", with aadOptscim062020",
        ),
        Leniency(
            "pathless-list",
            "a list as the value of an operation without path",
            "RFC 7644 §3.5.2.1",
            "without path the value holds a set of attributes",
            "group pushes seen by scimmyjs/scimmy users",
        ),
        Leniency(
            "read-only-in-patch",
            "a readOnly attribute, such as id, inside a path-less value; it is ignored",
            "RFC 7644 §3.5.2",
            "a PATCH must not modify a readOnly attribute: 400 mutability",
            _OKTA + ": a group's rename carries its id",
        ),
        Leniency(
            "remove-members-by-value",
            "remove with a path and a value: just those values go",
            "RFC 7644 §3.5.2.2",
            "without a filter in the path all values are removed, and value has no meaning",
            _ENTRA_SHAPES + ": members",
        ),
        Leniency(
            "remove-missing",
            "remove with a filter that selects nothing; of one who is no member it is right (RFC 7644 §3.5.2.2)",
            "RFC 7644 §3.12",
            "noTarget: the filter of the path yielded no match",
            "clients that clear a value without a look whether there is one",
        ),
        Leniency(
            "creates-missing-element",
            'add or replace of emails[type eq "work"].value without such an element: it is made',
            "RFC 7644 §3.5.2.3",
            "a filter without a match fails with noTarget",
            _VALIDATOR,
        ),
        Leniency(
            "unqualified-extension-attribute",
            "an extension's attribute without its URN: manager",
            "RFC 7644 §3.10",
            "an extension's attribute is prefixed with its URN",
            _ENTRA + ", Example 5",
        ),
        Leniency(
            "unquoted-filter-value",
            "a filter value without quotes: externalId eq jyoung",
            "RFC 7644 §3.4.2.2",
            "a string in a filter is a JSON string",
            _ENTRA + ", sample queries",
        ),
        Leniency(
            "filter-boolean-string",
            'a string compared with a boolean: roles[primary eq "True"]',
            "RFC 7644 §3.4.2.2",
            "the value has the attribute's type",
            _VALIDATOR,
        ),
        Leniency(
            "filter-complex-value",
            'a complex attribute compared as a whole: manager eq "…", meaning its value',
            "RFC 7644 §3.4.2.2",
            "a complex attribute is named with its sub-attribute",
            "Microsoft Entra ID's reference check (azure-docs, older editions)",
        ),
        Leniency(
            "value-path-comparison",
            'a comparison behind a value path: emails[type eq "work"].value eq "…"',
            "RFC 7644 §3.4.2.2",
            "the grammar ends a value path at its bracket",
            _ENTRA + ", look-up by e-mail",
        ),
        Leniency(
            "query-parameter-case",
            "a query parameter in another case: startindex",
            "RFC 7644 §3.4.2",
            "startIndex, count, filter, sortBy, sortOrder, attributes, excludedAttributes",
            "Microsoft's inbound samples (AzureAD/SCIMReferenceCode)",
        ),
        Leniency(
            "empty-attributes",
            "an empty ?attributes=, ?excludedAttributes=, ?startIndex= or ?count=; it is ignored",
            "RFC 7644 §3.9",
            "the parameter is a list of attribute names",
            "clients that always send the parameter",
        ),
        Leniency(
            "missing-content-type",
            "a body without Content-Type",
            "RFC 7644 §3.1",
            "the type of a body is application/scim+json",
            "hand-written clients and scripts",
        ),
        Leniency(
            "unknown-member",
            "a group member whose id is not known here; it is kept",
            "RFC 7643 §4.2",
            "a member's value is the id of a resource",
            "clients that push groups before users",
        ),
        Leniency(
            "missing-bulk-id",
            "a POST in a bulk request without bulkId; its result has none either",
            "RFC 7644 §3.7",
            "bulkId is required when the method is POST",
            "clients after the sample of Janssen's documentation (docs.jans.io: bulk-users)",
        ),
        Leniency(
            "bulk-patch-list",
            "a PATCH in a bulk request whose data is the bare list of its operations",
            "RFC 7644 §3.7",
            "data is what a single PATCH would send: a PatchOp message",
            "clients after Oracle's sample (life sciences IAM: sample-message-exchange), itself after RFC 7644 §3.7.3",
        ),
        Leniency(
            "interop-pathless",
            "a PATCH operation without path",
            _DRAFT + " §6.5.1.1",
            "each operation has a path; one without is refused: 400 invalidSyntax",
            _OKTA + ": active=false; " + _ENTRA_SHAPES + ", with aadOptscim062020",
        ),
        Leniency(
            "interop-several-attributes",
            "a PATCH operation whose path is a schema's URN, with several attributes as its value",
            _DRAFT + " §6.5.1.2",
            "each attribute has an operation of its own",
            "clients that set a whole extension at once",
        ),
        Leniency(
            "interop-whole-element",
            'a path whose filter selects whole values: emails[type eq "work"]',
            _DRAFT + " §6.5.2.2",
            "the path names a sub-attribute behind the filter: 400 invalidPath",
            "clients that follow the examples of RFC 7644 §3.5.2",
        ),
        Leniency(
            "interop-whole-member",
            'the same for members, whose values have nothing else to change: members[value eq "…"]',
            _DRAFT + " §6.5.2.2",
            "the path names a sub-attribute behind the filter; the draft makes no exception for members",
            _OKTA + "; " + _ENTRA_SHAPES + ", with aadOptscim062020",
        ),
        Leniency(
            "interop-path-operator",
            'a path whose filter compares otherwise than with eq and and: emails[value co "example"].type',
            _DRAFT + " §6.5.3",
            "400 invalidSyntax",
            "clients that use all of RFC 7644 §3.5.2",
        ),
        Leniency(
            "interop-several-matches",
            "a path whose filter selects several values",
            _DRAFT + " §6.5.3",
            "400 invalidFilter",
            "clients that use all of RFC 7644 §3.5.2",
        ),
        Leniency(
            "interop-put",
            "PUT",
            _DRAFT + " §6.5",
            "clients update with PATCH and never with PUT",
            _OKTA + ": users of applications made with the app integration wizard",
        ),
        Leniency(
            "interop-filter-operator",
            "a filter with more than eq and and",
            _DRAFT + " §6.3",
            "clients use no other operators",
            "clients that use all of RFC 7644 §3.4.2.2",
        ),
        Leniency(
            "interop-filter-method",
            "a filter in the query string of another method than GET",
            _DRAFT + " §6.3",
            "filters in the URI are for GET",
            "no client is known to",
        ),
        Leniency(
            "interop-conditional",
            "If-Match, If-None-Match, If-Modified-Since or If-Unmodified-Since",
            _DRAFT + " §6.7",
            "clients send no conditional requests; a provider may ignore or refuse them",
            "clients that use RFC 7644 §3.14",
        ),
        Leniency(
            "interop-canonical-type",
            "a `type` that is none of the canonical values",
            _DRAFT + " §5.4",
            "clients use only the types that /Schemas publishes",
            "clients with types of their own",
        ),
        Leniency(
            "interop-content-type",
            "a body of another type than application/scim+json",
            _DRAFT + " §6.2",
            "requests say application/scim+json",
            "clients that send application/json, as many do (RFC 7644 §8.1)",
        ),
        Leniency(
            "interop-user-agent",
            "a request without User-Agent",
            _DRAFT + " §6.2",
            "clients say who they are",
            "scripts",
        ),
    )
}

OFF_BY_DEFAULT = frozenset({"unknown-member"})
# What only the interoperability profile forbids; the RFC has nothing against it, so --strict says nothing about it.
INTEROP = frozenset(code for code in LENIENCIES if code.startswith("interop-"))
TOLERANT = frozenset(LENIENCIES) - OFF_BY_DEFAULT
STRICT: frozenset[str] = INTEROP


class UnknownLeniencyError(ValueError):
    """A code that is no leniency."""


def accepted(
    base: Iterable[str] = TOLERANT,
    *,
    strict: bool = False,
    accept: Iterable[str] = (),
    refuse: Iterable[str] = (),
) -> frozenset[str]:
    """The leniencies in force: a profile's own, none from the RFC when strict, then single ones on and off."""
    for code in (*accept, *refuse):
        if code not in LENIENCIES:
            raise UnknownLeniencyError(f"{code!r} is no leniency; there are: {', '.join(sorted(LENIENCIES))}")
    return (frozenset(base) & STRICT if strict else frozenset(base)) - frozenset(refuse) | frozenset(accept)


_MOST_NOTES = 100  # a request with 10,000 operations in capitals has made its point before that


class Named(Protocol):
    """What has a name: an attribute."""

    @property
    def name(self) -> str:
        """The name."""
        ...


class Tolerance:
    """The leniencies of one request: which are in force, and which were needed."""

    __slots__ = ("accepted", "used")

    def __init__(self, accepted: frozenset[str]) -> None:
        self.accepted = accepted
        self.used: dict[tuple[str, str], None] | None = None

    def allow(self, code: str, detail: str, refusal: ScimError | None = None) -> None:
        """Note a deviation, or raise when it is refused.

        Args:
            code: a key of ``LENIENCIES``.
            detail: what was met, for the journal.
            refusal: the RFC's own error for it; invalidSyntax when none is given.
        """
        if code not in self.accepted:
            error = refusal or ScimError(400, "invalidSyntax", f"{detail} ({LENIENCIES[code].source})")
            # The code says what to --accept for a client that cannot do otherwise.
            raise ScimError(error.status, error.scim_type, f"{error.detail} [{code}]", error.headers)
        if self.used is None:
            self.used = {}
        if len(self.used) < _MOST_NOTES:
            self.used[code, detail] = None

    def unknown(self, owner: str, what: str, name: str, known: Mapping[str, Named]) -> None:  # noqa: ARG002 - slips.py
        """Note an attribute that there is not, or raise.

        Args:
            owner: whose it would be: a resource type, a schema, an attribute.
            what: ``attribute`` or ``sub-attribute``.
            name: as it was given.
            known: those that there are.
        """
        self.allow("unknown-attribute", f"{owner} has no {what} {name[:100]}")

    def absorb(self, other: Tolerance, where: str) -> None:
        """Take over what an operation of a bulk job needed, said with its place there."""
        for code, detail in other.used or ():
            self.allow(code, f"{where}: {detail}")

    def report(self) -> list[dict[str, str]]:
        """The leniencies used, as the journal shows them."""
        return [{"code": code, "source": LENIENCIES[code].source, "detail": detail} for code, detail in self.used or ()]


Pagination = Literal["index", "cursor", "index, cursor", "cursor, index"]


@dataclass(frozen=True, slots=True)
class Policy:
    """How a provider behaves where the RFC leaves a choice, or where the provider is known to differ.

    Attributes:
        accepted: the leniencies in force.
        patch_answer: ``body`` answers a PATCH with 200 and the resource, ``none`` with 204.
        filterable: for each resource type the attribute paths (lower case) that may be filtered, each with its
            operators; a type that is not named may be filtered by everything.
        filter_logic: whether and, or, not and value paths are understood.
        max_results: most resources in one page; None for no bound.
        sort: whether sortBy is understood.
        etag: whether versions are published and If-Match and If-None-Match are honoured.
        require_if_match: whether PUT, PATCH and DELETE without If-Match are refused (RFC 6585 §3: 428).
        pagination: how lists are paged, by startIndex, by cursor (RFC 9865) or by both; the first of two holds where a
            query does not say.
        page_size: how many resources a page has where a query does not say; None for all, or max_results.
        cursor_timeout: how long a cursor can be used, in seconds.
        unsupported: what becomes of an attribute of RFC 7643 that this provider does not have; ``unknown`` treats it
            as one that nobody knows.
        value_types: for each resource type the multi-valued attributes (lower case) of which only values of some types
            exist, such as e-mails for work; others are dropped.
        frozen: for each resource type the attributes (lower case) that cannot change after creation.
        frozen_change: what an attempt to change one gets.
        deactivate: ``flag`` stores active=false; ``leave`` takes the user out while the account survives.
        delete: ``remove`` forgets the user; ``leave`` keeps the account outside the directory.
        left_user: what GET of a user who left answers: ``absent`` is 404, ``inactive`` is 200 with active=false.
        join_accounts: whether a POST of a known account's userName joins that account instead of creating one.
        remove_by_value: what a refused remove-members-by-value gets: an error, or silently nothing.
        me: whether /Me stands for the resource of who asks (RFC 7644 §3.11).
        authentication: how clients may authenticate, as ServiceProviderConfig calls it (RFC 7643 §5).
        interop: whether requests are held against the interoperability profile too (the leniencies in ``INTEROP``).
        replace_complex: what a PATCH replace of a whole complex attribute does to sub-attributes that it leaves out:
            ``merge`` keeps them (RFC 7644 §3.5.2.3), ``whole`` drops them.
        unknown_path: the scimType for a PATCH path to an attribute that does not exist.
        members_at_once: how many members one request changes; the rest is left out without a word. None for all.
        uniqueness: ``enforced`` refuses a value that must be unique and is taken (409); ``none`` lets it pass, whatever
            the schema says.
    """

    accepted: frozenset[str] = TOLERANT
    patch_answer: Literal["body", "none"] = "body"
    filterable: Mapping[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    filter_logic: bool = True
    max_results: int | None = None
    sort: bool = True
    etag: bool = True
    require_if_match: bool = False
    pagination: Pagination = "index, cursor"
    page_size: int | None = None
    cursor_timeout: int = 3600
    unsupported: Literal["ignore", "reject", "unknown"] = "ignore"
    value_types: Mapping[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    frozen: Mapping[str, frozenset[str]] = field(default_factory=dict)
    frozen_change: Literal["ignore", "reject", "apply"] = "ignore"
    deactivate: Literal["flag", "leave"] = "flag"
    delete: Literal["remove", "leave"] = "remove"
    left_user: Literal["absent", "inactive"] = "absent"
    join_accounts: bool = False
    remove_by_value: Literal["reject", "ignore"] = "reject"
    bulk: bool = True
    max_operations: int = 1000
    max_payload: int | None = None
    me: bool = True
    authentication: tuple[str, ...] = ("oauthbearertoken",)
    interop: bool = False
    replace_complex: Literal["merge", "whole"] = "merge"
    unknown_path: Literal["invalidPath", "invalidSyntax"] = "invalidPath"
    members_at_once: int | None = None
    uniqueness: Literal["enforced", "none"] = "enforced"

    def asks(self, code: str) -> bool:
        """Whether anything is held against this leniency: the interoperability profile's are asked only where it is."""
        return self.interop or code not in INTEROP
