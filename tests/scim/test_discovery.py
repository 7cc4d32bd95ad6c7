"""Discovery (RFC 7644 §4): what is published is what is done."""

from __future__ import annotations

from typing import Any

import pytest
from devices import DEVICE, RACK, registry
from provider import BASE, ENTERPRISE, Provider

from mockscim.scim import urns
from mockscim.scim.schema import Registry


def test_the_resource_types_are_where_they_say() -> None:
    """Each endpoint published answers, and creates what the schema published describes."""
    provider = Provider(registry=registry())
    listed = provider.get("/ResourceTypes")
    assert listed["totalResults"] == listed["itemsPerPage"] == len(listed["Resources"]) == 3
    for kind in listed["Resources"]:
        assert kind["schemas"] == [urns.RESOURCE_TYPE]
        assert kind["meta"]["location"] == f"{BASE}/ResourceTypes/{kind['id']}"
        assert provider.get(f"/ResourceTypes/{kind['id']}").document == kind
        assert provider.get(kind["endpoint"]).status == 200
        schema = provider.get(f"/Schemas/{kind['schema']}")
        required = {a["name"]: "x" for a in schema["attributes"] if a["required"] and a["mutability"] != "readOnly"}
        assert provider.ask("POST", kind["endpoint"], {"schemas": [kind["schema"]], **required}).status == 201


def test_the_schemas_are_those_in_use() -> None:
    """Those of the resource types with their extensions, and the discovery documents' own; each by its URN."""
    provider = Provider(registry=registry())
    found = {schema["id"]: schema for schema in provider.get("/Schemas")["Resources"]}
    assert set(found) == {
        urns.USER,
        urns.GROUP,
        DEVICE,
        RACK,
        urns.SCHEMA,
        urns.RESOURCE_TYPE,
        urns.SERVICE_PROVIDER_CONFIG,
    }
    for urn, schema in found.items():
        assert schema["schemas"] == [urns.SCHEMA]
        assert provider.get(f"/Schemas/{urn}").document == schema
        assert provider.get(f"/Schemas/{urn.upper()}").document == schema


def test_published_schemas_load_to_the_same_behaviour() -> None:
    """A registry made from what a provider publishes publishes the same."""
    provider = Provider(registry=registry())
    schemas = provider.get("/Schemas")["Resources"]
    types = provider.get("/ResourceTypes")["Resources"]
    again = Provider(registry=Registry.from_documents(schemas, types))
    assert again.get("/Schemas").document == provider.get("/Schemas").document
    assert again.get("/ResourceTypes").document == provider.get("/ResourceTypes").document


def test_discovery_documents_fit_their_own_schemas() -> None:
    """Every attribute they carry is in the schema they name, with its type; every required one is there."""
    provider = Provider()
    schemas = {schema["id"]: schema for schema in provider.get("/Schemas")["Resources"]}

    def check(document: dict[str, Any], attributes: list[dict[str, Any]], where: str) -> None:
        known = {attribute["name"]: attribute for attribute in attributes}
        if where.endswith(".attributes.subAttributes"):
            # The RFC's schema of schemas describes two levels and has three itself (RFC 7643 §8.7.2).
            document = {name: value for name, value in document.items() if name != "subAttributes"}
        assert set(document) <= set(known), where
        for name, attribute in known.items():
            assert not attribute["required"] or name in document, f"{where}.{name}"
            if name in document:
                value = document[name]
                assert isinstance(value, list) == attribute["multiValued"], f"{where}.{name}"
                for item in value if isinstance(value, list) else [value]:
                    if attribute["type"] == "complex":
                        check(item, attribute["subAttributes"], f"{where}.{name}")
                    else:
                        kind = {"boolean": bool, "integer": int}.get(attribute["type"], str)
                        assert type(item) is kind, f"{where}.{name}"

    documents = [provider.get("/ServiceProviderConfig").document]
    documents += provider.get("/ResourceTypes")["Resources"]
    documents += provider.get("/Schemas")["Resources"]
    for document in documents:
        schema = schemas[document["schemas"][0]]
        body = {name: value for name, value in document.items() if name not in ("schemas", "meta")}
        common = [] if any(a["name"] == "id" for a in schema["attributes"]) else [{"name": "id", "type": "string"}]
        known = [{"required": False, "multiValued": False, **attribute} for attribute in common]
        check(body, schema["attributes"] + known, str(document.get("id")))


@pytest.mark.parametrize("etag", [True, False])
@pytest.mark.parametrize("sort", [True, False])
@pytest.mark.parametrize("most", [None, 2])
def test_the_configuration_agrees_with_what_is_done(etag: bool, sort: bool, most: int | None) -> None:
    """patch, bulk, filter, sort, etag and changePassword say what a request would find."""
    provider = Provider(etag=etag, sort=sort, max_results=most)
    config = provider.get("/ServiceProviderConfig")
    for n in range(3):
        provider.user(f"u{n}")
    assert config["patch"]["supported"] is True
    assert provider.patch("/Users/id-1", {"op": "add", "path": "title", "value": "T"}).status == 200
    assert config["bulk"]["supported"] is (provider.ask("POST", "/Bulk", {}).status != 501)
    assert config["filter"]["supported"] is True
    assert len(provider.get("/Users").ids) <= config["filter"]["maxResults"]
    assert config["sort"]["supported"] is sort is (provider.get("/Users", sortBy="userName").status == 200)
    assert config["etag"]["supported"] is etag is ("ETag" in provider.get("/Users/id-1").headers)
    assert config["changePassword"]["supported"] is True
    assert provider.patch("/Users/id-1", {"op": "add", "path": "password", "value": "p"}).status == 200
    assert config["authenticationSchemes"][0]["type"] == "oauthbearertoken"


@pytest.mark.parametrize("path", ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas", f"/Schemas/{urns.USER}"])
def test_a_filter_is_forbidden(path: str) -> None:
    """RFC 7644 §4: 403; paging and the rest are ignored, and any case of the endpoint will do."""
    provider = Provider()
    assert provider.get(path, filter='id eq "x"').error == (403, None)
    assert provider.get(path, count="0", sortBy="x").document == provider.get(path).document
    endpoint, _, rest = path[1:].partition("/")
    assert provider.get(f"/{endpoint.lower()}{'/' + rest if rest else ''}").document == provider.get(path).document


def test_what_a_schema_says_of_an_attribute_holds() -> None:
    """readOnly, writeOnly, required, unique and caseExact as published for User."""
    provider = Provider()
    attributes = {a["name"]: a for a in provider.get(f"/Schemas/{urns.USER}")["attributes"]}
    assert attributes["groups"]["mutability"] == "readOnly"
    assert attributes["password"]["returned"] == "never"
    assert attributes["userName"]["required"]
    assert attributes["userName"]["uniqueness"] == "server"
    assert not attributes["userName"]["caseExact"]
    assert {a["name"] for a in provider.get(f"/Schemas/{ENTERPRISE}")["attributes"]} == {
        "employeeNumber",
        "costCenter",
        "organization",
        "division",
        "department",
        "manager",
    }
