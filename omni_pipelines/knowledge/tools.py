"""The librarian's tools: what an agent, an editor or a script may ask a knowledge base. All of them only read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from omni_pipelines.errors import ModelMissing, NoAnswer
from omni_pipelines.home import Home
from omni_pipelines.knowledge.answers.answer import Answer
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.search.citations import Passage
from omni_pipelines.knowledge.search.context import Context
from omni_pipelines.knowledge.search.search import MAX_CHARACTERS, MAX_HITS, Hit, Mode
from omni_pipelines.knowledge.state.access import Reader
from omni_pipelines.knowledge.state.status import Status, status
from omni_pipelines.text.embedding import Embedder
from omni_pipelines.tools.catalog import ToolCatalog
from omni_pipelines.tools.definition import ToolVariant
from omni_pipelines.tools.signature import tool

MAX_CONTEXT = 100_000
WORDS = ToolVariant(name="words", description="By words alone, where the embedder's model is missing.", priority=51)
Query = Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS, pattern=r"\S")]
HitCount = Annotated[int, Field(ge=1, le=MAX_HITS)]
TokenCount = Annotated[int, Field(ge=1, le=MAX_CONTEXT)]
NeighbourCount = Annotated[int, Field(ge=0, le=10)]


class Where(BaseModel):
    """Narrow it to passages whose fields have these values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Annotated[str | None, Field(description="Name of a source, as knowledge.status lists it.")] = None
    path: Annotated[str | None, Field(description="Path of a file in its source; docs/** is all below docs.")] = None
    language: Annotated[
        str | None, Field(description="Language of code, such as python, or of prose, such as de.")
    ] = None
    kind: Annotated[str | None, Field(description="prose, markup, data or code.")] = None
    modified: Annotated[
        str | None,
        Field(description="Days of its last change: 2026-01-01..2026-03-31, 2026-01-01.., or one day."),
    ] = None


class KnowledgeTools:
    """The tools of one home. A librarian is opened when the first of them is called, not before.

    Args:
        home: the knowledge base.
        release: a kept release; None is the newest when it is opened.
        reader: whom the tools serve; None is the owner, who sees everything.
        embedder: stands in for the one that the settings name.
    """

    def __init__(
        self,
        home: Home,
        release: int | None = None,
        *,
        reader: Reader | None = None,
        embedder: Embedder | None = None,
    ) -> None:
        self._home, self._release, self._reader, self._embedder = home, release, reader, embedder
        self._opened: Librarian | None = None

    @tool("knowledge.search", title="Search the knowledge base", category="knowledge", read_only=True)
    def search(
        self, query: Query, k: HitCount = 10, mode: Mode = Mode.HYBRID, where: Where | None = None
    ) -> list[Hit]:
        """Find passages in the indexed documents and code, best first, each with its file, lines and bytes.

        Args:
            query: What to look for; words in double quotes must stand together.
            k: How many hits.
            mode: By words, by meaning, or both.
            where: Narrow it to passages whose fields have these values.
        """
        return self._librarian().search(query, k, mode, _filters(where))

    def search_by_words(
        self, query: str, k: int = 10, mode: Mode = Mode.HYBRID, where: Where | None = None
    ) -> list[Hit]:
        """The same without the embedder, where its model is not on this machine.

        Raises:
            ModelMissing: only a search by meaning was asked for.
        """
        if mode == Mode.VECTOR:
            raise ModelMissing("a search by meaning needs the embedder", cure="fetch it once: omni model pull")
        return self._librarian().search(query, k, Mode.KEYWORD, _filters(where))

    @tool("knowledge.ask", title="Ask the knowledge base", category="knowledge", read_only=True)
    def ask(self, question: Query, where: Where | None = None) -> Answer:
        """Answer a question in the sources' own words, each sentence with its citation; an error if they do not tell.

        Args:
            question: A question.
            where: Narrow it to passages whose fields have these values.
        """
        found = self._librarian().ask(question, _filters(where))
        if found.abstained:
            raise NoAnswer("the sources do not answer this", cure="look at what is near with knowledge.search")
        return found

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
            query: What the passages shall be about.
            max_tokens: The budget, which is never exceeded.
            where: Narrow it to passages whose fields have these values.
            neighbours: How many passages before and behind each one come with it, where they fit.
            sections: Whether the whole section around each one comes with it, where it fits.
        """
        return self._librarian().context(query, max_tokens, _filters(where), neighbours=neighbours, sections=sections)

    @tool("knowledge.show", title="Open a citation", category="knowledge", read_only=True)
    def show(self, citation: Annotated[str, Field(min_length=1, max_length=4_096)]) -> Passage:
        """Show the exact lines that a citation names.

        Args:
            citation: PATH:LINE, PATH:LINE-LINE, "PATH, page N", a file URI, or the chunk_id of a hit.
        """
        return self._librarian().show(citation)

    @tool("knowledge.status", title="State of the knowledge base", category="knowledge", read_only=True)
    def status(self) -> Status:
        """Say what the knowledge base holds: release, counts, index coverage, and when each source was last seen."""
        return status(self._home, reader=self._reader)

    def _librarian(self) -> Librarian:
        if self._opened is None:
            self._opened = Librarian.open(self._home, self._release, reader=self._reader, embedder=self._embedder)
        return self._opened


def knowledge_catalog(
    home: Home | Path | str,
    release: int | None = None,
    *,
    reader: Reader | None = None,
    embedder: Embedder | None = None,
) -> ToolCatalog:
    """The librarian's tools over one home. Nothing is opened, and nothing need be there, until one is called."""
    place = home if isinstance(home, Home) else Home(Path(home).expanduser().absolute())
    tools = KnowledgeTools(place, release, reader=reader, embedder=embedder)
    catalog = ToolCatalog()
    catalog.add(tools.search, tools.ask, tools.context, tools.show, tools.status)
    catalog.add_variant("knowledge.search", WORDS, tools.search_by_words)
    return catalog


def _filters(where: Where | None) -> dict[str, str]:
    return {} if where is None else where.model_dump(exclude_none=True)
