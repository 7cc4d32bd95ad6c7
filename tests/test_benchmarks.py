"""The benchmark runs: that it is fast is for it to say, that it works is for the suite."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks import page
from tests.benchmarks.curves import Curve, table
from tests.benchmarks.report import markdown

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the benchmark reads /proc")
ROOT = Path(__file__).resolve().parent.parent


def test_a_case_is_compared_with_the_bare_handler_and_the_table_says_so(tmp_path):
    """The quick run of one case prints its row, and writes the figures."""
    found = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "--quick", "--only", "get", "--json", str(found)],
        cwd=ROOT,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"GET by id" in done.stdout
    assert found.exists()


@pytest.mark.parametrize(("exponent", "said"), [(0.0, "+0.000"), (1.0, "+1.000"), (-0.5, "-0.500")])
def test_a_slope_is_the_exponent_of_the_cost(exponent, said):
    """A cost that grows as a power of what there is has that power as its slope, and the table shows it."""
    curve = Curve("GET", "users", [(size, 7.0 * size**exponent) for size in (10, 1_000, 50_000)])
    assert curve.slope == pytest.approx(exponent)
    assert table([curve])[1][-1] == said


def test_the_page_says_what_was_reached_and_what_was_missed(tmp_path):
    """Goals stand beside the figures, whichever way they went; the tables are Markdown's."""
    row = {"case": "get", "title": "GET by id", "bytes": 607, "target": 1.5, "ratio": 1.6}
    row |= {"mockscim": {"cpu_us": 30.0}, "bare": {"cpu_us": 48.0}, "slow": {"cpu_us": 900.0}, "peers": {"slow": 30.0}}
    sizes = {"users": 1000, "members": 10, "peer": 5, "node": 5, "loop": "asyncio"}
    result = {"python": "3.11", "versions": {"aiohttp": "3"}, "load": 0.1, "sizes": sizes, "cases": [row]}
    result |= {"member_growth": 1.5, "fixture": {"fixture_ms": 1.0, "import_ms": 9.0}}
    page.write(tmp_path, result)
    text = (tmp_path / "performance.md").read_text(encoding="utf-8")
    assert "| GET by id | 607 | 30.0 | 48.0 | 900 | 1.60 | 1.5 reached | 30 |" in text
    assert "member add at 10 against 10: 1.50 (at most 1.1: MISSED)" in text
    assert "1.0 ms a test (at most 5: reached)" in text
    assert "9.0 ms (at most 5: MISSED)" in text
    assert markdown([["a", "b"], ["1", "2"]]) == "| a | b |\n| --- | ---: |\n| 1 | 2 |"


def test_many_users_are_measured_in_every_way():
    """Loading, searching, paging and going back: each prints its figures."""
    for part in ("loading", "scans", "paging", "life"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.sizes", part, "2000"], cwd=ROOT, capture_output=True, timeout=60
        )
        assert done.returncode == 0, done.stderr.decode()
        assert json.loads(done.stdout)
