"""What `omni ls` and `omni get` print."""

from collections.abc import Sequence
from dataclasses import dataclass

from omni_pipelines.amounts import counted
from omni_pipelines.cli.command import Fields, Rows
from omni_pipelines.cli.formats import Format, say_rows
from omni_pipelines.cli.json_output import text_only
from omni_pipelines.cli.output import narrate, say
from omni_pipelines.cli.text import say_table
from omni_pipelines.knowledge.search.citation_names import cited_name
from omni_pipelines.knowledge.search.documents import ListedDocument

_FIELDS = ("path", "kind", "language", "chunks", "size", "modified", "source", "uri")


@dataclass(frozen=True)
class DocumentList:
    """Documents of a release, by source and path."""

    release: int
    documents: Sequence[ListedDocument]
    form: Format = text_only(Format.TEXT)


def show_documents(result: DocumentList) -> None:
    """Print one line per document, in the chosen format."""
    if result.form is not Format.TEXT:
        say_rows(result.form, _FIELDS, ({name: getattr(each, name) for name in _FIELDS} for each in result.documents))
        return
    if not result.documents:
        narrate(f"release {result.release} has no document")
    rows = [
        (cited_name(each.source, each.path, each.uri), each.kind, counted(each.chunks, "chunk"))
        for each in result.documents
    ]
    say_table(("document", "kind", "size"), rows)


@dataclass(frozen=True)
class DocumentText:
    """A document with its text."""

    document: ListedDocument
    text: str

    def as_json(self) -> Fields:
        """The fields of the document, and the text."""
        return {**self.document.model_dump(mode="json"), "text": self.text}


def show_texts(texts: Rows[DocumentText]) -> None:
    """Print each text; where there are several, below a line with the path."""
    for number, each in enumerate(texts.rows):
        if number:
            say()
        if len(texts.rows) > 1:
            say(f"==> {cited_name(each.document.source, each.document.path, each.document.uri)} <==")
        say(each.text.removesuffix("\n"))
