"""What became of every file that the sources hold: as of their last ingest, each file has exactly one fate."""

from collections import Counter
from collections.abc import Collection, Iterator

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
    """The number of documents by the end of the path, which decides the suffix, and by whether a part is missing."""
    rows = _documents(home, release, sources)
    if unread:
        rows = [row for row in rows if row[:2] not in unread]
    return Counter([(path[path.rfind(".") :] if "." in path else path, partial != "") for _, path, partial in rows])


def _found(
    home: Home, release: Release, sources: Collection[str] | None
) -> Iterator[tuple[str, str, Fate, str, str]]:
    """Source, path, fate, kind and reason of each file. Where a file is found twice, what comes later holds.

    A file that could not be read this time may still have its former document, and one that is ignored since the
    release was made is in that release.
    """
    for source, path, partial in _documents(home, release, sources):
        yield source, path, Fate.PARTIAL if partial else Fate.READ, suffix_of(path), partial
    yield from _unread(home, sources)


def _documents(home: Home, release: Release, sources: Collection[str] | None) -> list[tuple[str, str, str]]:
    """Source and path of each document of a release, and what its file holds besides it; "" if that is nothing."""
    columns = ["source", "path", "partial"]
    version = TableVersion.parse(release.tables[DOCUMENTS.name]).version
    where = is_in("source", sorted(sources)) if sources is not None else None
    documents = known_table(home, DOCUMENTS.name).read(columns, where, version=version)
    return list(zip(*(documents[name].to_pylist() for name in columns), strict=True))


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
