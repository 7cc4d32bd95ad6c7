"""Plays recorded exchanges of identity providers against a server, and tells what came back otherwise.

A file holds steps; each is a request with ``${variables}`` and what is expected back (see ``load``). What a step
saves, later steps use.
"""

import json
import re
import uuid
from pathlib import Path
from urllib.parse import quote

import httpx

_ABSENT = object()
_PART = re.compile(
    r"\.(?P<key>[^.\[]+)|\['(?P<quoted>[^']*)'\]|\[(?P<all>\*)\]|\[(?P<index>\d+)\]|\[\?(?P<name>[^=]+)==(?P<value>[^\]]*)\]"
)
_TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}
# What may stand unescaped in a query that a step writes out.
_PLAIN = "=&%+,:;@/()[]!$'*~.-_"


class UnsavedError(Exception):
    """A step needs a variable that no step before it has saved."""


def load(name):
    """The exchanges of one provider, as a document with ``steps``."""
    return json.loads(Path(__file__).with_name(f"{name}.json").read_text(encoding="utf-8"))


def play(document, base_url, token, run="run1"):
    """Play all steps in order.

    Returns:
        A list of (step, failures, answer): failures is empty where all came back as expected; the answer is None
        where no request could be made.
    """
    known = {"base": base_url, "run": run, "token": token}
    known |= {name: _filled(value, known) for name, value in document.get("vars", {}).items()}
    told = []
    with httpx.Client(timeout=5, trust_env=False) as client:
        for step in document["steps"]:
            if step.get("unless") in known:
                continue
            for i in range(1, step.get("repeat", 1) + 1):
                known["i"] = i
                try:
                    request = _request(client, step, known, document.get("headers", {}), base_url)
                    expected = _filled(step.get("expect", {}), known)
                except UnsavedError as error:
                    told.append((step, [str(error)], None))
                    continue
                answer = client.send(request)
                failures = differences(expected, answer)
                told.append((step, failures, answer))
                if answer.is_success and answer.content:
                    for name, path in step.get("save", {}).items():
                        if found := find(answer.json(), path):
                            known[name] = found[0]
    return told


def _request(client, step, known, defaults, base_url):
    path = _filled(step["path"], known)
    if "query" in step:
        pairs = (f"{name}={quote(str(_filled(value, known)), safe='')}" for name, value in step["query"].items())
        path += ("&" if "?" in path else "?") + "&".join(pairs)
    elif "?" in path:
        path, _, query = path.partition("?")
        path = f"{path}?{quote(query, safe=_PLAIN)}"
    if "body" in step:
        content = json.dumps(_filled(step["body"], known)).encode()
    else:
        content = _filled(step["rawBody"], known).encode() if "rawBody" in step else None
    headers = httpx.Headers({"Authorization": f"Bearer {known['token']}", "Accept": "application/scim+json"})
    if content is not None:
        headers["Content-Type"] = "application/scim+json"
    for name, value in (*defaults.items(), *step.get("headers", {}).items()):
        headers.pop(name, None)
        if value is not None and (content is not None or name.lower() != "content-type"):
            headers[name] = _filled(value, known)
    return client.build_request(step["method"], base_url + path, headers=headers, content=content)


def _filled(value, known):
    """A value with its variables replaced, at every depth."""
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\}", lambda found: _variable(found[1], known), value)
    if isinstance(value, list):
        return [_filled(item, known) for item in value]
    if isinstance(value, dict):
        return {_filled(name, known): _filled(item, known) for name, item in value.items()}
    return value


def _variable(name, known):
    if name == "uuid":
        return str(uuid.uuid4())
    if name not in known:
        raise UnsavedError(f"{name} was not saved by a step before")
    return str(known[name])


def differences(expected, answer):
    """In what an answer differs from what was expected: words, none where it does not."""
    wanted = expected.get("status")
    if wanted is not None and answer.status_code not in (wanted if isinstance(wanted, list) else [wanted]):
        return [f"status {answer.status_code}, not {wanted}: {answer.text[:300]}"]
    found = [
        f"header {name}: {answer.headers.get(name)!r} lacks {value!r}"
        for name, value in expected.get("headers", {}).items()
        if value.lower() not in answer.headers.get(name, "").lower()
    ]
    if not answer.content:
        return [*found, "empty body"] if expected.get("bodyRequired") else found
    try:
        document = answer.json()
    except ValueError:
        return [*found, f"no JSON: {answer.text[:100]}"]
    if "body" in expected:
        found += contained(expected["body"], document)
    return found + [words for assertion in expected.get("json", []) for words in judged(assertion, document)]


def contained(expected, got, place="$"):
    """Is one document within another? Objects by key, arrays in any order; words on the first difference."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for name, value in expected.items():
            if name not in got:
                return [f"{place}.{name} is missing"]
            if found := contained(value, got[name], f"{place}.{name}"):
                return found
        return []
    if isinstance(expected, list) and isinstance(got, list):
        return [
            f"{place}[{index}]: nothing matches {value!r:.100}"
            for index, value in enumerate(expected)
            if all(contained(value, item) for item in got)
        ][:1]
    if expected != got or isinstance(expected, bool) != isinstance(got, bool):
        return [f"{place}: {got!r:.100} instead of {expected!r:.100}"]
    return []


def find(document, path):
    """All that a JSONPath leads to: keys, ['keys'], [n], [*] and [?key==value]."""
    found = [document]
    for part in _PART.finditer(path.removeprefix("$")):
        key = part["key"] or part["quoted"]
        following = []
        for item in found:
            if key is not None and isinstance(item, dict) and key in item:
                following.append(item[key])
            elif isinstance(item, list):
                if part["all"]:
                    following += item
                elif part["index"] and int(part["index"]) < len(item):
                    following.append(item[int(part["index"])])
                elif part["name"]:
                    name, value = part["name"].strip(), part["value"].strip().strip("'\"").lower()
                    following += [
                        each for each in item if isinstance(each, dict) and str(each.get(name)).lower() == value
                    ]
        found = following
    return found


def judged(assertion, document):
    """Whether one assertion holds: no words, or why it does not."""
    found = find(document, assertion["path"])
    got = found[0] if found else _ABSENT
    op, wanted = assertion.get("op", "equals"), assertion.get("value")
    if _holds(op, got, found, wanted):
        return []
    return [f"{assertion['path']} {op} {wanted!r}: {'nothing' if got is _ABSENT else repr(got)[:120]}"]


def _holds(op, got, found, wanted):
    if op == "absent":
        return got is _ABSENT
    if op == "empty_or_absent":
        return all(item in (None, "", [], {}) for item in found)
    if op == "count":
        return len(found) == wanted
    if op in ("contains", "not_contains"):
        within = wanted in found or (isinstance(got, list | str) and wanted in got)
        return within == (op == "contains")
    if got is _ABSENT:
        return op == "maxlen"
    sized = len(got) if isinstance(got, list | str) else -1
    return {
        "equals": lambda: got == wanted and isinstance(got, bool) == isinstance(wanted, bool),
        "iequals": lambda: str(got).lower() == str(wanted).lower(),
        "exists": lambda: got is not None,
        "type": lambda: isinstance(got, _TYPES[wanted]) and not (wanted == "integer" and isinstance(got, bool)),
        "len": lambda: sized == wanted,
        "minlen": lambda: sized >= wanted,
        "maxlen": lambda: 0 <= sized <= wanted,
        "in": lambda: got in wanted,
        "startswith": lambda: isinstance(got, str) and got.startswith(wanted),
        "min": lambda: isinstance(got, int) and got >= wanted,
        "matches": lambda: isinstance(got, str) and re.search(wanted, got) is not None,
    }[op]()
