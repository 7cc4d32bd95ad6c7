"""Clients in other languages with nothing but their standard libraries, as far as this machine has these languages."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from edge import TOKEN

SESSIONS = {"node": "session.mjs", "java": "Session.java"}


@pytest.mark.parametrize("language", [name for name in SESSIONS if shutil.which(name)])
def test_session(serve, language):
    """A session of discovery, writes, conditions, queries, Bulk and many requests at once goes as it should."""
    server = serve(fixture=None)
    script = Path(__file__).with_name("clients") / SESSIONS[language]
    direct = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(
        [language, script, f"{server.root}/scim/v2", TOKEN], capture_output=True, text=True, timeout=60, env=direct
    )
    assert (done.stdout.strip(), done.returncode) == ("ok", 0), done.stderr
