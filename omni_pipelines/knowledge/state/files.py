"""What became of every file that the sources hold: as of their last ingest, each file has exactly one fate."""

from collections import Counter
from collections.abc import Collection, Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel

from native.filters import is_in
from native.lance_tables import TableVersion
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.table_files import read_quarantine
from omni_pipelines.knowledge.state.unread_files import read_unread
from omni_pipelines.records import Release
from omni_pipelines.refusals import Fate, fate_of, suffix_of
from omni_pipelines.schemas import DOCUMENTS
from omni_pipelines.tables import known_table


class SeenFile(BaseModel, frozen=True):
    """A file that was seen in a source, or a folder that was not entered, and what became of it."""

    source: str
    path: str
    """As in `documents`; that of a folder ends with a slash."""
    fate: Fate
    kind: str
    """For an ignored file what ignores it, such as `.gitignore`; else its suffix."""
    reason: str
    """Why it is not read, or not all of it; empty if it is read."""


def seen_files(home: Home, release: Release, sources: Collection[str] | None = None) -> list[SeenFile]:
    """The files of the sources with these names, or of all, by source and path."""
    found = {(source, path): rest for source, path, *rest in _found(home, release, sources)}
    return [
        SeenFile(source=source, path=path, fate=fate, kind=kind, reason=reason)
        for (source, path), (fate, kind, reason) in sorted(found.items())
    ]


def count_fates(home: Home, release: Release, sources: Collection[str] | None = None) -> dict[Fate, dict[str, int]]:
    """Fate to kind to the number of its files, the most frequent first."""
    unread = {(source, path): (fate, kind) for source, path, fate, kind, _ in _unread(home, sources)}
    counts: Counter[tuple[Fate, str]] = Counter()
    for (end, partial), count in _count_ends(home, release, sources, unread).items():
        counts[Fate.PARTIAL if partial else Fate.READ, suffix_of(end)] += count
    counts.update(unread.values())
    return {
        fate: {kind: count for (of, kind), count in counts.most_common() if of is fate}
        for fate in Fate
        if any(of is fate for of, _ in counts)
    }


def _count_ends(
    home: Home, release: Release, sources: Collection[str] | None, unread: Collection[tuple[str, str]]
) -> Counter[tuple[str, bool]]:
    """The number of documents by the end of the path, which decides the suffix, and by whether a part is missing.

    A base has many documents: they are counted without an object for each.
    """
    documents = _documents(home, release, sources)
    may_be_unread = pc.is_in(documents["path"], value_set=pa.array([path for _, path in unread], pa.string()))
    doubtful = documents.filter(may_be_unread).to_pylist()
    documents = documents.filter(pc.invert(may_be_unread))
    ends = pc.replace_substring_regex(documents["path"], r"(?s)^.*\.", ".")
    grouped = pa.table({"end": ends, "partial": pc.not_equal(documents["partial"], "")})
    counted = grouped.group_by(["end", "partial"]).aggregate([([], "count_all")]).to_pylist()
    counts = Counter({(row["end"], row["partial"]): row["count_all"] for row in counted})
    read = [row for row in doubtful if (row["source"], row["path"]) not in unread]
    return counts + Counter((row["path"], row["partial"] != "") for row in read)


def _found(
    home: Home, release: Release, sources: Collection[str] | None
) -> Iterator[tuple[str, str, Fate, str, str]]:
    """Source, path, fate, kind and reason of each file. Where a file is found twice, what comes later holds.

    A file that could not be read this time may still have its former document, and one that is ignored since the
    release was made is in that release.
    """
    columns = (_documents(home, release, sources)[name].to_pylist() for name in ("source", "path", "partial"))
    for source, path, partial in zip(*columns, strict=True):
        yield source, path, Fate.PARTIAL if partial else Fate.READ, suffix_of(path), partial
    yield from _unread(home, sources)


def _documents(home: Home, release: Release, sources: Collection[str] | None) -> pa.Table:
    """Source and path of each document of a release, and what its file holds besides it; "" if that is nothing."""
    version = TableVersion.parse(release.tables[DOCUMENTS.name]).version
    where = is_in("source", sorted(sources)) if sources is not None else None
    return known_table(home, DOCUMENTS.name).read(["source", "path", "partial"], where, version=version)


def _unread(home: Home, sources: Collection[str] | None) -> Iterator[tuple[str, str, Fate, str, str]]:
    """The same as `_found` of the files that are not read."""
    for row in read_quarantine(home, ["source", "path", "code", "detail"]):
        fate = fate_of(row["code"])
        if fate is not Fate.PARTIAL and (sources is None or row["source"] in sources):
            reason = row["detail"] if fate is Fate.UNKNOWN else f"{row['code']}: {row['detail']}"
            yield row["source"], row["path"], fate, suffix_of(row["path"]), reason
    for source, unread in read_unread(home).items():
        if sources is None or source in sources:
            for file in unread:
                yield source, *file
