"""cocoindex: an incremental pipeline with its state in LMDB, and a LanceDB table without a text index."""

from __future__ import annotations

import asyncio
import dataclasses
import pathlib
from typing import Annotated, Any

from benchmarks.peers.child import CHARACTERS_PER_TOKEN, CHUNK_TOKENS, DIMENSIONS, OVERLAP_TOKENS, SUFFIXES, Embed

PACKAGES = ("cocoindex==1.0.26", "lancedb==0.40.0")


def ingest(corpus: pathlib.Path, target: pathlib.Path, embed: Embed) -> int:
    """Run the pipeline: a file that has not changed is not read again."""
    return asyncio.run(_run(corpus, target, embed))


update = ingest


async def _run(corpus: pathlib.Path, target: pathlib.Path, embed: Embed) -> int:
    import cocoindex as coco
    import numpy as np
    import numpy.typing as npt
    from cocoindex.connectors import lancedb, localfs
    from cocoindex.ops.text import RecursiveSplitter
    from cocoindex.resources.file import PatternFilePathMatcher
    from cocoindex.resources.schema import VectorSchema

    target.mkdir(exist_ok=True)
    connection = await lancedb.connect_async(str(target / "tables"))
    vector = Annotated[npt.NDArray[np.float32], VectorSchema(np.dtype(np.float32), DIMENSIONS)]
    row = dataclasses.make_dataclass("Row", [("id", str), ("text", str), ("vector", vector)])
    key: Any = coco.ContextKey("tables")
    splitter = RecursiveSplitter()

    @coco.fn(memo=True)
    async def read(file: Any, table: Any) -> None:
        text = await file.read_text()
        chunks = splitter.split(
            text,
            chunk_size=CHUNK_TOKENS * CHARACTERS_PER_TOKEN,
            chunk_overlap=OVERLAP_TOKENS * CHARACTERS_PER_TOKEN,
            language=file.file_path.path.suffix,
        )
        if not chunks:
            return
        for number, (chunk, values) in enumerate(zip(chunks, embed([chunk.text for chunk in chunks]), strict=True)):
            table.declare_row(row=row(f"{file.file_path.path}:{number}", chunk.text, values))

    @coco.fn
    async def main(folder: pathlib.Path) -> None:
        schema = await lancedb.TableSchema.from_class(row, primary_key=["id"])
        table = await lancedb.mount_table_target(key, "chunks", schema)
        patterns = [f"**/*{suffix}" for suffix in SUFFIXES]
        files = localfs.walk_dir(
            folder, recursive=True, path_matcher=PatternFilePathMatcher(included_patterns=patterns)
        )
        await coco.mount_each(read, files.items(), table)

    environment = coco.Environment(coco.Settings(target / "state"))
    environment.context_provider.provide(key, connection)
    app = coco.App(coco.AppConfig(name="peers", environment=environment), main, folder=corpus)
    await app.update()
    return await (await connection.open_table("chunks")).count_rows()
