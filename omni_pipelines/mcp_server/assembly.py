"""Puts a server together: which tools it has, for whom, and what the gatekeeper knows about them."""

import uuid
from collections.abc import Mapping

from omni_pipelines.home import Home
from omni_pipelines.knowledge.librarian_tools import knowledge_catalog
from omni_pipelines.knowledge.state.access import Viewer
from omni_pipelines.mcp_server.approvals import ClientApprover
from omni_pipelines.mcp_server.calls import CallLimits
from omni_pipelines.mcp_server.current_tools import CurrentTools
from omni_pipelines.mcp_server.release_watch import CHECK_SECONDS
from omni_pipelines.mcp_server.resources import Resources
from omni_pipelines.mcp_server.server import KnowledgeServer
from omni_pipelines.mcp_server.tools import WRITING
from omni_pipelines.operations.writing_tools import add_writing_tools
from omni_pipelines.permissions.capabilities import capability_of_tool
from omni_pipelines.permissions.files import permission_files
from omni_pipelines.permissions.gatekeeper import Gatekeeper
from omni_pipelines.permissions.grants import Grant
from omni_pipelines.permissions.policies import Effect, ToolPolicy
from omni_pipelines.text.embedding import Embedder
from omni_pipelines.tools.catalog import ToolCatalog


def make_server(
    home: Home,
    *,
    viewer: Viewer | None = None,
    allow_writes: bool = False,
    embedder: Embedder | None = None,
    limits: CallLimits | None = None,
    watch_seconds: float = CHECK_SECONDS,
) -> KnowledgeServer:
    """The server of a home, which need not exist yet. A viewer reads what they may see; without one, the owner."""
    files, session = permission_files(home), f"mcp-{uuid.uuid4().hex[:12]}"
    resources = Resources(home, viewer)
    granted = [Grant(capabilities=capability_of_tool(name)) for name in WRITING] if allow_writes else []

    def gatekeeper_of(release: int | None, is_tainted: bool) -> Gatekeeper:
        catalog = knowledge_catalog(home, release, viewer=viewer, embedder=embedder)
        catalog.add(resources.page, resources.read)
        if allow_writes:
            add_writing_tools(catalog, home)
        return Gatekeeper(
            catalog, _policies(catalog), files, session, ClientApprover(), granted=granted, is_tainted=is_tainted
        )

    return KnowledgeServer(home, CurrentTools(home, gatekeeper_of), limits, watch_seconds)


def _policies(catalog: ToolCatalog) -> Mapping[str, ToolPolicy]:
    """All tools of the catalog are ours, and this is what they do. The answer of a write is our own text."""
    return {
        name: ToolPolicy(
            capability_of_tool(name),
            Effect.WRITE if name in WRITING else Effect.READ,
            is_untrusted=name not in (*WRITING, "knowledge.status"),
        )
        for name in catalog.names
    }
