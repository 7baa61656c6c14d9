"""Checks of the tables and indexes that must pass before a release shows them. A check returns a verdict."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from native import lance_vectors
from native.errors import EngineError
from native.lance_tables import TableVersion
from native.tantivy_index import KeywordIndex
from omni_pipelines.columns import unmatched
from omni_pipelines.home import Home
from omni_pipelines.schemas import CHUNKS, DOCUMENTS, EMBEDDINGS, FILTERS, Table, has_type, is_light
from omni_pipelines.settings import Settings
from omni_pipelines.steps.step_records import read_step_record
from omni_pipelines.tables import open_table

if TYPE_CHECKING:
    from pandera.pyarrow import Check, DataFrameSchema

_MIN_VALUES = {"size": 1, "ordinal": 0, "start_char": 0, "start_byte": 0, "start_line": 1, "token_count": 1}
"""Smallest value of number columns."""
_EMPTY_ALLOWED = {"language", "partial", "heading", "stat", "title"}
_MAX_EXAMPLES = 20
"""Keys named in a verdict."""
_MAX_DETAIL = 2000
"""Characters of the message of pandera."""


@dataclass(frozen=True)
class Verdict:
    """The result of a check."""

    name: str
    passed: bool
    detail: str
    numbers: dict[str, int | float] = field(default_factory=dict)
    is_error: bool = True
    """Whether a failed check is an error; otherwise it is a warning, and stops nothing."""


def schema(home: Home, definition: Table) -> Verdict:
    """Check columns, types and value ranges batch by batch; of texts and vectors only the types."""
    table = open_table(home, definition)
    stored = table.open().schema
    wrong = [
        column.name
        for column in definition.schema  # users may add columns of their own
        if column.name not in stored.names or not has_type(stored.field(column.name), column)
    ]
    if wrong:
        return Verdict("schema", False, f"columns missing or of another type: {', '.join(wrong)}")
    light = [column for column in definition.schema if is_light(column)]
    rows = 0
    for batch in table.batches([column.name for column in light]):
        if not all(map(_is_valid, light, batch.columns)) and (problem := _problem(light, batch)):
            return Verdict("schema", False, problem, {"rows": rows})
        rows += batch.num_rows
    return Verdict("schema", True, f"{len(definition.schema.names)} columns as defined", {"rows": rows})


def _is_valid(column: pa.Field, values: pa.Array) -> bool:
    """Whether the values obey the rules of a column. Pandera takes a second for a table to find the same."""
    if values.type != column.type or (values.null_count and not column.nullable):
        return False
    if column.name in _MIN_VALUES:
        return _least(values) >= _MIN_VALUES[column.name]
    if _is_never_empty(column):
        return _least(pc.binary_length(values)) > 0
    return True


def _least(values: pa.Array) -> float:
    least: float | None = pc.min(values).as_py()
    return math.inf if least is None else least


def _is_never_empty(column: pa.Field) -> bool:
    return pa.types.is_string(column.type) and column.name not in _EMPTY_ALLOWED


def _problem(columns: Sequence[pa.Field], batch: pa.RecordBatch) -> str:
    """What pandera says about rows, with examples; "" if it finds nothing."""
    import pandera.errors

    try:
        _rules(columns).validate(pa.Table.from_batches([batch]), lazy=True)
    except pandera.errors.SchemaErrors as error:
        return str(error)[:_MAX_DETAIL]
    return ""


def _rules(columns: Sequence[pa.Field]) -> DataFrameSchema:
    from pandera.pyarrow import Check, Column, DataFrameSchema

    def checks(column: pa.Field) -> list[Check]:
        if column.name in _MIN_VALUES:
            return [Check.ge(_MIN_VALUES[column.name])]
        if _is_never_empty(column):
            return [Check.str_length(min_value=1)]
        return []

    rules = {column.name: Column(column.type, checks(column), nullable=column.nullable) for column in columns}
    return DataFrameSchema(rules, strict=True)


def unique_keys(home: Home, definition: Table) -> Verdict:
    """Check that no key occurs twice."""
    counts = pc.value_counts(open_table(home, definition).read([definition.key])[definition.key])
    duplicates = counts.filter(pc.greater(counts.field("counts"), 1)).field("values").to_pylist()
    return _verdict("unique_keys", duplicates, "keys occur twice", "every key occurs once")


def no_orphans(home: Home, lower: Table, upper: Table, column: str, *, both_ways: bool = False) -> Verdict:
    """Check that each row of `lower` belongs to one of `upper`; with `both_ways`, also the other way round."""
    versions = (open_table(home, lower).head(), open_table(home, upper).head())
    orphans, childless = _unmatched(home, column, (lower, upper), versions)
    if not both_ways:
        childless = []
    problem = f"{lower.name} without {upper.name}" if orphans else f"{upper.name} without {lower.name}"
    success = f"{lower.name} and {upper.name} match" if both_ways else f"no {lower.name} without {upper.name}"
    return _verdict("no_orphans", [*orphans, *childless], problem, success)


@functools.lru_cache(maxsize=2)
def _unmatched(
    home: Home, column: str, tables: tuple[Table, Table], versions: tuple[TableVersion, TableVersion]
) -> tuple[list[str], list[str]]:
    """The values of a column that only the first table has, and those that only the second one has.

    The checks of the assets and the gate ask this of the same versions.
    """
    lower, upper = (
        open_table(home, table).read([column], version=version.version)[column]
        for table, version in zip(tables, versions, strict=True)
    )
    return unmatched(lower, upper)


def _verdict(name: str, keys: Sequence[str], problem: str, success: str) -> Verdict:
    detail = f"{len(keys)} {problem}: {', '.join(keys[:_MAX_EXAMPLES])}" if keys else success
    return Verdict(name, not keys, detail, {"found": len(keys)})


def token_budget(home: Home, settings: Settings) -> Verdict:
    """Check that no chunk is longer than the token budget of its source."""
    columns = ["source", "token_count"]
    groups = open_table(home, CHUNKS).read(columns).group_by(columns).aggregate([([], "count_all")]).to_pylist()
    counts = [(row["source"], row["token_count"], row["count_all"]) for row in groups]
    allowed = {source: settings.of_source(source).chunk_tokens for source, *_ in counts}
    over = sum(chunks for source, tokens, chunks in counts if tokens > allowed[source])
    longest = max((tokens for _, tokens, _ in counts), default=0)
    mean = sum(tokens * chunks for _, tokens, chunks in counts) / max(sum(chunks for *_, chunks in counts), 1)
    budgets = sorted({*allowed.values()} or {settings.chunk_tokens})
    detail = f"longest {longest} tokens, mean {mean:.0f}, budget {', '.join(map(str, budgets))}"
    return Verdict("token_budget", over == 0, detail, {"longest": longest, "over": over, "mean": round(mean, 1)})


def keyword_coverage(home: Home) -> Verdict:
    """Check that the keyword index contains exactly the chunks."""
    record = read_step_record(home, "keyword_index")
    folder = home.keyword / (record.output if record else "none")
    try:
        return _keyword_coverage(home, open_table(home, CHUNKS).head(), folder, KeywordIndex.state_in(folder))
    except EngineError as error:
        return Verdict("index_coverage", False, str(error))


@functools.lru_cache(maxsize=1)
def _keyword_coverage(home: Home, version: TableVersion, folder: Path, _state: bytes) -> Verdict:
    """The same of one version and one state of the index: its check and the gate ask this of the same ones."""
    chunks = open_table(home, CHUNKS).read(["chunk_id"], version=version.version)["chunk_id"]
    keys = KeywordIndex.open(folder, FILTERS).keys()
    lacks, _ = unmatched(chunks, pa.chunked_array([keys]))
    wanted, missing = pc.count_distinct(chunks).as_py(), len(lacks)
    surplus = len(keys) - (wanted - missing)
    detail = f"{len(keys)} entries for {wanted} chunks; {missing} missing, {surplus} too many"
    return Verdict("index_coverage", not missing and not surplus, detail, {"missing": missing, "surplus": surplus})


def vector_coverage(home: Home) -> Verdict:
    """Check that the vector index contains every embedding, or that the table is small enough for a scan."""
    coverage = lance_vectors.coverage(open_table(home, EMBEDDINGS))
    detail = f"{coverage.rows} vectors, scanned exactly"
    if coverage.deltas:
        detail = f"{coverage.indexed} of {coverage.rows} vectors indexed"
    numbers: dict[str, int | float] = {"rows": coverage.rows, "indexed": coverage.indexed}
    return Verdict("index_coverage", coverage.complete, detail, numbers)


def sources_present(home: Home) -> Verdict:
    """Check that the last run could list every source."""
    record = read_step_record(home, "documents")
    missing = record.missing if record is not None else {}
    detail = "; ".join(each.warning for each in missing.values()) or "every source could be listed"
    return Verdict("sources_present", not missing, detail, {"missing": len(missing)}, is_error=False)


def check_documents(home: Home) -> Iterator[Verdict]:
    """All checks of the documents table."""
    yield schema(home, DOCUMENTS)
    yield unique_keys(home, DOCUMENTS)
    yield sources_present(home)


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
