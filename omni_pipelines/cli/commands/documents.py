"""`omni ls` and `omni get`."""

from collections.abc import Sequence
from typing import Annotated

from typer import Argument

from omni_pipelines.cli.command import Rows, command
from omni_pipelines.cli.formats import Format, FormatOption
from omni_pipelines.cli.release_options import RefreshedHome, ReleaseNumber, ViewerOrOwner
from omni_pipelines.cli.views.documents import DocumentList, DocumentText, show_documents, show_texts
from omni_pipelines.knowledge.search.documents import list_documents
from omni_pipelines.knowledge.state.snapshot import Snapshot

_PATTERN = "A path, or a pattern such as 'docs/**' or '*.md', as in .gitignore. Repeatable."
PatternsArgument = Annotated[list[str] | None, Argument(metavar="PATTERN", help=f"{_PATTERN} Default: all.")]
WantedArgument = Annotated[list[str], Argument(metavar="PATTERN", help=_PATTERN)]


@command(show_documents)
def list_(
    viewer: ViewerOrOwner,
    release: ReleaseNumber,
    home: RefreshedHome,
    patterns: PatternsArgument = None,
    form: FormatOption = Format.TEXT,
) -> DocumentList:
    """List the documents of a release."""
    snapshot = Snapshot.open(home, release, viewer)
    return DocumentList(snapshot.release.release, list_documents(snapshot, patterns or []), form)


@command(show_texts)
def get(
    viewer: ViewerOrOwner, release: ReleaseNumber, home: RefreshedHome, patterns: WantedArgument
) -> Rows[DocumentText]:
    """Print the text of documents, as it was indexed.

    Several documents are printed one after the other, each below a line with its path.
    """
    snapshot = Snapshot.open(home, release, viewer)
    return Rows("documents", _texts(snapshot, patterns), release=snapshot.release.release)


def _texts(snapshot: Snapshot, patterns: Sequence[str]) -> list[DocumentText]:
    listed = list_documents(snapshot, patterns)
    rows = ((document, snapshot.document(document.doc_id)) for document in listed)
    return [DocumentText(document, row["text"]) for document, row in rows if row is not None]
