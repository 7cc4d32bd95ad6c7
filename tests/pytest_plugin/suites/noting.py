"""A plugin that notes what is reported of failures: one JSON object a line in noted.jsonl."""

import json
import os
from pathlib import Path


def pytest_runtest_logreport(report):
    """Where xdist brings together what its workers report."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        name = report.nodeid.partition("::")[2]
        noted = {"name": name, "when": report.when, "text": str(report.longrepr), "sections": report.sections}
        with Path("noted.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(noted) + "\n")
