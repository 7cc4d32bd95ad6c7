"""The page of leniencies: ``python -m tests.leniency_table`` writes ``docs/leniencies.md``.

Everything in it comes from what the server itself says at ``GET …/_mockscim/policy``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mockscim import profiles
from mockscim.tenant import Start, Tenant

PAGE = Path(__file__).resolve().parents[1] / "docs" / "leniencies.md"
INTEROP = "interop-"
HEAD = """# What is accepted although a specification has it otherwise

Made by `python -m tests.leniency_table` from `mockscim/scim/policy.py` and the bundled profiles; do not edit it.

Real clients do not keep to the RFCs in everything. What mockscim takes all the same has a name here, a leniency, and
each use of one is in the journal with its code, its section and what was met. A leniency is switched by itself:
`--accept CODE` and `--refuse CODE` on the command line, `accept` and `refuse` in a profile or when a tenant is made.
What is refused gets the RFC's own error, with the code in brackets behind its words. `GET …/_mockscim/policy` says the
same as this page, and what is switched where you ask.

"""
RFCS = """## RFC 7643 and RFC 7644

`--strict` refuses all of these; `--strict --accept CODE` all but one.

"""
DRAFT = """## The interoperability profile

What draft-zollner-scim-interop-profile-01 forbids beyond the RFCs. The RFCs have nothing against it, so `--strict`
does not refuse it. It is asked only where the interoperability profile is on: in the profile `interop`, in one that
extends it or sets `behaviour.interop`, and wherever one of these codes is refused. Elsewhere it is neither refused nor
noted.

"""
MARKS = {True: "on", False: "off", None: "not asked"}


def page() -> str:
    """The page, whole."""
    rows = Tenant("", Start(profiles.load("standard"))).policy_document()
    own = [row for row in rows if not row["code"].startswith(INTEROP)]
    return HEAD + RFCS + _table(own) + "\n" + DRAFT + _table([row for row in rows if row not in own])


def _table(rows: list[dict[str, Any]]) -> str:
    names = profiles.names()
    head = [
        "code",
        "accepted is",
        "the specification says",
        "section",
        "who sends it",
        *(f"`{name}`" for name in names),
    ]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        switches = [MARKS[row["profiles"][name]] for name in names]
        lines.append([f"`{row['code']}`", row["accepts"], row["rfc"], row["source"], row["sent_by"], *switches])
    return "".join(f"| {' | '.join(_cell(text) for text in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), "utf-8")
