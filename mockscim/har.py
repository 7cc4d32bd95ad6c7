"""The journal in other people's formats: HTTP Archive 1.2, and curl commands."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from mockscim.version import __version__

# What curl adds by itself, or must not repeat.
_CURL_LEAVES = frozenset({"host", "content-length", "accept-encoding", "connection", "user-agent"})


def to_har(entries: Iterable[Mapping[str, Any]], base_url: str) -> dict[str, Any]:
    """Journal entries as an HTTP Archive, which browsers and proxies open.

    Args:
        entries: journal entries, as the control API gives them.
        base_url: the base URL, for absolute addresses.
    """
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "mockscim", "version": __version__},
            "entries": [_har_entry(entry, base_url) for entry in entries],
        }
    }


def _har_entry(entry: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    response = entry["response"] or {"status": 0, "headers": {}, "body": None}
    request = entry["request"]
    text = _text(response["body"])
    sent = _text(request["body"])
    har: dict[str, Any] = {
        "startedDateTime": entry["time"],
        "time": entry["duration_ms"],
        "connection": str(entry["connection"]),
        "request": {
            "method": entry["method"],
            "url": _url(entry, base_url),
            "httpVersion": "HTTP/1.1",
            "headers": _pairs(request["headers"]),
            "queryString": [
                {"name": name, "value": value}
                for name, _, value in (part.partition("=") for part in entry["query"].split("&") if part)
            ],
            "cookies": [],
            "headersSize": -1,
            "bodySize": len(sent.encode()),
        },
        "response": {
            "status": response["status"],
            "statusText": "" if response["status"] else "(no answer)",
            "httpVersion": "HTTP/1.1",
            "headers": _pairs(response["headers"]),
            "cookies": [],
            "content": {"size": len(text.encode()), "mimeType": _type(response["headers"]), "text": text},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": len(text.encode()),
        },
        "cache": {},
        "timings": {"send": 0, "wait": entry["duration_ms"], "receive": 0},
        "_operation": entry["operation"],
        "_committed": entry["committed"],
        "_faults": entry["faults"],
    }
    if sent:
        har["request"]["postData"] = {"mimeType": _type(request["headers"]), "text": sent}
    return har


def to_curl(entry: Mapping[str, Any], base_url: str) -> str:
    """A journal entry as a curl command; the token, which the journal does not know, is ``$TOKEN``."""
    method = ["-I"] if entry["method"] == "HEAD" else ["-X", entry["method"]]
    parts = ["curl", *method, shlex.quote(_url(entry, base_url))]
    for name, value in entry["request"]["headers"].items():
        if name.lower() == "authorization":
            parts += ["-H", f'"{name}: {value.split(" ", 1)[0]} $TOKEN"']
        elif name.lower() not in _CURL_LEAVES:
            parts += ["-H", shlex.quote(f"{name}: {value}")]
    body = _text(entry["request"]["body"])
    if body:
        parts += ["--data-raw", shlex.quote(body)]  # which takes a body that begins with @ as it is
    return " ".join(parts)


def _url(entry: Mapping[str, Any], base_url: str) -> str:
    parts = urlsplit(base_url)
    if entry["operation"] == "token.create":  # beside what is below the base URL
        parts = parts._replace(path=parts.path.removesuffix("/scim/v2"))
    path = quote(entry["path"], safe="/:@!$&'()*+,;=")
    query = f"?{entry['query']}" if entry["query"] else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}{path}{query}"


def _text(body: Any) -> str:  # noqa: ANN401
    if body is None:
        return ""
    return body if isinstance(body, str) else orjson.dumps(body).decode()


def _pairs(headers: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.items()]


def _type(headers: Mapping[str, str]) -> str:
    return next((value for name, value in headers.items() if name.lower() == "content-type"), "")
