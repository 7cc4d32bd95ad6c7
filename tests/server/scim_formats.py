"""For schemathesis: how texts look that JSON Schema has no words for. Loaded by it through SCHEMATHESIS_HOOKS."""

import schemathesis
from hypothesis import strategies as st

# What every resource type of the standard profile has.
_NAMES = ["id", "externalId", "displayName", "meta.created", "META.lastModified"]
_LITERALS = ['"ann"', '"2026-01-01T00:00:00Z"', '"a\\"b\\\\"', '""', '"Ann Ashdown"']

names = st.sampled_from(_NAMES)
terms = st.one_of(
    st.builds(
        "{} {} {}".format, st.sampled_from(_NAMES[:3]), st.sampled_from(["eq", "ne", "EQ"]), st.sampled_from(_LITERALS)
    ),
    st.builds("{} {} {}".format, st.sampled_from(_NAMES[:3]), st.sampled_from(["co", "sw", "ew"]), st.just('"a"')),
    st.builds(
        "{} {} {}".format, st.sampled_from(_NAMES[3:]), st.sampled_from(["eq", "gt", "le"]), st.just(_LITERALS[1])
    ),
    st.builds("{} pr".format, names),
)
filters = st.recursive(
    terms,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=6,
)
paths = st.one_of(
    names,
    st.sampled_from(
        ["userName", "name.givenName", 'emails[type eq "work"].value', 'members[value eq "u-1"]', "members"]
    ),
    filters.map("emails[{}]".format),
)

schemathesis.openapi.format("scim-filter", filters)
schemathesis.openapi.format("scim-attribute", names)
schemathesis.openapi.format("entity-tags", st.sampled_from(["*", 'W/"1"', '"x", W/"2",W/"3"', '""']))
schemathesis.openapi.format("scim-cursor", st.just(""))  # the first page
schemathesis.openapi.format("scim-path", paths)


@schemathesis.hook
def map_body(context, body):
    """To JSON Schema 1.0 is an integer; SCIM's has no fractional digits (RFC 7643 §2.3.4)."""
    return whole(body)


def whole(value):
    """The value with whole numbers written as such."""
    if isinstance(value, dict):
        return {name: whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@schemathesis.hook
def filter_case(context, case):
    """Leave out what only together is wrong, numbers sent as nothing (they are none), and what would have us wait."""
    query = case.query or {}
    if "wait" in query or (isinstance(case.body, dict) and case.body.get("within")):
        return False
    if any(query.get(name, 1) in ("", [], {}) for name in ("startIndex", "count")):
        return False
    wrong = case.meta is not None and case.meta.generation.mode.is_negative
    given = [each for each in (query, case.body) if isinstance(each, dict)]
    if wrong and any(each.get("cursor") == "" for each in given):
        return False  # which it takes for no cursor, and is one
    return not any(clash(each) for each in given)


def clash(given):
    """Parameters that exclude each other (RFC 7644 §3.9), and a cursor beside what a first page may not be asked."""
    names = {name for name, value in given.items() if value is not None}
    return names >= {"attributes", "excludedAttributes"} or ("cursor" in names and names & {"startIndex", "count"})
