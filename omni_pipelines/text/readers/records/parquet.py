"""Parquet and Arrow files: the columns with their types, the number of rows, and the first rows."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.records.data_sample import SAMPLE_ROWS, add_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

PARQUET_SIGNATURE, ARROW_SIGNATURE = b"PAR1", b"ARROW1"
_HIDDEN_METADATA = {b"pandas", b"ARROW:schema", b"huggingface", b"geo"}
"""What programs write for themselves."""
_MAX_METADATA = 2_000


def read(raw: bytes, name: str) -> Parsed:
    """Read a file as one table."""
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())  # the others reserve more addresses than this process may have
    pa.set_cpu_count(1)
    try:
        return _read_arrow(raw, name) if raw.startswith(ARROW_SIGNATURE) else _read_parquet(raw, name)
    except (pa.ArrowException, OSError, ValueError, KeyError, OverflowError) as error:
        raise Unreadable(RefusalCode.PARSE, f"damaged: {error}") from error


def _read_parquet(raw: bytes, name: str) -> Parsed:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.BufferReader(raw), pre_buffer=False)
    batches = file.iter_batches(batch_size=SAMPLE_ROWS, use_threads=False)
    return _described(name, file.schema_arrow, file.metadata.num_rows, batches)


def _read_arrow(raw: bytes, name: str) -> Parsed:
    import pyarrow as pa

    with pa.ipc.open_file(pa.BufferReader(raw)) as file:
        batches = [file.get_batch(number) for number in range(file.num_record_batches)]
    return _described(name, file.schema, sum(batch.num_rows for batch in batches), batches)


def _described(name: str, schema: pa.Schema, count: int, batches: Iterable[pa.RecordBatch]) -> Parsed:
    extraction = Extraction()
    columns = [(field.name, str(field.type)) for field in schema]
    add_table(extraction, name, columns, count, islice(_rows(batches), SAMPLE_ROWS))
    for key, value in (schema.metadata or {}).items():
        if key not in _HIDDEN_METADATA and len(value) <= _MAX_METADATA:
            extraction.block(f"{key.decode('utf-8', 'replace')}: {value.decode('utf-8', 'replace')}")
    return extraction.parsed(name, name)


def _rows(batches: Iterable[pa.RecordBatch]) -> Iterator[list[object]]:
    for batch in batches:
        sample = batch.slice(0, SAMPLE_ROWS)
        sample.validate(full=True)  # a text of a damaged file may begin behind its end
        for row in sample.to_pylist():
            yield list(row.values())
