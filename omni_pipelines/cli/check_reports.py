"""Results of checks as files that a CI system shows: JUnit XML and Markdown."""

import re
from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree as xml

from omni_pipelines.cli.dagster_checks import CheckOutcome, CheckResult
from omni_pipelines.cli.formats import as_markdown

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SIGNS = {CheckOutcome.PASSED: "✅", CheckOutcome.WARNED: "⚠️", CheckOutcome.FAILED: "❌"}


def junit(results: Sequence[CheckResult]) -> bytes:
    """A JUnit document: a suite for each asset, a case for each check. A warning is a skipped case."""
    document = xml.Element("testsuites", name="omni check")
    for asset, group in groupby(results, key=lambda result: result.asset):
        of_asset = list(group)
        count = {outcome: sum(result.outcome is outcome for result in of_asset) for outcome in CheckOutcome}
        suite = xml.SubElement(
            document,
            "testsuite",
            name=asset,
            tests=str(len(of_asset)),
            failures=str(count[CheckOutcome.FAILED]),
            skipped=str(count[CheckOutcome.WARNED]),
            errors="0",
        )
        for result in of_asset:
            detail = _NOT_IN_XML.sub("?", result.detail)
            case = xml.SubElement(suite, "testcase", classname=asset, name=result.check)
            if result.outcome is CheckOutcome.FAILED:
                xml.SubElement(case, "failure", message=detail)
            elif result.outcome is CheckOutcome.WARNED:
                xml.SubElement(case, "skipped", message=f"warning: {detail}")
            else:
                xml.SubElement(case, "system-out").text = detail
    return xml.tostring(document, "utf-8", xml_declaration=True)


def markdown(results: Sequence[CheckResult]) -> str:
    """A table for people, with what failed first."""
    order = [CheckOutcome.FAILED, CheckOutcome.WARNED, CheckOutcome.PASSED]
    rows = [
        f"| {_SIGNS[result.outcome]} {result.outcome} | {as_markdown(result.asset)} | {as_markdown(result.check)} "
        f"| {as_markdown(' '.join(result.detail.split()))} |"
        for result in sorted(results, key=lambda result: order.index(result.outcome))
    ]
    return "\n".join(["| result | asset | check | what was found |", "|---|---|---|---|", *rows, ""])
