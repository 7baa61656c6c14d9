"""Says why a release has no document with a given name: the file was not read, or the name is wrong."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from omni_pipelines.errors import CitationNotFound, nearest
from omni_pipelines.ids import document_id
from omni_pipelines.knowledge.search.citation_names import DocumentName, named_documents
from omni_pipelines.knowledge.state.files import SeenFile, seen_files
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.refusals import Fate


def no_document(snapshot: Snapshot, name: str, known: Iterable[DocumentName]) -> CitationNotFound:
    """The error for a name that none of the known documents has."""
    file = find_unread(snapshot, name)
    if file is not None:
        fate = file.fate.replace(" ", "-")
        return CitationNotFound(
            f"{name} was seen, but is not read: {file.fate}: {file.reason}", cure=f"see: omni status --files {fate}"
        )
    paths = [each.path for each in known]
    cure = nearest(name, paths, "see: omni ls", part=_stem)  # suffixes are alike
    return CitationNotFound(f"{name} is not in release {snapshot.release.release}", cure=cure)


def find_unread(snapshot: Snapshot, name: str) -> SeenFile | None:
    """The one file with a name that is not read, or the folder that holds it and is not entered."""
    release = snapshot.release
    visible = None if snapshot.viewer is None else {name for name in release.sources if snapshot.sees(name)}
    places = {source: seen.place for source, seen in release.sources.items()}
    files = {
        document_id(file.source, file.path): file
        for file in seen_files(snapshot.home, release, visible)
        if file.fate not in (Fate.READ, Fate.PARTIAL)
    }
    names = [
        DocumentName(key, file.source, file.path, _uri(places.get(file.source, ""), file.path))
        for key, file in files.items()
    ]
    above = Path(name).parents
    for each in (name, *(f"{folder}/" for folder in above if folder.name)):
        found = named_documents(each, names)
        if found:
            return files[found[0].doc_id] if len(found) == 1 else None
    return None


def _stem(path: str) -> str:
    return PurePosixPath(path).stem


def _uri(place: str, path: str) -> str:
    """The URI of a file in the folder of a source on this machine; elsewhere its address."""
    if place.startswith("/"):
        return Path(place if place.endswith(f"/{path}") else f"{place}/{path}").as_uri()
    return f"{place}/{path}"
