"""A nightly script: python nightly.py PEOPLE.json; SCIM_URL and SCIM_TOKEN say where to. Exit code 1: not all was done.

It reads all users, makes those that are missing and deactivates those that have left; prints what it did as JSON.
"""

import json
import os
import sys
from pathlib import Path

import requests

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
TRIES = 3


def main(people):
    """Bring the server's users to the names in ``people``."""
    url = os.environ["SCIM_URL"]
    session = requests.Session()
    session.headers.update(
        {"Authorization": f"Bearer {os.environ['SCIM_TOKEN']}", "Content-Type": "application/scim+json"}
    )
    done = {"made": [], "deactivated": []}
    for _ in range(TRIES):
        try:
            there = users(session, url)
            for name in [name for name in people if name not in there]:
                post(session, f"{url}/Users", {"schemas": [USER], "userName": name, "active": True})
                done["made"].append(name)
            for name in [name for name, user in there.items() if name not in people and user.get("active", True)]:
                deactivation = [{"op": "replace", "value": {"active": False}}]
                patch = {"schemas": [PATCH], "Operations": deactivation}
                session.patch(f"{url}/Users/{there[name]['id']}", json=patch, timeout=2).raise_for_status()
                done["deactivated"].append(name)
        except requests.RequestException as error:
            print(error, file=sys.stderr)  # and look again what is there
        else:
            print(json.dumps(done))
            return 0
    return 1


def users(session, url):
    """All users by their userName, page by page."""
    found, start = {}, 1
    while True:
        answer = session.get(f"{url}/Users", params={"startIndex": start, "count": 100}, timeout=2)
        answer.raise_for_status()
        page = answer.json()
        found |= {user["userName"]: user for user in page.get("Resources", [])}
        start += page.get("itemsPerPage", 0)
        if not page.get("Resources") or start > page["totalResults"]:
            return found


def post(session, url, body):
    """Make a user."""
    session.post(url, json=body, timeout=2).raise_for_status()


if __name__ == "__main__":
    sys.exit(main(json.loads(Path(sys.argv[1]).read_text())))
