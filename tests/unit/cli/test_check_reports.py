"""Results of checks as JUnit XML and Markdown."""

from __future__ import annotations

from xml.etree import ElementTree

from omni_pipelines.cli.check_reports import junit, markdown
from omni_pipelines.cli.dagster_checks import CheckOutcome, CheckResult

RESULTS = [
    CheckResult("chunks", "schema", CheckOutcome.PASSED, "25 columns as defined", {}),
    CheckResult("chunks", "duplicate_share", CheckOutcome.WARNED, "9 of 10 chunks", {"share": 0.9}),
    CheckResult(
        "embeddings", "unique_keys", CheckOutcome.FAILED, "keys <a> & \x1b[31m\ud800 | `b` occur twice\nat once", {}
    ),
]


def test_junit_has_a_suite_per_asset_and_a_warning_is_skipped() -> None:
    suites = ElementTree.fromstring(junit(RESULTS))
    counted = [
        (suite.get("name"), suite.get("tests"), suite.get("failures"), suite.get("skipped")) for suite in suites
    ]
    assert counted == [("chunks", "2", "0", "1"), ("embeddings", "1", "1", "0")]
    assert [[child.tag for child in case] for case in suites.iter("testcase")] == [
        ["system-out"],
        ["skipped"],
        ["failure"],
    ]


def test_junit_of_a_detail_that_xml_cannot_hold_can_be_parsed() -> None:
    (failure,) = ElementTree.fromstring(junit(RESULTS)).iter("failure")
    assert str(failure.get("message")).startswith("keys <a> & ?[31m? | `b` occur twice")


def test_markdown_names_failures_first_and_shows_foreign_text_as_it_is() -> None:
    first, second, third = markdown(RESULTS).splitlines()[2:]
    assert (first[:12], second[:13], third[:12]) == ("| ❌ failed |", "| ⚠️ warned |", "| ✅ passed |")
    assert r"\<a\> \&" in first
    assert first.count("|") - first.count(r"\|") == 5
