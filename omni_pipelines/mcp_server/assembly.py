"""Puts a server together: which tools it has, for whom, and behind which gate."""

from omni_pipelines.home import Home
from omni_pipelines.knowledge.librarian_tools import knowledge_catalog
from omni_pipelines.knowledge.state.access import Viewer
from omni_pipelines.mcp_server.calls import CallLimits
from omni_pipelines.mcp_server.current_tools import CurrentTools
from omni_pipelines.mcp_server.resources import Resources
from omni_pipelines.mcp_server.server import KnowledgeServer
from omni_pipelines.operations.writing_tools import add_writing_tools
from omni_pipelines.text.embedding import Embedder
from omni_pipelines.tools.catalog import ToolCatalog


def make_server(
    home: Home,
    *,
    viewer: Viewer | None = None,
    allow_writes: bool = False,
    embedder: Embedder | None = None,
    limits: CallLimits | None = None,
) -> KnowledgeServer:
    """The server of a home, which need not exist yet. A viewer reads what they may see; without one, the owner."""

    def catalog_of(release: int | None) -> ToolCatalog:
        catalog = knowledge_catalog(home, release, viewer=viewer, embedder=embedder)
        if allow_writes:
            add_writing_tools(catalog, home)
        return catalog

    return KnowledgeServer(home, CurrentTools(home, catalog_of), Resources(home, viewer), limits)
