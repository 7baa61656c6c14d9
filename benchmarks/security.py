"""What was tried at each entry point, and how it ended: `python -m benchmarks.security [NAME …]`; by default, all.

It runs the tests that docs/explanation/security.md points at, in their long form, and writes their numbers to that
page. The rows of entry points that are not named stay as they were.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from base64 import b64decode
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "explanation" / "security.md"
STATISTICS = "hypothesis-statistics-"
"""How the names of hypothesis' properties begin in a report of pytest."""
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->"
DOORS: Mapping[str, tuple[str, ...]] = {
    "documents": (
        "tests/unit/text/test_readers_archives.py",
        "tests/unit/text/test_processor_time.py",
        "tests/integration/steps/test_parsing.py",
    ),
    "archives": ("tests/integration/sources/test_archive_source.py",),
    "repositories": ("tests/integration/sources/test_git_source.py", "tests/unit/native/test_git_folders.py"),
    "websites": (
        "tests/unit/sources/test_web_address.py",
        "tests/unit/sources/test_web_connections.py",
        "tests/unit/sources/test_web_client.py",
    ),
    "secrets in documents": ("tests/unit/text/test_secrets.py",),
    "settings of a folder": ("tests/unit/test_configuration.py",),
    "SQL": ("tests/integration/native/test_duckdb_sql.py", "tests/integration/knowledge/test_sql.py"),
    "readers with access tags": ("tests/integration/knowledge/test_access.py",),
    "homes of others": ("tests/integration/knowledge/test_read_only_home.py",),
    "bundles": ("tests/integration/publishing/test_bundle.py",),
    "stores": ("tests/integration/sharing/test_store_bucket.py",),
    "the Dagster UI": ("tests/unit/cli/test_origin_guard.py",),
    "terminals, spreadsheets, Markdown": ("tests/unit/cli/test_output.py", "tests/unit/cli/test_formats.py"),
    "receipts": ("tests/integration/knowledge/test_receipts.py",),
    "damaged files": ("tests/integration/steps/test_damaged_files.py", "tests/integration/operations/test_scrub.py"),
    "a full disk, and other limits": ("tests/integration/native/test_causes_of_errors.py",),
    "agents and their tools": (
        "tests/unit/permissions/test_capabilities.py",
        "tests/unit/permissions/test_scopes.py",
        "tests/unit/permissions/test_commands.py",
        "tests/unit/permissions/test_gatekeeper.py",
        "tests/unit/permissions/test_injection.py",
        "tests/integration/agent_tools/test_git.py",
    ),
    "long conversations": ("tests/unit/agent/test_context.py",),
    "the audit log": ("tests/unit/permissions/test_audit.py",),
    "language models": ("tests/unit/language_models/test_openai_http.py",),
}


def main(wanted: Sequence[str]) -> int:
    """Run the tests of these entry points, or of all, and replace the table between the marks on the page."""
    doors = {door: files for door, files in DOORS.items() if not wanted or door in wanted}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        files = [file for files in doors.values() for file in files]
        pytest = ["env", "OMNI_STRESS=long", sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        options = ["--timeout=7200", f"--junitxml={report}"]
        done = subprocess.run([*pytest, *options, *files], cwd=ROOT, check=False)
        counts = _counts(report)
    before, _, rest = PAGE.read_text().partition(BEGIN)
    measured, _, after = rest.partition(END)
    kept = {} if not wanted else _rows(measured)
    PAGE.write_text(f"{before}{BEGIN}{_table(kept | _measured(doors, counts))}{END}{after}")
    return done.returncode


def _counts(report: Path) -> dict[str, Counter[str]]:
    """Test file to the number of tests by outcome, and of the cases that they generated."""
    counts: dict[str, Counter[str]] = {}
    tree = ElementTree.parse(report)
    for test in tree.iter("testcase"):
        outcome = next((child.tag for child in test if child.tag in ("failure", "error", "skipped")), "passed")
        file = test.get("classname", "").replace(".", "/") + ".py"
        counted = counts.setdefault(file, Counter())
        counted[outcome] += 1
        counted["cases"] += sum(int(each.get("value", "0")) for each in test.iter("property"))
    for told in tree.iter("property"):  # of hypothesis: a test, and its statistics
        name, value = told.get("name", ""), told.get("value", "")
        if name.startswith(STATISTICS):
            file = name.removeprefix(STATISTICS).partition("::")[0]
            counts[file]["cases"] += sum(map(int, re.findall(r"(\d+) passing", b64decode(value).decode())))
    return counts


def _measured(doors: Mapping[str, tuple[str, ...]], counts: Mapping[str, Counter[str]]) -> dict[str, str]:
    """Door to its row."""
    rows = {}
    for door, files in doors.items():
        total = sum((counts.get(file, Counter()) for file in files), Counter[str]())
        names = ", ".join(f"[{Path(file).stem}](../../{file})" for file in files)
        tried = sum(total[outcome] for outcome in ("passed", "failure", "error"))
        figures = " | ".join(f"{number:,}" for number in (tried, total["passed"], total["skipped"], total["cases"]))
        rows[door] = f"| {door}: {names} | {figures} |\n"
    return rows


def _rows(table: str) -> dict[str, str]:
    """Door to its row in an earlier table."""
    lines = [line for line in table.splitlines(keepends=True) if ": [" in line]
    return {line.removeprefix("| ").partition(": [")[0]: line for line in lines}


def _table(rows: Mapping[str, str]) -> str:
    titles = ("entry point", "tried", "held", "not run here", "generated cases")
    head = f"Run on {datetime.now(UTC):%Y-%m-%d}.\n\n| {' | '.join(titles)} |\n{'|---' * len(titles)}|\n"
    return head + "".join(rows[door] for door in DOORS if door in rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
