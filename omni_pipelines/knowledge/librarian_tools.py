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
    """Only passages with these values."""

    source: Annotated[str | None, Field(description="name of a source")] = None
    path: Annotated[str | None, Field(description="docs/** is all below docs")] = None
    language: Annotated[str | None, Field(description="python, de")] = None
    kind: Annotated[str | None, Field(description="prose, markup, data or code")] = None
    modified: Annotated[str | None, Field(description="2026-01-01..2026-03-31")] = None


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
            where: Only passages with these values.
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
            where: Only passages with these values.
        """
        answer = self._librarian.ask(question, _filters(where), generate=False)  # who calls a tool words it
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
            max_tokens: The budget.
            where: Only passages with these values.
            neighbours: Passages to add before and after each, where they fit.
            sections: Add the whole section of each, where it fits.
        """
        return self._librarian.context(query, max_tokens, _filters(where), neighbours=neighbours, sections=sections)

    @tool("knowledge.show", title="Open a citation", category="knowledge", read_only=True)
    def show(self, citation: str) -> Passage:
        """Show exactly the text that a citation names.

        Args:
            citation: PATH:LINE, PATH:LINE-LINE or PATH:pPAGE; or a URI or chunk_id.
        """
        return self._librarian.show(citation)

    @tool("knowledge.outline", title="List documents or sections", category="knowledge", read_only=True)
    def outline(self, of: str = "", start: Position = 0) -> Outline:
        """List the documents, or the sections of one with their lines, 100 at a time.

        Args:
            of: A document, for its sections; or a folder or pattern such as docs/**.
            start: Entries to leave out.
        """
        snapshot = Snapshot.open(self._home, self._release, self._viewer)
        return outline(snapshot, of, start, OUTLINE_ENTRIES)

    @tool("knowledge.explain", title="Explain a missing hit", category="knowledge", read_only=True)
    def explain(self, query: Query, document: str) -> WhyNot:
        """Explain why a search does or does not find a document.

        Args:
            query: The query.
            document: Citation, path or URI.
        """
        return self._librarian.why_not(query, document)

    @tool("knowledge.changes", title="What changed", category="knowledge", read_only=True)
    def changes(self, since: Annotated[int | None, Field(ge=1)] = None) -> Changes:
        """List the documents that were added, changed or removed since a release.

        Args:
            since: Number of a release; default: the one before the newest.
        """
        newest = require_release(self._home, self._release).release
        before = since or max((number for number in release_numbers(self._home) if number < newest), default=None)
        if before is None:
            raise ConfigurationError(f"release {newest} is the only one that is kept", cure="see: knowledge.status")
        return compare_releases(self._home, before, newest, diffs=False, viewer=self._viewer)

    @tool("knowledge.status", title="State of the knowledge base", category="knowledge", read_only=True)
    def status(self) -> Status:
        """Say what the knowledge base holds, and when each source was last seen."""
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
    add_knowledge_tools(catalog, tools)
    catalog.add(tools.explain)
    return catalog


def add_knowledge_tools(catalog: ToolCatalog, tools: KnowledgeTools) -> None:
    """Add what an agent needs to answer from a knowledge base; `knowledge.explain` is for those who maintain it."""
    catalog.add(tools.search, tools.ask, tools.context, tools.show, tools.outline, tools.changes, tools.status)
    catalog.add_variant("knowledge.search", WORDS, tools.search_by_words)


def _filters(where: Where | None) -> dict[str, str]:
    return {} if where is None else where.model_dump(exclude_none=True)
