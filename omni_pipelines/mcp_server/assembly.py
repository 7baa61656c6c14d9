"""Puts a server together: which tools it has, for whom, and what the gatekeeper knows about them."""

import uuid
from collections.abc import Iterable

from omni_pipelines.configuration import load_settings
from omni_pipelines.home import Home
from omni_pipelines.knowledge.librarian_tools import KnowledgeTools, knowledge_catalog
from omni_pipelines.knowledge.state.access import Viewer
from omni_pipelines.mcp_server.approvals import ClientApprover
from omni_pipelines.mcp_server.calls import CallLimits
from omni_pipelines.mcp_server.current_tools import CurrentTools
from omni_pipelines.mcp_server.resources import Resources
from omni_pipelines.mcp_server.server import KnowledgeServer
from omni_pipelines.mcp_server.tools import RUN_TASK, WRITING
from omni_pipelines.mcp_server.watch import CHECK_SECONDS
from omni_pipelines.operations.writing_tools import add_writing_tools
from omni_pipelines.permissions.capabilities import capability_of_tool
from omni_pipelines.permissions.files import permission_files
from omni_pipelines.permissions.gatekeeper import Gatekeeper
from omni_pipelines.permissions.grants import Grant
from omni_pipelines.permissions.policies import Effect, ToolPolicy
from omni_pipelines.skills.library import SkillLibrary
from omni_pipelines.text.embedding import Embedder
from omni_pipelines.tools.catalog import ToolCatalog


def make_server(
    home: Home,
    *,
    viewer: Viewer | None = None,
    allow_writes: bool = False,
    allow_skills: bool = False,
    embedder: Embedder | None = None,
    limits: CallLimits | None = None,
    watch_seconds: float = CHECK_SECONDS,
) -> KnowledgeServer:
    """The server of a home, which need not exist yet. A viewer reads what they may see; without one, the owner."""
    files, session = permission_files(home), f"mcp-{uuid.uuid4().hex[:12]}"
    resources = Resources(home, viewer)
    granted = [Grant(capabilities=capability_of_tool(name)) for name in WRITING] if allow_writes else []

    def complete(catalog: ToolCatalog, policies: dict[str, ToolPolicy]) -> None:
        catalog.add(resources.page, resources.read, resources.complete)
        if allow_writes:
            add_writing_tools(catalog, home)
        policies |= _policies(name for name in catalog.names if name.startswith("knowledge."))

    def gatekeeper_of(release: int | None, is_tainted: bool) -> Gatekeeper:
        approver = ClientApprover()
        if not allow_skills:
            policies: dict[str, ToolPolicy] = {}
            catalog = knowledge_catalog(home, release, viewer=viewer, embedder=embedder)
            complete(catalog, policies)
            return Gatekeeper(catalog, policies, files, session, approver, granted=granted, is_tainted=is_tainted)
        # these load all tools that ship, which only the commands of skills call
        from omni_pipelines.agent_tools.shipped import shipped_tools
        from omni_pipelines.agent_tools.skill_commands import SkillCommands

        tools = shipped_tools(home, release, viewer=viewer, embedder=embedder)
        tools.catalog.add(KnowledgeTools(home, release, viewer=viewer, embedder=embedder).explain)
        complete(tools.catalog, tools.policies)
        skills = SkillCommands(SkillLibrary(home), load_settings(home).cache)
        return skills.gatekeeper(tools, files, session, approver, granted=granted, is_tainted=is_tainted)

    return KnowledgeServer(home, CurrentTools(home, gatekeeper_of), limits, watch_seconds)


def _policies(names: Iterable[str]) -> dict[str, ToolPolicy]:
    """These tools are ours, and this is what they do. The answer of a write is our own text; a task quotes others."""
    return {
        name: ToolPolicy(
            capability_of_tool(name),
            Effect.WRITE if name in WRITING else Effect.READ,
            is_untrusted=name == RUN_TASK or name not in (*WRITING, "knowledge.status"),
        )
        for name in names
    }
