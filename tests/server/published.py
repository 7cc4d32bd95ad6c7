"""What a server publishes about itself, and what follows for requests: SCIM is known here, the server is not."""

import itertools
import json

from edge import PATCH_OP
from rfc import WITH_DEVICES

UNBOUNDED = 2**31 - 1  # published where there is no limit
OWN = {
    "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig",
    "urn:ietf:params:scim:schemas:core:2.0:ResourceType",
    "urn:ietf:params:scim:schemas:core:2.0:Schema",
}
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
# For each type a value that it never takes, also where a text stands for a boolean or a single value for several.
WRONG = {
    "string": 7,
    "boolean": "maybe",
    "integer": "many",
    "decimal": "much",
    "dateTime": "yesterday",
    "binary": "not base64!",
    "reference": 7,
    "complex": True,
}

USER_ONLY = {"types": {"User": {"attributes": ["userName", "active"], "extensions": []}}}
# Profiles with their switches.
VARIANTS = {
    "standard": {},
    "strict": {"strict": True},
    "devices": {"fixture": WITH_DEVICES, "strict": True},
    "rfc9944": {"fixture": "devices.json"},
    "rfc9944-strict": {"fixture": "devices.json", "strict": True},
    "interop": {"profile": "interop"},
    "interop-strict": {"profile": "interop", "strict": True},
    "segment": {"profile": "segment"},
    "segment-strict": {"profile": "segment", "strict": True},
    "switched-off": {"profile": {"behaviour": {"etag": False, "sort": False, "bulk": False}}},
    "bounded": {"profile": {"behaviour": {"max_results": 7, "max_operations": 3, "max_payload": 3000}}},
    "no-content": {"profile": {"behaviour": {"patch_answer": "none"}}},
    "few": {"profile": {**USER_ONLY, "behaviour": {"unsupported": "reject"}}},
}


class Leaf:
    """One attribute or sub-attribute that is published, and the way to it.

    ``path`` is what a PATCH, a filter and ``attributes`` take; ``keys`` lead to it in a representation.
    """

    def __init__(self, kind, attribute, keys, *, parent=None, urn=None):
        self.kind = kind
        self.parent = parent
        self.urn = urn
        self.name = attribute["name"]
        self.type = attribute["type"]
        self.many = attribute["multiValued"]
        self.required = attribute["required"]
        self.mutability = attribute["mutability"]
        self.returned = attribute["returned"]
        self.exact = attribute.get("caseExact", False)
        self.uniqueness = attribute.get("uniqueness", "none")
        self.canonical = attribute.get("canonicalValues", [])
        self.refers = attribute.get("referenceTypes", [])
        self.keys = keys
        self.subs = [
            Leaf(kind, sub, [*keys, sub["name"]], parent=self, urn=urn) for sub in attribute.get("subAttributes", [])
        ]

    def __repr__(self):
        return f"{self.kind.name}: {self.path}"

    @property
    def path(self):
        name = f"{self.parent.name}.{self.name}" if self.parent else self.name
        return f"{self.urn}:{name}" if self.urn else name

    @property
    def writable(self):
        return self.mutability != "readOnly" and (self.parent is None or self.parent.mutability != "readOnly")

    def sub(self, name):
        return next((sub for sub in self.subs if sub.name == name), None)

    def holders(self, document):
        """The objects of a representation that hold it, or could."""
        held = [document]
        for key in self.keys[:-1]:
            held = [one.get(key) for one in held if isinstance(one, dict)]
            held = [item for one in held for item in (one if isinstance(one, list) else [one])]
        return [one for one in held if isinstance(one, dict)]

    def of(self, document):
        """All its values in a representation."""
        held = [one.get(self.name) for one in self.holders(document)]
        held = [item for one in held for item in (one if isinstance(one, list) else [one])]
        return [one for one in held if one is not None]


class Kind:
    """A resource type as it is published."""

    def __init__(self, document, schemas):
        self.name = document["name"]
        self.endpoint = document["endpoint"]
        self.schema = document["schema"]
        self.extensions = {each["schema"]: each["required"] for each in document.get("schemaExtensions", [])}
        core = [Leaf(self, attribute, [attribute["name"]]) for attribute in schemas[self.schema]["attributes"]]
        more = [
            Leaf(self, attribute, [urn, attribute["name"]], urn=urn)
            for urn in self.extensions
            for attribute in schemas[urn]["attributes"]
        ]
        self.top = [*core, *more]
        self.leaves = [leaf for top in self.top for leaf in (top, *top.subs)]


class Published:
    """A running server, as its discovery documents have it."""

    def __init__(self, client, base="/scim/v2"):
        self.client = client
        self.base = base
        self.config = client.get(f"{base}/ServiceProviderConfig").json()
        self.schemas = {each["id"]: each for each in client.get(f"{base}/Schemas").json()["Resources"]}
        self.types = client.get(f"{base}/ResourceTypes").json()["Resources"]
        self.kinds = {each["name"]: Kind(each, self.schemas) for each in self.types}
        self._numbers = itertools.count(100)
        self._targets = {}

    # -- bodies ------------------------------------------------------------------------------------------------

    def value(self, leaf, *, full=False):
        """A new value for an attribute, of its type; for several a list."""
        one = self.single(leaf, full=full)
        return [one] if leaf.many else one

    def single(self, leaf, *, full=False):
        n = next(self._numbers)
        if leaf.type == "complex":
            return self.complex(leaf, full=full)
        if leaf.canonical:
            return leaf.canonical[n % len(leaf.canonical)]
        if leaf.type == "reference":
            return f"https://example.com/{n}"
        return {
            "string": f"Name{n}@example.com",
            "boolean": True,
            "integer": n,
            "decimal": n + 0.5,
            "dateTime": f"2026-01-01T00:00:00.{n}Z",
            "binary": f"QUJD{n:04}",
        }[leaf.type]

    def complex(self, leaf, *, full):
        """An object of sub-attributes: the required ones, or all; what refers to a resource refers to one."""
        subs = [sub for sub in leaf.subs if sub.writable and (full or sub.required)]
        reference = leaf.sub("$ref")
        found = {sub.name: self.value(sub) for sub in subs if sub is not reference and sub.name != "display"}
        types = [self.kinds[name] for name in (reference.refers if reference else ()) if name in self.kinds]
        if types and leaf.sub("value") is not None:
            target = self.target(types[0])
            found |= {"value": target["id"]} | ({"$ref": target["meta"]["location"]} if reference.writable else {})
            if leaf.sub("type") is not None and "type" in found:
                found["type"] = types[0].name
        elif not found and leaf.subs:
            first = next(sub for sub in leaf.subs if sub.writable and sub.type != "boolean")
            found[first.name] = self.value(first)
        return found

    def target(self, kind):
        """A new resource, for others to refer to."""
        return self.create(kind, self.body(kind))

    def body(self, kind, *, full=False, also=()):
        """A representation: what is required, or everything; ``also`` these attributes."""
        body = {"schemas": [kind.schema]}
        wanted = {leaf.parent or leaf for leaf in also}
        in_use = {urn for urn, required in kind.extensions.items() if required} | {leaf.urn for leaf in wanted}
        for leaf in kind.top:
            if not leaf.writable or (leaf.urn and leaf.urn not in in_use and not full):
                continue
            if leaf.required or full or leaf in wanted:
                holder = body if leaf.urn is None else body.setdefault(leaf.urn, {})
                holder[leaf.name] = self.value(leaf, full=full or leaf in wanted)
        body["schemas"] += [urn for urn in kind.extensions if urn in body]
        return body

    # -- requests ----------------------------------------------------------------------------------------------

    def url(self, kind, id_=None):
        return self.base + kind.endpoint + (f"/{id_}" if id_ is not None else "")

    def post(self, kind, body):
        return self.client.post(self.url(kind), json=body)

    def create(self, kind, body):
        answer = self.post(kind, body)
        assert answer.status_code == 201, (body, answer.text)
        return answer.json()

    def get(self, kind, id_, **parameters):
        answer = self.client.get(self.url(kind, id_), params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def patch(self, kind, id_, *operations):
        return self.client.patch(self.url(kind, id_), json={"schemas": [PATCH_OP], "Operations": list(operations)})

    def bulk(self, operations):
        return self.client.post(f"{self.base}/Bulk", json={"schemas": [BULK], "Operations": operations})

    def found(self, kind, filter_):
        """The ids that a filter finds; None where it is refused."""
        answer = self.client.get(self.url(kind), params={"filter": filter_})
        if answer.status_code != 200:
            return None
        return [each["id"] for each in answer.json()["Resources"]]


def refused(answer, scim_type=None):
    """Whether it is a 400 of that type."""
    return answer.status_code == 400 and (scim_type is None or answer.json().get("scimType") == scim_type)


def swapped(text):
    """A text in another case."""
    return text.swapcase()


def fresh(walk, kind, body):
    """A body again, with new values for what has to be unique."""
    body = json.loads(json.dumps(body))
    for leaf in kind.leaves:
        if leaf.uniqueness != "none":
            for holder in leaf.holders(body):
                if leaf.name in holder:
                    holder[leaf.name] = walk.value(leaf)
    return body
