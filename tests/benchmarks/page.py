"""What a run found, in words and tables: for the terminal, and as docs/performance.md with its picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import latency
from tests.benchmarks.cases import BYTES, GROWTH, PEERS
from tests.benchmarks.curves import Curve, table
from tests.benchmarks.report import markdown, verdict

START, FIXTURE, IMPORT = 1.3, 5.0, 5.0  # times a bare program; ms; ms
SCAN, BESIDE = 1.0, 20.0  # µs a user and clause; ms of the 99th percentile
_INTRODUCTION = """\
# Performance

Written by `make bench`, which measures all of this in one run.
[How it does, and how to read it](../tests/benchmarks/README.md).
"""
_TIMES = "Server CPU in µs a request; *times bare* is how many times as fast as that one it is.\n"
_CURVES = """
## Cost as work grows

![Server CPU a request against users, members of a group, and fault rules](performance.svg)

The server's CPU time for a request, in µs, the journal on. The slope is the exponent that fits best: 0 is the same cost
at any size, 1 twice the cost for twice as much.
"""


def setting(result: dict[str, Any]) -> str:
    """What was run on what."""
    sizes, versions = result["sizes"], result["versions"]
    known = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    return (
        f"Python {result['python']}, {known}; load {result['load']} at the start.\n"
        f"mockscim: {sizes['users']:,} users from an NDJSON fixture, journal and history on, {sizes['loop']}, one "
        f"fault rule that never matches.\nIts peers have fewer users, for they are slow to load or to search: "
        f"scim2-server {sizes['peer']:,}, scimmy-routers {sizes['node']:,}."
    )


def head(peers: Sequence[str]) -> list[str]:
    """The columns of the cases."""
    return [
        f"{'case':<32}",
        " bytes",
        "mockscim µs",
        "bare µs",
        *(f"{name} µs" for name in peers),
        "times bare",
        "   to reach",
        *(f"times {name}" for name in peers),
    ]


def cells(row: dict[str, Any], peers: Sequence[str]) -> list[str]:
    """A case's line."""
    target = row["target"]
    goal = f"{target:.1f} {verdict(reached=row['ratio'] >= target)}" if target is not None else ""
    return [
        row["title"],
        f"{row['bytes']:,}",
        f"{row['mockscim']['cpu_us']:.1f}",
        f"{row['bare']['cpu_us']:.1f}",
        *(f"{row[name]['cpu_us']:,.0f}" if name in row else "-" for name in peers),
        f"{row['ratio']:.2f}",
        goal,
        *(f"{row['peers'][name]:,.0f}" if name in row["peers"] else "-" for name in peers),
    ]


def lines(result: dict[str, Any]) -> Iterator[str]:
    """A sentence for each other figure, with its goal."""
    users, members = result["sizes"]["users"], result["sizes"]["members"]
    for name, least in PEERS.items():
        ratios = [row["peers"][name] for row in result["cases"] if name in row["peers"]]
        if ratios:
            yield f"against {name}: at least {min(ratios):.0f} times as fast{_goal(min(ratios) >= least, f'{least}')}"
    if (growth := result.get("member_growth")) is not None:
        yield f"member add at {members:,} against 10: {growth:.2f}{_goal(growth <= GROWTH, f'at most {GROWTH}')}"
    if (start := result.get("start")) is not None:
        ours, bare, times = start["mockscim_ms"], start["bare_ms"], start["ratio"]
        yield (
            f"process start to first answer: {ours:.0f} ms, a bare aiohttp program {bare:.0f} ms: {times:.2f}"
            f"{_goal(times <= START, f'at most {START}')}; by CPU time {start['ratio_cpu']:.2f}"
        )
    if (found := result.get("fixture")) is not None:
        each, once = found["fixture_ms"], found["import_ms"]
        yield f"the fixture scim, start and stop: {each:.1f} ms a test{_goal(each <= FIXTURE, f'at most {FIXTURE:g}')}"
        yield f"the pytest plugin, imported and not used: {once:.1f} ms{_goal(once <= IMPORT, f'at most {IMPORT:g}')}"
    if (found := result.get("latency")) is not None:
        near = abs(found["client"] - latency.ASKED) <= latency.OFF
        yield (
            f"a latency of {latency.ASKED:g} ms, {latency.TOGETHER} connections: median {found['client']:.1f} ms"
            f"{_goal(near, f'{latency.OFF:g} ms off at most')}, 99 % within {found['client_p99']:.1f} ms; "
            f"all at once: median {found['journal']:.1f} ms, 99 % within {found['journal_p99']:.1f} ms"
        )
    if (scale := result.get("scale")) is not None:
        yield from _scale(scale, users)


def _scale(scale: dict[str, Any], users: int) -> Iterator[str]:
    """What is done with many users at once: loading, searching, paging, going back."""
    tenant, barest = scale["loading"]["tenant"], scale["loading"]["barest"]
    yield (
        f"{users:,} users from NDJSON: {tenant['cpu_s']:.1f} s of CPU, {tenant['bytes']:,} bytes a user"
        f"{_goal(tenant['bytes'] <= BYTES, f'at most {BYTES:,}')}; "
        f"the barest store of bytes with an index: {barest['cpu_s']:.1f} s, {barest['bytes']:,} bytes"
    )
    for text, found in scale["scans"].items():
        each = found["us"] / found["clauses"]
        yield f"scan for `{text}`: {each:.2f} µs a user and clause{_goal(each <= SCAN, f'at most {SCAN:g}')}"
    alone, beside = scale["beside"]["alone"], scale["beside"]["searching"]
    yield (
        f"GET while {scale['beside']['at_once']} searches go on: 99 % within {beside['p99_ms']:.1f} ms"
        f"{_goal(beside['p99_ms'] < BESIDE, f'less than {BESIDE:g}')}, median {beside['median_ms']:.2f} ms; "
        f"alone {alone['p99_ms']:.1f} and {alone['median_ms']:.2f} ms"
    )
    for way, found in scale["paging"].items():
        yield (
            f"page of 100 of {found['total']:,}, by {way}: {found['first_ms']:.3f} ms the first, "
            f"{found['last_ms']:.3f} ms the last"
        )
    life = scale["life"]
    yield (
        f"at {users:,} users a snapshot takes {life['snapshot_ms']:.2f} ms, a reset {life['reset_ms']:.2f} ms, "
        f"and {life['reset_1000_ms']:.1f} ms after 1,000 changes"
    )


def _goal(reached: bool, goal: str) -> str:
    return f" ({goal}: {verdict(reached=reached)})"


def write(folder: Path, result: dict[str, Any]) -> None:
    """Write the page and, where there are curves, their picture."""
    parts = [_INTRODUCTION, setting(result).replace("\n", " ")]
    if result["cases"]:
        peers = list(result["cases"][0]["peers"])
        found = (head(peers), *(cells(row, peers) for row in result["cases"]))
        rows = [[cell.strip() for cell in line] for line in found]
        parts += [
            "\n## A request against others\n",
            _TIMES,
            markdown(rows),
        ]
    if found := [f"- {line}" for line in lines(result)]:
        parts += ["\n## All else\n", *found]
    if "curves" in result:
        groups = [
            [Curve(one["title"], one["along"], [(size, cost) for size, cost in one["points"]]) for one in group]
            for group in result["curves"].values()
        ]
        parts += [_CURVES, "\n\n".join(markdown(table(group)) for group in groups)]
        from tests.benchmarks.picture import draw

        (folder / "performance.svg").write_text(draw(groups), encoding="utf-8")
    (folder / "performance.md").write_text("\n".join(parts) + "\n", encoding="utf-8")
