"""The judge's verdicts as JUnit XML, which build servers read.

There is no standard; this is what they have in common: a ``testsuite`` with its counts, a ``testcase`` for each
invariant, in it ``failure`` or ``skipped``.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any

from mockscim.tables import printable, proof_place


def to_junit(judgement: Mapping[str, Any], name: str = "mockscim") -> bytes:
    """The document.

    Args:
        judgement: what ``GET invariants`` answers.
        name: of the suite.
    """
    items = judgement["items"]
    count = {verdict: sum(item["verdict"] == verdict for item in items) for verdict in ("broken", "not applicable")}
    suite = ET.Element(
        "testsuite",
        name=printable(name),
        tests=str(len(items)),
        failures=str(count["broken"]),
        errors="0",
        skipped=str(count["not applicable"]),
    )
    properties = ET.SubElement(suite, "properties")
    for key in ("seed", "reproduce"):
        ET.SubElement(properties, "property", name=key, value=printable(str(judgement[key])))
    for item in items:
        case = ET.SubElement(suite, "testcase", classname="mockscim.invariants", name=f"{item['id']} {item['name']}")
        why = printable(item["why"])
        if item["verdict"] == "broken":
            failure = ET.SubElement(case, "failure", message=why, type=item["id"])
            failure.text = "\n".join(_proofs(item, judgement))
        elif item["verdict"] == "not applicable":
            ET.SubElement(case, "skipped", message=why)
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    document: bytes = ET.tostring(suites, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _proofs(item: Mapping[str, Any], judgement: Mapping[str, Any]) -> list[str]:
    # XML has no way to write most control characters; escaped as for a terminal they are none.
    lines = [f"{proof_place(proof)}: {printable(proof['what'])}" for proof in item["evidence"]]
    lines += [f"and {item['more']} more"] if item["more"] else []
    return [*lines, f"reproduce: {printable(judgement['reproduce'])}"]
