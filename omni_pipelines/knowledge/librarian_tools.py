"""The librarian's tools: what agents, editors and scripts may ask a knowledge base. None of them changes anything."""

import functools
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field

from omni_pipelines.errors import ConfigurationError, ModelMissing, NoAnswer
from omni_pipelines.home import Home
from omni_pipelines.knowledge.answers.cited_answer import Answer
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.search.citations import Passage
from omni_pipelines.knowledge.search.context import Context
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.knowledge.search.options import MAX_HITS, MAX_QUERY_LENGTH, Mode
from omni_pipelines.knowledge.search.outline import Outline, outline
from omni_pipelines.knowledge.search.why_not import WhyNot
from omni_pipelines.knowledge.state.access import Viewer
from omni_pipelines.knowledge.state.changes import Changes, compare_releases
from omni_pipelines.knowledge.state.releases import release_numbers, require_release
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.knowledge.state.status import Status, status
from omni_pipelines.text.embedding import Embedder
from omni_pipelines.tools.catalog import ToolCatalog
from omni_pipelines.tools.definition import ToolVariant
from omni_pipelines.tools.signature import tool

WORDS = ToolVariant(name="words", description="By words alone, where the embedder's model is missing.", priority=51)
Query = Annotated[str, Field(min_length=1, max_length=MAX_QUERY_LENGTH, pattern=r"\S")]
HitCount = Annotated[int, Field(ge=1, le=MAX_HITS)]
TokenCount = Annotated[int, Field(ge=1, le=100_000)]
NeighbourCount = Annotated[int, Field(ge=0, le=10)]
Position = Annotated[int, Field(ge=0)]
OUTLINE_ENTRIES = 100
"""Entries of an outline that one call gives."""


class Where(BaseModel, frozen=True, extra="forbid"):
    """Search only passages whose fields have these values."""

    source: Annotated[str | None, Field(description="Name of a source, as knowledge.status lists it.")] = None
    path: Annotated[str | None, Field(description="Path of a file in its source; docs/** is all below docs.")] = None
    language: Annotated[
        str | None, Field(description="Language of code, such as python, or of prose, such as de.")
    ] = None
    kind: Annotated[str | None, Field(description="prose, markup, data or code.")] = None
    modified: Annotated[
        str | None,
        Field(description="Days of the last change: 2026-01-01..2026-03-31, 2026-01-01.., or one day."),
    ] = None


class KnowledgeTools:
    """The tools of one home, for a viewer or the owner. The librarian is opened at the first call.

    Without `release`, it opens the newest release. `embedder` replaces the one that the settings name.
    """

    def __init__(
        self,
        home: Home,
        release: int | None = None,
        *,
        viewer: Viewer | None = None,
        embedder: Embedder | None = None,
    ) -> None:
        self._home, self._release, self._viewer, self._embedder = home, release, viewer, embedder

    @tool("knowledge.search", title="Search the knowledge base", category="knowledge", read_only=True)
    def search(
        self, query: Query, k: HitCount = 10, mode: Mode = Mode.HYBRID, where: Where | None = None
    ) -> list[Hit]:
        """Find passages in the indexed documents and code, best first, each with its file, lines and bytes.

        Args:
            query: What to look for; words in double quotes must be adjacent.
            k: Number of hits.
            mode: By words, by meaning, or both.
            where: Search only passages whose fields have these values.
        """
        return self._librarian.search(query, k, mode, _filters(where))

    def search_by_words(
        self, query: str, k: int = 10, mode: Mode = Mode.HYBRID, where: Where | None = None
    ) -> list[Hit]:
        """The same search without the embedder, if its model is not on this machine.

        Raises:
            ModelMissing: the mode is `vector`.
        """
        if mode == Mode.VECTOR:
            raise ModelMissing("a search by meaning needs the embedder", cure="fetch it once: omni model pull")
        return self._librarian.search(query, k, Mode.KEYWORD, _filters(where))

    @tool("knowledge.ask", title="Ask the knowledge base", category="knowledge", read_only=True)
    def ask(self, question: Query, where: Where | None = None) -> Answer:
        """Answer a question in the sources' own words, each sentence with its citation; an error if they do not.

        Args:
            question: A question.
            where: Search only passages whose fields have these values.
        """
        answer = self._librarian.ask(question, _filters(where))
        if answer.abstained:
            raise NoAnswer("the sources do not answer this", cure="find related passages with knowledge.search")
        return answer

    @tool("knowledge.context", title="Collect passages for a prompt", category="knowledge", read_only=True)
    def context(
        self,
        query: Query,
        max_tokens: TokenCount = 2_000,
        where: Where | None = None,
        neighbours: NeighbourCount = 0,
        sections: bool = False,
    ) -> Context:
        """Collect the best passages that fit a token budget, as one text with a citation above each.

        Args:
            query: What the passages should be about.
            max_tokens: The budget, which is never exceeded.
            where: Search only passages whose fields have these values.
            neighbours: How many passages before and after each one to add, where they fit.
            sections: Whether to add the whole section around each one, where it fits.
        """
        return self._librarian.context(query, max_tokens, _filters(where), neighbours=neighbours, sections=sections)

    @tool("knowledge.show", title="Open a citation", category="knowledge", read_only=True)
    def show(self, citation: Annotated[str, Field(min_length=1, max_length=4_096)]) -> Passage:
        """Show exactly the text that a citation names.

        Args:
            citation: The citation of a hit or an answer: PATH:LINE, PATH:LINE-LINE, PATH:pPAGE; or a URI or chunk_id.
        """
        return self._librarian.show(citation)

    @tool("knowledge.outline", title="List documents or sections", category="knowledge", read_only=True)
    def outline(self, of: Annotated[str, Field(max_length=4_096)] = "", start: Position = 0) -> Outline:
        """List the documents, or the sections of one document with their lines; 100 entries at a time.

        Args:
            of: A document, for its sections; or a folder or pattern such as docs/**, for its documents. Default: all.
            start: How many entries to leave out: the number of those seen so far.
        """
        snapshot = Snapshot.open(self._home, self._release, self._viewer)
        return outline(snapshot, of, start, OUTLINE_ENTRIES)

    @tool("knowledge.explain", title="Explain a missing hit", category="knowledge", read_only=True)
    def explain(self, query: Query, document: Annotated[str, Field(min_length=1, max_length=4_096)]) -> WhyNot:
        """Explain why a search does or does not find a document, stage by stage.

        Args:
            query: The query of the search.
            document: The citation, path or URI of the document.
        """
        return self._librarian.why_not(query, document)

    @tool("knowledge.changes", title="What changed", category="knowledge", read_only=True)
    def changes(self, since: Annotated[int | None, Field(ge=1)] = None) -> Changes:
        """List the documents that were added, changed or removed since a release.

        Args:
            since: Number of a kept release; default: the one before the newest.
        """
        newest = require_release(self._home, self._release).release
        before = since or max((number for number in release_numbers(self._home) if number < newest), default=None)
        if before is None:
            raise ConfigurationError(f"release {newest} is the only one that is kept", cure="see: knowledge.status")
        return compare_releases(self._home, before, newest, diffs=False, viewer=self._viewer)

    @tool("knowledge.status", title="State of the knowledge base", category="knowledge", read_only=True)
    def status(self) -> Status:
        """Say what the knowledge base holds: release, counts, index coverage, and when each source was last seen."""
        return status(self._home, viewer=self._viewer)

    @functools.cached_property
    def _librarian(self) -> Librarian:
        return Librarian.open(self._home, self._release, viewer=self._viewer, embedder=self._embedder)


def knowledge_catalog(
    home: Home | Path | str,
    release: int | None = None,
    *,
    viewer: Viewer | None = None,
    embedder: Embedder | None = None,
) -> ToolCatalog:
    """The librarian's tools of one home. Nothing is opened, and no home need exist, until a tool is called."""
    if not isinstance(home, Home):
        home = Home(Path(home).expanduser().absolute())
    tools = KnowledgeTools(home, release, viewer=viewer, embedder=embedder)
    catalog = ToolCatalog()
    catalog.add(tools.search, tools.ask, tools.context, tools.show, tools.outline, tools.explain)
    catalog.add(tools.changes, tools.status)
    catalog.add_variant("knowledge.search", WORDS, tools.search_by_words)
    return catalog


def _filters(where: Where | None) -> dict[str, str]:
    return {} if where is None else where.model_dump(exclude_none=True)
