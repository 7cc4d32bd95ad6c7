"""Where the clean run arrived, as what is desired of another run.

A resource that a run has made has another id in each run: ids follow from the order of creates, and a fault changes
that. So each is told by its name, and where others refer to it, by the id that the resource of that name has now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_NAMES = {"/Users": ("userName", "externalId")}
_OTHER_NAMES = ("displayName", "externalId")
_REFERRING = ("id", "value", "$ref")
_NOBODY = "of-the-clean-run-"
_LEFT_OUT = ("meta", "groups")

Key = tuple[str, str, str]


def ids_of(state: Mapping[str, Any]) -> frozenset[str]:
    """The ids of all resources of a state."""
    return frozenset(resource["id"] for _, resource in _resources(state))


def as_desired(arrived: Mapping[str, Any], now: Mapping[str, Any], lasting: frozenset[str]) -> dict[str, Any]:
    """A fixture document with the resources of ``arrived``, in the ids of ``now``.

    Args:
        arrived: the state after the clean run, as a fixture document.
        now: the state after another run.
        lasting: the ids that were there before the client came: the same in each run.
    """
    here: dict[Key, str] = {}
    for endpoint, resource in _resources(now):
        for key in _keys(endpoint, resource):
            here.setdefault(key, resource["id"])
    ids = {}
    for endpoint, resource in _resources(arrived):
        if resource["id"] in lasting:
            continue
        keys = list(_keys(endpoint, resource))
        found = next((here[key] for key in keys if key in here), None)
        # Another resource may bear the same id by now.
        ids[resource["id"]] = found if found is not None else (_NOBODY if keys else "") + resource["id"]
    lists: dict[str, list[Any]] = {"/Users": [], "/Groups": []}
    for endpoint, resource in _resources(arrived):
        document = {key: value for key, value in resource.items() if key not in _LEFT_OUT}
        lists.setdefault(endpoint, []).append(_in_ids(document, ids))
    return {"users": lists.pop("/Users"), "groups": lists.pop("/Groups"), "resources": lists}


def _resources(state: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for endpoint, key in (("/Users", "users"), ("/Groups", "groups")):
        yield from ((endpoint, resource) for resource in state.get(key, ()))
    for endpoint, listed in state.get("resources", {}).items():
        yield from ((endpoint, resource) for resource in listed)


def _keys(endpoint: str, resource: Mapping[str, Any]) -> Iterator[Key]:
    """The names that a resource goes by, the best first."""
    for name in _NAMES.get(endpoint, _OTHER_NAMES):
        value = resource.get(name)
        if isinstance(value, str) and value:
            yield endpoint, name, value.strip().casefold()


def _in_ids(value: Any, ids: Mapping[str, str], key: str = "") -> Any:  # noqa: ANN401 - a piece of JSON
    """The same with every id in it, alone or at the end of a reference, replaced."""
    if isinstance(value, dict):
        return {name: _in_ids(each, ids, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_in_ids(each, ids, key) for each in value]
    if not isinstance(value, str) or key not in _REFERRING:
        return value
    path, slash, last = value.rpartition("/")
    return f"{path}{slash}{ids[last]}" if last in ids else value
