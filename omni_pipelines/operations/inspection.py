"""What an operator asks of the tables: what is there, how it is stored, whether something should be done about it.

Everything here looks at the heads, which is what the next release will be made of.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from native import lance_files, lance_vectors
from native.dataset_cache import POOL
from native.lance_codecs import codec_of, column_sizes
from native.lance_maintenance import MAX_FRAGMENTS
from native.lance_tables import LanceTable
from native.tantivy_index import KeywordIndex
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state import metrics
from omni_pipelines.operations.maintenance import bytes_on_disk
from omni_pipelines.schemas import EMBEDDINGS, FILTERS, TABLES, Table
from omni_pipelines.steps.step_records import read_step_record

MAX_DELETED = 0.2
"""Share of rows that are deleted but still stored, above which a scan pays for them."""
MAX_UNINDEXED = 0.2
"""Share of vectors outside the index, above which queries scan more than they look up."""


@dataclass(frozen=True)
class Health:
    """The state of a table, and what to do about it: `none`, or one or more commands."""

    row_count: int
    fragment_count: int
    fragmentation_ratio: float
    """Fragments by rows; 0 for an empty table."""
    deleted_rows: int
    indices: list[dict[str, Any]]
    recommendations: list[str]


def known_table(name: str) -> Table:
    """The definition of a table.

    Raises:
        ConfigurationError: there is none with this name.
    """
    if name not in TABLES:
        raise ConfigurationError(f"there is no table {name!r}", cure=f"tables: {', '.join(TABLES)}")
    return TABLES[name]


def opened(home: Home, name: str) -> LanceTable:
    """A table that is there.

    Raises:
        ConfigurationError: unknown, or never written.
        HomeError: there is no home.
    """
    home.check()
    found = LanceTable(home.table(known_table(name).name))
    if not found.exists():
        raise ConfigurationError(f"table {name} was never written", cure="run: omni ingest PATH")
    return found


def listed(home: Home) -> list[dict[str, Any]]:
    """Every table of the house: name, path, whether it is there, megabytes and rows."""
    home.check()
    found = [(name, LanceTable(home.table(name))) for name in TABLES]
    return [
        {
            "name": name,
            "path": str(each.path),
            "exists": each.exists(),
            "size_mb": round(bytes_on_disk(each) / 1e6, 3) if each.exists() else 0.0,
            "rows": each.count() if each.exists() else 0,
        }
        for name, each in found
    ]


def stored_columns(home: Home, name: str) -> list[dict[str, Any]]:
    """Every column's codec, its bytes in memory and on disk, and the ratio."""
    return [{**asdict(each), "ratio": round(each.ratio, 4)} for each in column_sizes(opened(home, name))]


def info(home: Home, name: str) -> dict[str, Any]:
    """Version, identity, format, rows, fragments and columns."""
    found = opened(home, name)
    dataset, head = found.open(), found.head()
    return {
        "version_id": head.version,
        "uuid": head.uuid,
        "commit_timestamp": found.commit_times()[head.version].isoformat(),
        "format": dataset.data_storage_version,
        "num_rows": dataset.count_rows(),
        "fragment_count": len(dataset.get_fragments()),
        "columns": [
            {"name": field.name, "type": str(field.type), "nullable": field.nullable, "codec": codec_of(field)}
            for field in dataset.schema
        ],
    }


def versions(home: Home, name: str, limit: int) -> list[dict[str, Any]]:
    """The versions that are kept, newest first, with the releases that name them."""
    found = opened(home, name)
    tags: dict[int, list[str]] = {}
    for tag, each in found.open().tags.list().items():
        tags.setdefault(int(each["version"]), []).append(tag)
    return [
        {
            "version_id": version,
            "timestamp": committed.isoformat(),
            "tags": sorted(tags.get(version, [])),
        }
        for version, committed in reversed(found.commit_times().items())
    ][:limit]


def fragments(home: Home, name: str) -> list[dict[str, Any]]:
    """Every fragment: rows, rows with the deleted ones, and files."""
    return [
        {
            "id": each.fragment_id,
            "num_rows": each.count_rows(),
            "physical_rows": each.physical_rows,
            "num_data_files": len(each.data_files()),
        }
        for each in opened(home, name).open().get_fragments()
    ]


def health(home: Home, name: str) -> Health:
    """What a table needs. A fresh small table needs nothing."""
    found = opened(home, name)
    dataset = found.open()
    rows, parts = dataset.count_rows(), dataset.get_fragments()
    deleted = sum(each.num_deletions for each in parts)
    broken = lance_files.broken_files(found)
    advice = []
    if any(each.startswith("data/") for each in broken):
        advice.append("restore_data")
    if len(parts) > MAX_FRAGMENTS or deleted > MAX_DELETED * (rows + deleted):
        advice.append("run_compaction")
    if name == EMBEDDINGS.name:
        advice += _index_advice(lance_vectors.coverage(found), broken)
    return Health(
        rows, len(parts), len(parts) / rows if rows else 0.0, deleted, _indices(dataset), advice or ["none"]
    )


def _index_advice(coverage: lance_vectors.IndexCoverage, broken: list[str]) -> list[str]:
    outside = coverage.rows - coverage.indexed
    if any(each.startswith("_indices/") for each in broken) or (
        coverage.deltas and outside > MAX_UNINDEXED * coverage.rows
    ):
        return ["rebuild_indices"]
    return [] if coverage.deltas or coverage.rows < lance_vectors.FIRST_ROWS else ["create_indices"]


def _indices(dataset: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "index_type": each.index_type,
            "rows": int(each.num_rows_indexed),
            "parts": len(each.segments),
        }
        for each in dataset.describe_indices()
    ]


def misfits(home: Home, name: str) -> list[str]:
    """How the columns on disk differ from the definition: missing, of another type, or not ours."""
    schema, wanted = opened(home, name).open().schema, known_table(name).schema
    found = [f"column {each.name} is missing" for each in wanted if each.name not in schema.names]
    found += [
        f"column {each.name} is {schema.field(each.name).type}, not {each.type}"
        for each in wanted
        if each.name in schema.names and schema.field(each.name).type != each.type
    ]
    return found


def index_stats(home: Home, name: str) -> dict[str, Any]:
    """The indexes of a table, the pool of this process, and what the keyword writer did in all processes."""
    found: dict[str, Any] = {"indices": _indices(opened(home, name).open()), "pool": asdict(POOL.stats())}
    built = read_step_record(home, "keyword_index")
    if name == "chunks" and built is not None:
        folder: Path = home.keyword / built.output
        found["keyword"] = {
            "generation": built.output,
            "entries": KeywordIndex.open(folder, FILTERS).size,
            "bytes": sum(path.stat().st_size for path in folder.iterdir()),
            "writer": metrics.read(home, metrics.KEYWORD_WRITER),
        }
    return found


def query_metrics(home: Home) -> dict[str, Any]:
    """How many queries all processes answered, how long the last took, and the mean."""
    found = metrics.read(home, metrics.QUERIES)
    count = found.get("query_count", 0)
    mean = round(found.get("total_ms", 0.0) / count, 3) if count else None
    return {"query_count": 0, "last_query_ms": None, **found, "mean_ms": mean}
