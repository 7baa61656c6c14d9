"""Facts about the heads of the tables: what they contain, how it is stored, and whether they need maintenance."""

from dataclasses import asdict, dataclass
from typing import TypedDict

from native import lance_files, lance_vectors
from native.dataset_cache import POOL
from native.lance_codecs import codec_of, column_sizes
from native.lance_maintenance import MAX_FRAGMENTS
from native.lance_tables import LanceTable
from native.tantivy_index import KeywordIndex
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state import metrics
from omni_pipelines.knowledge.state.table_files import require_readable_heads
from omni_pipelines.operations.maintenance import bytes_on_disk
from omni_pipelines.schemas import CHUNKS, EMBEDDINGS, FILTERS, TABLES, Table, has_type
from omni_pipelines.steps.step_records import read_step_record

MAX_DELETED = 0.2
"""Share of deleted rows that are still stored, above which scans become slower."""
MAX_UNINDEXED = 0.2
"""Share of vectors outside the index, above which queries become slower."""


class TableSummary(TypedDict):
    """A table, which may not exist yet."""

    name: str
    path: str
    exists: bool
    size_mb: float
    rows: int


class TableInfo(TypedDict):
    """The head of a table."""

    version_id: int
    uuid: str
    commit_timestamp: str
    format: str
    num_rows: int
    fragment_count: int


class ColumnInfo(TypedDict):
    """A column as it is stored."""

    name: str
    type: str
    nullable: bool
    codec: str


class StoredColumn(TypedDict):
    """The size of a column: bytes in memory, bytes on disk, and their ratio."""

    column: str
    codec: str
    raw: int
    stored: int
    ratio: float


class VersionInfo(TypedDict):
    """A version of a table, and the tags of the releases that name it."""

    version_id: int
    timestamp: str
    tags: list[str]


class FragmentInfo(TypedDict):
    """A fragment of a table; `physical_rows` include deleted rows."""

    id: int
    num_rows: int
    physical_rows: int
    num_data_files: int


class IndexInfo(TypedDict):
    """An index of a table."""

    name: str
    index_type: str
    rows: int
    parts: int


@dataclass(frozen=True)
class TableHealth:
    """The state of a table, and the maintenance that it needs: `none`, or one or more measures."""

    row_count: int
    fragment_count: int
    fragmentation_ratio: float
    """Fragments by rows; 0 for an empty table."""
    deleted_rows: int
    indices: list[IndexInfo]
    recommendations: list[str]


def known_table(name: str) -> Table:
    """The definition of a table.

    Raises:
        ConfigurationError: there is none with this name.
    """
    if name not in TABLES:
        raise ConfigurationError(f"there is no table {name!r}", cure=f"tables: {', '.join(TABLES)}")
    return TABLES[name]


def existing_table(home: Home, name: str) -> LanceTable:
    """A table that exists on disk.

    Raises:
        ConfigurationError: the name is unknown, or nothing was written to the table yet.
        HomeError: there is no home.
        TableBroken: a file of a table is damaged in such a way that Lance would end the process.
    """
    home.check()
    require_readable_heads(home)
    table = LanceTable(home.table(known_table(name).name))
    if not table.exists():
        raise ConfigurationError(f"table {name} does not exist yet", cure="run: omni ingest PATH")
    return table


def list_tables(home: Home) -> list[TableSummary]:
    """All tables that a home can have."""
    home.check()
    require_readable_heads(home)
    return [_summary(name, LanceTable(home.table(name))) for name in TABLES]


def _summary(name: str, table: LanceTable) -> TableSummary:
    exists = table.exists()
    return {
        "name": name,
        "path": str(table.path),
        "exists": exists,
        "size_mb": round(bytes_on_disk(table.path) / 1e6, 3) if exists else 0.0,
        "rows": table.count() if exists else 0,
    }


def stored_columns(home: Home, name: str) -> list[StoredColumn]:
    """The codec and the size of every column."""
    return [
        {
            "column": size.column,
            "codec": size.codec,
            "raw": size.raw,
            "stored": size.stored,
            "ratio": round(size.ratio, 4),
        }
        for size in column_sizes(existing_table(home, name))
    ]


def table_info(home: Home, name: str) -> TableInfo:
    """The version, format, rows and fragments of a table."""
    table = existing_table(home, name)
    dataset, head = table.open(), table.head()
    return {
        "version_id": head.version,
        "uuid": head.uuid,
        "commit_timestamp": table.commit_times()[head.version].isoformat(),
        "format": dataset.data_storage_version,
        "num_rows": dataset.count_rows(),
        "fragment_count": len(dataset.get_fragments()),
    }


def table_columns(home: Home, name: str) -> list[ColumnInfo]:
    """The columns of a table."""
    return [
        {"name": field.name, "type": str(field.type), "nullable": field.nullable, "codec": codec_of(field)}
        for field in existing_table(home, name).open().schema
    ]


def list_versions(home: Home, name: str, limit: int) -> list[VersionInfo]:
    """The kept versions, newest first."""
    table = existing_table(home, name)
    tags: dict[int, list[str]] = {}
    for tag, tagged in table.open().tags.list().items():
        tags.setdefault(int(tagged["version"]), []).append(tag)
    versions: list[VersionInfo] = [
        {"version_id": version, "timestamp": committed.isoformat(), "tags": sorted(tags.get(version, []))}
        for version, committed in reversed(table.commit_times().items())
    ]
    return versions[:limit]


def list_fragments(home: Home, name: str) -> list[FragmentInfo]:
    """The fragments of a table."""
    return [
        {
            "id": fragment.fragment_id,
            "num_rows": fragment.count_rows(),
            "physical_rows": fragment.physical_rows,
            "num_data_files": len(fragment.data_files()),
        }
        for fragment in existing_table(home, name).open().get_fragments()
    ]


def list_indices(home: Home, name: str) -> list[IndexInfo]:
    """The indexes of a table inside Lance."""
    return [
        {
            "name": index.name,
            "index_type": index.index_type,
            "rows": int(index.num_rows_indexed),
            "parts": len(index.segments),
        }
        for index in existing_table(home, name).open().describe_indices()
    ]


def table_health(home: Home, name: str) -> TableHealth:
    """The maintenance that a table needs. A new small table needs none."""
    table = existing_table(home, name)
    dataset = table.open()
    rows, fragments = dataset.count_rows(), dataset.get_fragments()
    deleted = sum(fragment.num_deletions for fragment in fragments)
    broken = lance_files.broken_files(table)
    advice = []
    if any(file.startswith("data/") for file in broken):
        advice.append("restore_data")
    if len(fragments) > MAX_FRAGMENTS or deleted > MAX_DELETED * (rows + deleted):
        advice.append("run_compaction")
    if name == EMBEDDINGS.name:
        advice += _index_advice(lance_vectors.coverage(table), broken)
    ratio = len(fragments) / rows if rows else 0.0
    return TableHealth(rows, len(fragments), ratio, deleted, list_indices(home, name), advice or ["none"])


def _index_advice(coverage: lance_vectors.IndexCoverage, broken: list[str]) -> list[str]:
    unindexed = coverage.rows - coverage.indexed
    if any(file.startswith("_indices/") for file in broken) or (
        coverage.deltas and unindexed > MAX_UNINDEXED * coverage.rows
    ):
        return ["rebuild_indices"]
    return [] if coverage.deltas or coverage.rows < lance_vectors.FIRST_ROWS else ["create_indices"]


def schema_differences(home: Home, name: str) -> list[str]:
    """How the columns on disk differ from their definitions: missing, or of another type."""
    schema, definitions = existing_table(home, name).open().schema, known_table(name).schema
    missing = [f"column {field.name} is missing" for field in definitions if field.name not in schema.names]
    return missing + [
        f"column {field.name} is {schema.field(field.name).type}, not {field.type}"
        for field in definitions
        if field.name in schema.names and not has_type(schema.field(field.name), field)
    ]


def index_counters(home: Home, name: str) -> dict[str, dict[str, object]]:
    """Counters of the table cache of this process; for chunks, also of the keyword index and its writers."""
    counters: dict[str, dict[str, object]] = {"pool": asdict(POOL.stats())}
    record = read_step_record(home, "keyword_index")
    if name == CHUNKS.name and record is not None:
        folder = home.keyword / record.output
        counters["keyword"] = {
            "generation": record.output,
            "entries": KeywordIndex.open(folder, FILTERS).size,
            "bytes": sum(path.stat().st_size for path in folder.iterdir()),
            "writer": metrics.read(home, metrics.KEYWORD_WRITER),
        }
    return counters


def query_metrics(home: Home) -> dict[str, float | None]:
    """How many queries all processes answered, and milliseconds: of the last query, the sum, and the mean."""
    counters = metrics.read(home, metrics.QUERIES)
    count = counters.get("query_count", 0)
    mean = round(counters.get("total_ms", 0.0) / count, 3) if count else None
    return {"query_count": 0, "last_query_ms": None, **counters, "mean_ms": mean}
