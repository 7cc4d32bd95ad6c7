"""The packages of the peer on Node.js, in a cache of the user's and not in the repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

PACKAGES = {"express": "^5", "scimmy": "^1", "scimmy-routers": "^1"}
_SCRIPT = Path(__file__).with_name("express.mjs")
_INSTALLING = 180.0


class NotHereError(Exception):
    """The peer cannot be had; the text says why."""


def ready() -> list[str]:
    """The command that starts the peer, its packages installed.

    Raises:
        NotHereError: there is no Node.js, no npm, or no package.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NotHereError("node and npm are not installed")
    folder = cache() / "scimmy"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = json.dumps({"private": True, "type": "module", "dependencies": PACKAGES}, indent=2)
    manifest, done = folder / "package.json", folder / "node_modules" / ".done"
    if not done.exists() or not manifest.exists() or manifest.read_text() != wanted:
        manifest.write_text(wanted)
        _install(npm, folder)
        done.touch()
    # Beside its packages, where Node.js looks for them.
    shutil.copy(_SCRIPT, folder / _SCRIPT.name)
    return [node, str(folder / _SCRIPT.name)]


def cache() -> Path:
    """Where the benchmark keeps what it has fetched."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mockscim-benchmark"


def version() -> str:
    """Of scimmy-routers, once it is there."""
    found = json.loads((cache() / "scimmy" / "node_modules" / "scimmy-routers" / "package.json").read_text())
    return str(found["version"])


def _install(npm: str, folder: Path) -> None:
    command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_INSTALLING)
    except subprocess.TimeoutExpired:
        raise NotHereError(f"npm install took more than {_INSTALLING:.0f} s") from None
    if done.returncode:
        raise NotHereError(f"npm install failed: {' '.join(done.stderr.split())[:200]}")
