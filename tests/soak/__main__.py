"""The soak: ``python -m tests.soak`` (see README.md beside this file)."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from tests.soak.run import CONNECTIONS, Report, run


def show(report: Report) -> None:
    """Print what came of it."""
    print(
        f"\n{report.requests:,} requests in {report.minutes:g} minutes over {CONNECTIONS} connections: "
        f"{report.per_second:,} a second, {report.cpu_us:.0f} µs of the server's CPU each\n"
        f"{report.changes:,} changes, {report.doubts:,} requests in doubt that the history settled, "
        f"{report.counted:,} increments with If-Match, {report.resources:,} resources at the end\n"
        f"faults that struck: {', '.join(f'{name} {hits:,}' for name, hits in report.faults.items())}\n"
        f"{', '.join(f'{name} {number:,}' for name, number in report.journal.items())}\n"
        f"memory in MiB: {' '.join(f'{one:.0f}' for one in report.rss_mib)}\n"
        f"memory of the last quarter against the second: {report.growth:.3f}"
    )
    for failure in report.failures:
        print(f"FAILED: {failure}")
    if not report.failures:
        print("All held: no leak, no lost update, the store as its clients know it, no 5xx, nothing on standard error.")


def main() -> None:
    """Run it; exit 1 when something did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    minutes = float(os.environ.get("MOCKSCIM_SOAK_MINUTES", "60"))
    parser.add_argument("--minutes", type=float, default=minutes, help="how long (MOCKSCIM_SOAK_MINUTES, else 60)")
    parser.add_argument("--rate", type=float, default=500.0, help="requests a second at most; 0 for as many as can be")
    parser.add_argument("--seed", type=int, default=1, help="of what the clients do")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the report to a file as well")
    options = parser.parse_args()
    report = run(options.minutes, rate=options.rate, seed=options.seed, say=lambda text: print(text, flush=True))
    show(report)
    if options.json is not None:
        options.json.write_text(json.dumps(report.document(), indent=2) + "\n", encoding="utf-8")
    sys.exit(bool(report.failures))


if __name__ == "__main__":
    main()
