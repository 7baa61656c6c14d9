"""omni sql: one SELECT over all tables, clear errors, and no way to change or reach anything else."""

from __future__ import annotations

import csv
import io
import json
import re
import resource
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from native.errors import StatementRefused
from native.sql_process import SqlLimits, select
from omni_pipelines.cli.main import app
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.sql import columns, run_sql
from omni_pipelines.knowledge.state import journal
from omni_pipelines.operations.entry_writer import KnowledgeWriter
from omni_pipelines.records import KnowledgeEntry
from omni_pipelines.schemas import ANSWERS, GATE_RESULTS, QUESTIONS
from omni_pipelines.settings import Settings
from omni_pipelines.testing.builders import KnowledgeBase

ROOT = Path(__file__).parents[3]
EXAMPLES = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "how-to" / "sql.md").read_text("utf-8"), re.DOTALL)
CODE = "".join(
    f'def {name}(key: str) -> str:\n    """To {name} a key is to turn it round, once a day."""\n    return key\n\n\n'
    for name in ("rotate", "revoke", "renew")
)
FILES: dict[str, str | bytes] = {
    "keys.md": "# Keys\n\nKeys are rotated with the rotate command.\n",
    "copy.md": "# Keys\n\nKeys are rotated with the rotate command.\n",
    "tool.py": CODE,
    "latin.txt": "Schl\xfcssel werden gedreht.\n".encode("latin-1"),
    "broken.md": b"\x00\x01\x02\x03",
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    """Two releases, the second with one document less; two questions; one gate result."""
    home = Home(tmp_path_factory.mktemp("sql") / HOME_NAME)
    base = (
        KnowledgeBase(home, settings=Settings(chunk_tokens=20, chunk_overlap=2))
        .with_files({**FILES, "gone.md": "# Gone\n\nThis was here once.\n"})
        .build()
    )
    base = base.without("gone.md").build(allow_delete=True)
    ask(base, "How are keys rotated?")
    KnowledgeWriter(home, base.settings).create(KnowledgeEntry(id="lock", title="Locks", content="x", tags=("a",)))
    return base


def ask(base: KnowledgeBase, question: str) -> None:
    """Add to the journal what a question adds."""
    hit = base.librarian().search("keys")[0]
    now = datetime(2026, 1, 2, tzinfo=UTC)
    asked = {"question_id": "q", "asked_at": now, "filters": "{}", "release": 2, "mode": "extractive"}
    journal.append(base.home, QUESTIONS, [{**asked, "question": question, "abstained": False, "evidence": 0.8}])
    lost = {**asked, "question_id": "r", "question": "Who is it?", "abstained": True, "evidence": 0.1}
    journal.append(base.home, QUESTIONS, [lost])
    cited = {"answer_id": "a", "question_id": "q", "release": 2, "ordinal": 0, "chunk_id": hit.chunk_id}
    journal.append(base.home, ANSWERS, [{**cited, "start_byte": 0, "end_byte": 9}])
    measure = {
        "gate_result_id": "g",
        "gate_id": "g",
        "measured_at": now,
        "run_id": "r",
        "candidate": "c",
        "serving": None,
    }
    journal.append(base.home, GATE_RESULTS, [{**measure, "measure": "golden", "passed": True, "detail": "none"}])


def rows(base: KnowledgeBase, sql: str, release: int | None = None) -> list[tuple[Any, ...]]:
    return run_sql(base.home, sql, release)[1].rows


def test_documentation_has_at_least_twenty_examples() -> None:
    assert len(EXAMPLES) >= 20


@pytest.mark.usefixtures("statements_in_this_process")
@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_documented_example_returns_rows(base: KnowledgeBase, example: str) -> None:
    selected = rows(base, example)
    assert bool(selected) != ("from sources" in example)


@pytest.mark.usefixtures("statements_in_this_process")
def test_statement_reads_the_release_it_names(base: KnowledgeBase) -> None:
    gone = "select count(*) from documents where path = 'gone.md'"
    assert (rows(base, gone, 1), rows(base, gone)) == ([(1,)], [(0,)])
    assert rows(base, "select count(*) from chunks", 1) > rows(base, "select count(*) from chunks")
    assert rows(base, "select release from releases order by 1") == [(1,), (2,)]


@pytest.mark.usefixtures("statements_in_this_process")
def test_statement_can_use_a_table_twice(base: KnowledgeBase) -> None:
    assert rows(base, "select count(*) from chunks a join chunks b using (chunk_id)") == rows(
        base, "select count(*) from chunks"
    )


@pytest.mark.usefixtures("statements_in_this_process")
def test_every_listed_column_can_be_selected(base: KnowledgeBase) -> None:
    for table in {each.table for each in columns()}:
        names = [each.name for each in columns() if each.table == table]
        result = run_sql(base.home, f"select * from {table}")[1]
        assert result.rows
        assert list(result.columns) == names


@pytest.mark.usefixtures("statements_in_this_process")
@pytest.mark.parametrize(
    ("sql", "message", "cure"),
    [
        ("select titel from documents", "there is no column 'titel'", "did you mean title?"),
        ("select d.pth from documents d", "pth", ""),
        (
            "select x1y2z3 from sources",
            "there is no column 'x1y2z3'",
            "their columns: documents, place",
        ),
        ("select * from documets", "there is no table 'documets'", "did you mean documents?"),
        ("select * from zzz", "there is no table 'zzz'", "tables: answers, chunks, documents"),
        ("select lenght(path) from documents", "lenght", "did you mean length?"),
        ("select from where", "syntax error", "omni sql, without a statement"),
        ("select 'x'::int", "Could not convert", ""),
        ("", "there are 0 statements", ""),
        ("select 1; select 2", "there are 2 statements", ""),
        ("delete from documents", "DELETE", ""),
        ("drop view documents", "DROP", ""),
        ("create table t as select 1", "CREATE", ""),
        ("attach ':memory:' as other", "ATTACH", ""),
        ("set threads = 8", "SET", ""),
        ("copy documents to '/tmp/x'", "COPY", ""),
        ("pragma database_list", "PRAGMA", ""),
        ("select * from read_text('/etc/passwd')", "file system operations are disabled", ""),
        ("select * from '/etc/passwd'", "/etc/passwd does not exist", ""),
        ("select * from sniff_csv('/etc/passwd')", "file system operations are disabled", ""),
    ],
)
def test_invalid_statement_is_refused_with_message_and_cure(
    base: KnowledgeBase, sql: str, message: str, cure: str
) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        run_sql(base.home, sql)
    assert message in refusal.value.message
    assert "\n" not in refusal.value.message
    assert "Use " not in refusal.value.message
    assert cure in refusal.value.cure


def test_statement_past_its_time_limit_is_stopped() -> None:
    with pytest.raises(StatementRefused, match=r"more than 0\.2 s"):
        select("select count(*) from range(10000000) a, range(10000000) b", {}, SqlLimits(rows=1, seconds=0.2))


@pytest.mark.parametrize(
    ("sql", "cause", "seconds"),
    [
        ("select " + ", ".join(f"length(repeat('{x}', 1000000000))" for x in "abcdefgh"), "more than", 1),
        ("select string_agg(repeat('x', 1000000), '') from range(5000)", "more than", 5),
        ("select repeat('x', 40000000) from range(2)", "76 MiB; 64 are allowed", 30),
        ("select " + "(" * 3_000 + "1" + ")" * 3_000, "depth", 30),
        ("select 1 --" + "x" * 100_000, "100,000 are allowed", 30),
    ],
)
def test_a_statement_cannot_exceed_the_limits_of_its_process(sql: str, cause: str, seconds: float) -> None:
    with pytest.raises(StatementRefused, match=cause):
        select(sql, {}, SqlLimits(rows=10, seconds=seconds, memory_bytes=256 << 20))
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10 < 2_500  # MiB


def test_values_have_the_types_that_duckdb_gives() -> None:
    sql = "select sum(x), interval 25 hour, map {'a': 1}, null::hugeint, date '2026-01-02' from range(3) t(x)"
    assert select(sql, {}, SqlLimits(rows=1, seconds=30)).rows == [
        (3, timedelta(hours=25), {"a": 1}, None, date(2026, 1, 2))
    ]


@pytest.mark.usefixtures("statements_in_this_process")
@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("explain analyze create table leak as select * from documents", "CREATE"),
        ("explain /* é */ (analyze, format json) create macro lower(x) as 'x'", "CREATE"),
        ("explain -- select\nanalyze insert into documents select 1", "INSERT"),
        ("explain analyze delete from documents", "DELETE"),
        ("with gone as (delete from documents returning *) select * from gone", "DELETE"),
        ("explain with new as (insert into documents values (1) returning *) from new", "INSERT"),
        ("explain analyze call pragma_version()", "CALL"),
        ("pivot documents on path", "MULTI"),
    ],
)
def test_a_part_that_writes_is_refused(base: KnowledgeBase, statement: str, word: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{word} is not allowed"):
        run_sql(base.home, statement)


@pytest.mark.parametrize("value", ["date '20000-01-01'", "[timestamp_ns '2026-01-01 00:00:00.000000001']"])
def test_a_value_that_python_lacks_is_refused_with_a_cure(value: str) -> None:
    with pytest.raises(StatementRefused, match="cast it to varchar"):
        select(f"select {value}", {}, SqlLimits(rows=1, seconds=30))


@pytest.mark.usefixtures("statements_in_this_process")
def test_an_explained_select_is_run(base: KnowledgeBase) -> None:
    ((kind, plan),) = rows(base, "explain (format json, analyze) select count(*) from documents")
    assert kind == "analyzed_plan"
    assert "documents" in plan.lower() or "scan" in plan.lower()


def test_missing_release_is_refused(base: KnowledgeBase) -> None:
    with pytest.raises(ConfigurationError, match="no release 9"):
        run_sql(base.home, "select 1", 9)


def test_torn_line_of_the_journal_hides_no_other_line(tmp_path: Path) -> None:
    home = Home(tmp_path / HOME_NAME)
    cited = {"answer_id": "a", "question_id": "q", "release": 2, "ordinal": 0, "chunk_id": "c", "start_byte": 0}
    journal.append(home, ANSWERS, [{**cited, "end_byte": 9}])
    _, path = journal.journal_files(home, ANSWERS)
    with path.open("ab") as file:
        file.write(b'{"answer_id": "tor\n[]\n{"answer_id": 1}\n\xff\n')
    journal.append(home, ANSWERS, [{**cited, "answer_id": "b", "end_byte": 9}])
    assert journal.read(home, ANSWERS)["answer_id"].to_pylist() == ["a", "b"]


def test_flipped_bits_of_the_journal_are_found_and_no_changed_row_is_read(tmp_path: Path) -> None:
    home = Home(tmp_path / HOME_NAME)
    cited = {"question_id": "q", "release": 2, "ordinal": 0, "chunk_id": "c", "start_byte": 0, "end_byte": 9}
    journal.append(home, ANSWERS, [{**cited, "answer_id": name} for name in ("a", "b")])
    _, path = journal.journal_files(home, ANSWERS)
    raw, before = path.read_bytes(), journal.read(home, ANSWERS).to_pylist()
    for bit in range(0, 8 * len(raw), 7):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        after = journal.read(home, ANSWERS).to_pylist()
        assert all(row in before for row in after)
        assert after == before or list(journal.damaged_lines(home, ANSWERS))
    path.write_bytes(raw.replace(b'"a"', b'"x"'))
    assert list(journal.damaged_lines(home, ANSWERS)) == [(path.name, 1)]
    journal.drop_damaged(home, ANSWERS)
    assert not list(journal.damaged_lines(home, ANSWERS))
    path.write_bytes(raw[:-5])  # a writer was killed
    journal.append(home, ANSWERS, [{**cited, "answer_id": "c"}])
    assert journal.read(home, ANSWERS)["answer_id"].to_pylist() == ["a", "c"]


def test_long_journal_keeps_its_newest_rows(tmp_path: Path) -> None:
    home = Home(tmp_path / HOME_NAME)
    for number in range(20):
        cited = {"answer_id": f"{number}", "question_id": "q", "release": 2, "ordinal": 0, "chunk_id": "c"}
        journal.append(home, ANSWERS, [{**cited, "start_byte": 0, "end_byte": 9}], max_bytes=300)
    kept = journal.read(home, ANSWERS)["answer_id"].to_pylist()
    assert 3 <= len(kept) < 20
    assert kept == [str(number) for number in range(20 - len(kept), 20)]


# --- the command


def output_of(base: KnowledgeBase, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["sql", *arguments, "--home", str(base.home.root)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_text_output_has_aligned_columns(base: KnowledgeBase) -> None:
    text = output_of(base, "select path, size from documents where path in ('keys.md', 'latin.txt') order by path")
    assert text.splitlines() == [
        "path       size",
        "---------  ----",
        "keys.md      50",
        "latin.txt    26",
    ]


def test_text_output_cuts_and_cleans_cells(base: KnowledgeBase) -> None:
    text = output_of(base, "select 'a' || chr(27) || '[31m' || chr(10) || repeat('b', 100) as cell, null as none")
    assert text.splitlines()[2] == "a [31m " + "b" * 52 + "…"


def test_json_output_holds_every_kind_of_value(base: KnowledgeBase) -> None:
    sql = (
        "select 1 as a, 2 as a, 'x'::blob as b, 10::hugeint ** 2 as h, [1.5] as l, date '2026-01-02' as d, null as n"
    )
    printed = json.loads(output_of(base, sql, "--json"))
    assert (printed["schema_version"], printed["release"], printed["more"]) == (1, 2, False)
    (row,) = printed["rows"]
    assert row == {"a": 1, "a_2": 2, "b": "78", "h": 100.0, "l": [1.5], "d": "2026-01-02", "n": None}
    assert [column["name"] for column in printed["columns"]] == list(row)


def test_csv_output_can_be_read_back(base: KnowledgeBase) -> None:
    text = output_of(base, "select 'a,\"b\n' as words, true as yes, null as none", "--format", "csv")
    assert list(csv.reader(io.StringIO(text))) == [["words", "yes", "none"], ['a,"b\n', "true", ""]]


def test_output_notes_that_there_are_more_rows(base: KnowledgeBase) -> None:
    done = CliRunner().invoke(app, ["sql", "select * from range(5)", "--limit", "2", "--home", str(base.home.root)])
    assert len(done.stdout.splitlines()) == 4
    assert "the first 2 rows" in done.stderr


def test_command_without_a_statement_lists_the_columns(base: KnowledgeBase) -> None:
    assert re.search(r"^documents\n  doc_id +string +hash of source and path$", output_of(base), re.MULTILINE)
    assert json.loads(output_of(base, "--json"))["columns"][0]["table"] == "documents"
