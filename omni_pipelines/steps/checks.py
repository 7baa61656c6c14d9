"""What must hold in every table before a release may show it. Each check gives a verdict, none raises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from native import duckdb_sql, lance_vectors
from native.errors import EngineError
from native.tantivy_index import KeywordIndex
from omni_pipelines.home import Home
from omni_pipelines.schemas import CHUNKS, DOCUMENTS, EMBEDDINGS, FILTERS, Table, is_packed
from omni_pipelines.settings import Settings
from omni_pipelines.steps.step_records import read_step_record
from omni_pipelines.tables import open_table

_MIN_VALUES = {"size": 1, "ordinal": 0, "start_char": 0, "start_byte": 0, "start_line": 1, "token_count": 1}
"""Smallest value of number columns."""
_EMPTY_ALLOWED = {"language", "heading", "stat", "title"}
_HEAVY = 20
"""Examples named in a verdict."""


@dataclass(frozen=True)
class Verdict:
    """What a check found."""

    name: str
    passed: bool
    detail: str
    numbers: dict[str, int | float] = field(default_factory=dict)


def schema(home: Home, definition: Table) -> Verdict:
    """Columns, types and value ranges, by pandera, batch by batch. Text and vectors are checked by type alone."""
    import pandera.errors

    found = open_table(home, definition)
    stored = found.open().schema
    if stored.names != definition.schema.names or stored.types != definition.schema.types:
        return Verdict("schema", False, f"columns are {stored.names}, expected {definition.schema.names}")
    light = [column for column in definition.schema if _is_light(column)]
    rules = _rules(light)
    rows = 0
    for batch in found.batches([column.name for column in light]):
        try:
            rules.validate(pa.Table.from_batches([batch]), lazy=True)
        except pandera.errors.SchemaErrors as error:
            return Verdict("schema", False, str(error)[:2000], {"rows": rows})
        rows += batch.num_rows
    return Verdict("schema", True, f"{len(stored.names)} columns as defined", {"rows": rows})


def _is_light(column: pa.Field) -> bool:
    return not is_packed(column) and not pa.types.is_fixed_size_list(column.type)


def _rules(columns: list[pa.Field]) -> Any:
    import pandera.pyarrow

    def checks(column: pa.Field) -> list[Any]:
        if column.name in _MIN_VALUES:
            return [pandera.pyarrow.Check.ge(_MIN_VALUES[column.name])]
        if pa.types.is_string(column.type) and column.name not in _EMPTY_ALLOWED:
            return [pandera.pyarrow.Check.str_length(min_value=1)]
        return []

    typed = {
        column.name: pandera.pyarrow.Column(column.type, checks(column), nullable=column.nullable)
        for column in columns
    }
    return pandera.pyarrow.DataFrameSchema(typed, strict=True)


def unique_keys(home: Home, definition: Table) -> Verdict:
    """No key stands twice."""
    rows = {"rows": open_table(home, definition).scanner([definition.key])}
    sql = (
        "select key, count(*) from (select " + definition.key + " as key from rows) group by key having count(*) > 1"
    )
    twice = duckdb_sql.query(sql, rows)
    return _verdict("unique_keys", [str(key) for key, _ in twice], "keys stand twice", "every key stands once")


def no_orphans(home: Home, lower: Table, upper: Table, column: str, *, both_ways: bool = False) -> Verdict:
    """Every row of `lower` belongs to a row of `upper`; with `both_ways`, every row of `upper` has one below."""
    tables = {"lower": open_table(home, lower).scanner([column]), "upper": open_table(home, upper).scanner([column])}
    orphans = _not_in(tables, column, "lower", "upper")
    childless = _not_in(tables, column, "upper", "lower") if both_ways else []
    what = f"{lower.name} without {upper.name}" if orphans else f"{upper.name} without {lower.name}"
    fine = f"{lower.name} and {upper.name} match" if both_ways else f"no {lower.name} without {upper.name}"
    return _verdict("no_orphans", [*orphans, *childless], what, fine)


def _not_in(tables: dict[str, Any], column: str, inner: str, outer: str) -> list[str]:
    sql = " ".join(
        ["select distinct", column, "from", inner, "where", column, "not in (select", column, "from", outer, ")"]
    )
    return [str(row[0]) for row in duckdb_sql.query(sql, tables)]


def _verdict(name: str, bad: list[str], what: str, fine: str) -> Verdict:
    detail = f"{len(bad)} {what}: {', '.join(bad[:_HEAVY])}" if bad else fine
    return Verdict(name, not bad, detail, {"found": len(bad)})


def token_budget(home: Home, settings: Settings) -> Verdict:
    """No chunk is longer than the budget its source is cut to."""
    rows = {"rows": open_table(home, CHUNKS).scanner(["source", "token_count"])}
    found = duckdb_sql.query("select source, token_count, count(*) from rows group by all", rows)
    over = sum(chunks for source, tokens, chunks in found if tokens > settings.of_source(source).chunk_tokens)
    longest = max((tokens for _, tokens, _ in found), default=0)
    mean = sum(tokens * chunks for _, tokens, chunks in found) / max(sum(chunks for *_, chunks in found), 1)
    budgets = sorted({settings.of_source(source).chunk_tokens for source, *_ in found} or {settings.chunk_tokens})
    detail = f"longest {longest} tokens, mean {mean:.0f}, budget {', '.join(map(str, budgets))}"
    return Verdict("token_budget", over == 0, detail, {"longest": longest, "over": over, "mean": round(mean, 1)})


def keyword_coverage(home: Home) -> Verdict:
    """The keyword index holds exactly the chunks."""
    built = read_step_record(home, "keyword_index")
    wanted = set(open_table(home, CHUNKS).read(["chunk_id"])["chunk_id"].to_pylist())
    try:
        have = set(KeywordIndex.open(home.keyword / (built.output if built else "none"), FILTERS).fingerprints())
    except EngineError as error:
        return Verdict("index_coverage", False, str(error))
    missing, surplus = len(wanted - have), len(have - wanted)
    detail = f"{len(have)} entries for {len(wanted)} chunks; {missing} missing, {surplus} too many"
    return Verdict("index_coverage", not missing and not surplus, detail, {"missing": missing, "surplus": surplus})


def vector_coverage(home: Home) -> Verdict:
    """The vector index holds every embedding, or the table is small enough to be scanned."""
    found = lance_vectors.coverage(open_table(home, EMBEDDINGS))
    how = (
        f"{found.indexed} of {found.rows} vectors indexed"
        if found.deltas
        else f"{found.rows} vectors, scanned exactly"
    )
    return Verdict("index_coverage", found.complete, how, {"rows": found.rows, "indexed": found.indexed})


def check_documents(home: Home) -> Iterator[Verdict]:
    """All checks of the documents table."""
    yield schema(home, DOCUMENTS)
    yield unique_keys(home, DOCUMENTS)


def check_chunks(home: Home, settings: Settings) -> Iterator[Verdict]:
    """All checks of the chunks table."""
    yield schema(home, CHUNKS)
    yield unique_keys(home, CHUNKS)
    yield no_orphans(home, CHUNKS, DOCUMENTS, "doc_id", both_ways=True)
    yield token_budget(home, settings)


def check_embeddings(home: Home) -> Iterator[Verdict]:
    """All checks of the embeddings table."""
    yield schema(home, EMBEDDINGS)
    yield unique_keys(home, EMBEDDINGS)
    yield no_orphans(home, EMBEDDINGS, CHUNKS, "chunk_id", both_ways=True)
