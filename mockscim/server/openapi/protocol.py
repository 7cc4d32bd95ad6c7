"""The operations of SCIM (RFC 7644 §3, §4) as this tenant's service routes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mockscim.scim.discovery import service_provider_config
from mockscim.scim.errors import ScimError
from mockscim.scim.schema import ResourceType, definition
from mockscim.scim.urns import RESOURCE_TYPE, SCHEMA, SERVICE_PROVIDER_CONFIG
from mockscim.server.address import SCIM, TOKEN
from mockscim.server.openapi import messages, oauth, resources
from mockscim.server.openapi.parts import Document, Parts, answer, content, reference
from mockscim.tenant import Tenant

Answers = dict[int, Document]
# RFC 7643 §5's names to those by which the description refers to them.
_SCHEMES = {"oauthbearertoken": "bearer", "httpbasic": "basic", "oauth2": "oauth2"}

_JSON = "application/json"
_ID = {"type": "string", "minLength": 1, "pattern": "^[^/]+$"}
# RFC 9110 §13.1.1: *, or a list of versions.
_VERSIONS = {"type": "string", "format": "entity-tags", "examples": ['W/"1"']}
_REFUSALS = {
    304: "Not modified since the version that If-None-Match names",
    400: "The request is malformed, or asks for what cannot be",
    401: "The token of this server is missing or wrong",
    403: "The credentials do not reach so far, or discovery was to be filtered (RFC 7644 §4)",
    404: "There is no such resource",
    409: "A value that has to be unique is taken",
    412: "The resource has another version than If-Match names",
    413: "The body is too large",
    501: "The request is nobody's: its credentials are bound to no user",
    415: "The body is neither application/scim+json nor application/json",
}
_DISCOVERED = {
    "/ServiceProviderConfig": SERVICE_PROVIDER_CONFIG,
    "/ResourceTypes": RESOURCE_TYPE,
    "/Schemas": SCHEMA,
}
_WRITES = {
    "create": (201, [400, 409, 413, 415]),
    "replace": (200, [400, 404, 409, 412, 413, 415]),
    "patch": (200, [400, 404, 409, 412, 413, 415]),
}


def paths(tenant: Tenant, base: str, parts: Parts, *, auth: bool) -> Document:
    """The paths below ``/scim/v2``; what they refer to goes into ``parts``."""
    return _Protocol(tenant, base, parts, auth=auth).paths()


class _Protocol:
    """Describes one tenant's SCIM."""

    def __init__(self, tenant: Tenant, base: str, parts: Parts, *, auth: bool) -> None:
        self.tenant = tenant
        self.parts = parts
        self.base = base
        self.policy = tenant.policy
        self.types = list(tenant.registry.types.values())
        self.config = service_provider_config(tenant.policy, tenant.registry, base)
        self.cursors = bool(self.config.get("pagination", {}).get("cursor"))
        self.media = [tenant.start.profile.media_type, _JSON]
        self.security = self._security() if auth else []
        self.found: Document = {}

    def paths(self) -> Document:
        self.parts.name("message.Error", messages.error())
        self.parts.name("message.PatchOp", messages.patch_op())
        self.parts.name("message.SearchRequest", messages.search_request(self._query_names()))
        for kind in self.types:
            self._type(kind)
        everything = self._listed("message.any", {"anyOf": [reference(kind.name) for kind in self.types]})
        self._list("", "root", "all resource types", everything)
        self._bulk()
        self._me()
        for urn in _DISCOVERED.values():
            self._discovery(urn)
        found = {SCIM + path: operations for path, operations in self.found.items()}
        return found | oauth.paths(self.parts) if "oauth2" in self.parts.security else found

    def _security(self) -> list[Document]:
        """How a client shows who it is, as ServiceProviderConfig tells (RFC 7643 §5): any one of them will do."""
        found: list[Document] = []
        for scheme in self.config["authenticationSchemes"]:
            name = _SCHEMES[scheme["type"]]
            document: Document = {"type": "http", "scheme": name, "description": scheme["description"]}
            if name == "oauth2":
                flow = {"tokenUrl": self.base.removesuffix(SCIM) + TOKEN, "scopes": oauth.SCOPES}
                document = {"type": name, "flows": {"clientCredentials": flow}, "description": scheme["description"]}
            self.parts.security[name] = document
            found.append({name: []})
        return found

    # -- resource types ----------------------------------------------------------------------------------------

    def _type(self, kind: ResourceType) -> None:
        self.parts.name(kind.name, resources.resource(kind, "answered"))
        self.parts.name(f"{kind.name}.sent", resources.resource(kind, "sent whole" if self._closed(kind) else "sent"))
        self._list(kind.endpoint, kind.resource, kind.name, self._listed(kind.name, reference(kind.name)), kind)
        self._create(kind, kind.endpoint, kind.resource)
        self._one(kind, f"{kind.endpoint}/{{id}}", kind.resource)

    def _create(self, kind: ResourceType, path: str, resource: str) -> None:
        parameters, answers, body = self._write(kind, "create")
        answers[201]["links"] = self._links(kind)
        self._add(path, "POST", f"{resource}.create", f"Make a {kind.name}", parameters, answers, body)

    def _one(self, kind: ResourceType, path: str, resource: str) -> None:
        """What can be done with one resource."""
        got = {200: self._resource(kind, "The resource"), **self._refused(400, 404)}
        if self.policy.etag:
            got[304] = answer(_REFUSALS[304], None, {"ETag": "The version of the resource"})
        parameters = [*self._parameters(messages.PROJECTION), *self._header("If-None-Match")]
        self._add(path, "GET", f"{resource}.get", f"Read a {kind.name}", parameters, got)
        for method, verb, text in (("PUT", "replace", "Replace"), ("PATCH", "patch", "Change")):
            parameters, answers, body = self._write(kind, verb)
            self._add(path, method, f"{resource}.{verb}", f"{text} a {kind.name}", parameters, answers, body)
        gone = {204: answer("It is gone"), **self._refused(404, *([400, 412] if self.policy.etag else []))}
        self._add(path, "DELETE", f"{resource}.delete", f"Delete a {kind.name}", self._header("If-Match"), gone)

    def _closed(self, kind: ResourceType) -> bool:
        """Whether an attribute that the type does not have is refused."""
        return "unknown-attribute" not in self.policy.accepted and not kind.unsupported

    def _write(self, kind: ResourceType, verb: str) -> tuple[list[Document], Answers, Document]:
        """Parameters, answers and body of a write."""
        status, refused = _WRITES[verb]
        schema = reference("message.PatchOp" if verb == "patch" else f"{kind.name}.sent")
        parameters = self._parameters(messages.PROJECTION)
        answers = {status: self._resource(kind, "The resource as it is now")}
        if verb != "create":
            parameters += self._header("If-Match")
        if verb == "patch" and self.policy.patch_answer == "none":
            answers[204] = answer("It is changed; attributes or excludedAttributes ask for the resource")
        kept = [each for each in refused if each != 412 or self.policy.etag]
        body = {"required": True, "content": content(schema, ["application/scim+json", _JSON])}
        return parameters, {**answers, **self._refused(*kept)}, body

    def _resource(self, kind: ResourceType, text: str) -> Document:
        headers = {"Location": "The resource's own address"}
        if self.policy.etag:
            headers["ETag"] = "The version of the resource"
        return answer(text, content(reference(kind.name), self.media), headers)

    @staticmethod
    def _links(kind: ResourceType) -> Document:
        """What can be done with a resource that was just made."""
        verbs = ("get", "replace", "patch", "delete")
        taken = {"id": "$response.body#/id"}
        return {verb: {"operationId": f"{kind.resource}.{verb}", "parameters": taken} for verb in verbs}

    # -- queries -----------------------------------------------------------------------------------------------

    def _listed(self, name: str, items: Document) -> Document:
        return self.parts.name(f"{name}.list", messages.list_response(items, cursors=self.cursors))

    def _list(self, path: str, resource: str, what: str, listed: Document, kind: ResourceType | None = None) -> None:
        """A GET with a query, and the same as POST ``.search``."""
        answers = {200: answer("A page of results", content(listed, self.media)), **self._refused(400)}
        names = self._query_names()
        query = {name: (messages.QUERY | messages.PROJECTION)[name] for name in names}
        if kind is not None and kind.name in self.policy.filterable:
            schema, text = query["filter"]
            query["filter"] = schema, f"{text}; {self._filterable(kind)}"
        self._add(path, "GET", f"{resource}.list", f"Query {what}", self._parameters(query), answers)
        searched = {**answers, **self._refused(413, 415)}
        sent = reference("message.SearchRequest")
        body = {"required": True, "content": content(sent, ["application/scim+json", _JSON])}
        self._add(f"{path}/.search", "POST", f"{resource}.search", f"Query {what} by a body", [], searched, body)

    def _query_names(self) -> list[str]:
        left_out = {name for name in ("sortBy", "sortOrder") if not self.policy.sort}
        left_out |= set() if self.cursors else {"cursor"}
        return [name for name in (*messages.QUERY, *messages.PROJECTION) if name not in left_out]

    def _filterable(self, kind: ResourceType) -> str:
        allowed = self.policy.filterable[kind.name]
        return "only " + ", ".join(f"{path} {'/'.join(sorted(ops))}" for path, ops in sorted(allowed.items()))

    # -- the rest ----------------------------------------------------------------------------------------------

    def _bulk(self) -> None:
        bulk = self.config["bulk"]
        if not bulk["supported"]:
            return
        self.parts.name("message.BulkRequest", messages.bulk_request(bulk["maxOperations"]))
        self.parts.name("message.BulkResponse", messages.bulk_response())
        answers = {
            200: answer("What became of each operation", content(reference("message.BulkResponse"), self.media)),
            **self._refused(400, 413, 415),
        }
        body = {
            "required": True,
            "content": content(reference("message.BulkRequest"), ["application/scim+json", _JSON]),
        }
        self._add("/Bulk", "POST", "bulk.run", "Several requests in one", [], answers, body)

    def _me(self) -> None:
        """The resource of who asks (RFC 7644 §3.11), where there is such a thing."""
        kind = self.tenant.registry.types.get("User")
        if kind is not None:
            self._create(kind, "/Me", "me")
            self._one(kind, "/Me", "me")
        for operation in self.found.get("/Me", {}).values():
            operation["responses"]["501"] = self._refused(501)[501]

    def _discovery(self, urn: str) -> None:
        endpoint = next(path for path, its in _DISCOVERED.items() if its == urn)
        name = endpoint[1:].removesuffix("s") if endpoint != "/ServiceProviderConfig" else endpoint[1:]
        kind = ResourceType(name, endpoint, definition(urn), external_id=False)
        document = resources.resource(kind, "published")
        one = self.parts.name(f"discovery.{name}", document)
        refused = self._refused(403)
        if endpoint == "/ServiceProviderConfig":
            document["required"] = [a.name for a in kind.attributes.values() if a.required and a.name != "id"]
            got = {200: answer("What the provider can do", content(one, self.media)), **refused}
            self._add(endpoint, "GET", "discovery.get.config", "What the provider can do", [], got)
            return
        many = self._listed(f"discovery.{name}", one)
        got = {200: answer(f"All of {endpoint}", content(many, self.media)), **refused}
        self._add(endpoint, "GET", f"discovery.list.{name}", f"All of {endpoint}", [], got)
        got = {200: answer(f"One of {endpoint}", content(one, self.media)), **refused, **self._refused(404)}
        self._add(f"{endpoint}/{{id}}", "GET", f"discovery.get.{name}", f"One of {endpoint}", [], got)

    # -- how an operation is written ---------------------------------------------------------------------------

    def _add(
        self,
        path: str,
        method: str,
        operation: str,
        summary: str,
        parameters: Iterable[Document],
        answers: Answers,
        body: Document | None = None,
    ) -> None:
        """Describe an operation, if the service has it."""
        try:
            self.tenant.service.route(method, path.replace("{id}", "x") or "/", "")
        except ScimError:
            return
        if self.security:
            answers = {**answers, **self._refused(401, 403)}
        document: Document = {
            "operationId": operation,
            "tags": ["SCIM"],
            "summary": summary,
            "security": self.security,
            "responses": {str(status): answers[status] for status in sorted(answers)},
        }
        if parameters:
            document["parameters"] = list(parameters)
        if body is not None:
            document["requestBody"] = body
        operations = self.found.setdefault(path, {})
        if "{id}" in path:
            operations.setdefault("parameters", [{"name": "id", "in": "path", "required": True, "schema": _ID}])
        operations[method.lower()] = document

    def _refused(self, *statuses: int) -> Answers:
        body = content(reference("message.Error"), self.media[:1])
        found = {status: answer(_REFUSALS[status], body) for status in statuses}
        if 401 in found:
            found[401] = answer(_REFUSALS[401], body, {"WWW-Authenticate": "How to authenticate (RFC 6750 §3)"})
        return found

    @staticmethod
    def _parameters(query: Mapping[str, tuple[Document, str]]) -> list[Document]:
        return [
            {"name": name, "in": "query", "description": text, "schema": schema}
            for name, (schema, text) in query.items()
        ]

    def _header(self, name: str) -> list[Document]:
        """A header of conditional requests, where there are versions."""
        if not self.policy.etag:
            return []
        text = "A version that is known"  # and what is none simply does not match
        schema: Document = {"type": "string"}
        if name == "If-Match":
            text, schema = "Versions of which the resource has to have one, or *", _VERSIONS
        return [{"name": name, "in": "header", "description": text, "schema": schema}]
