"""A client of the standard library for the suites that are run inside ours."""

import json
import urllib.error
import urllib.request

USER = "urn:ietf:params:scim:schemas:core:2.0:User"


def send(scim, method, path, body=None, *, token=None, base_url=None):
    """The status of an answer, and its body parsed."""
    headers = {"Authorization": f"Bearer {token or scim.token}", "Content-Type": "application/scim+json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request((base_url or scim.base_url) + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
            return answer.status, json.loads(content) if content else None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def create(scim, name, **keywords):
    """POST a user; the status."""
    return send(scim, "POST", "/Users", {"schemas": [USER], "userName": name}, **keywords)[0]
