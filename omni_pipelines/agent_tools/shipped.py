"""The catalog of all tools that ship, with the policy of each."""

from dataclasses import dataclass

from omni_pipelines.agent_tools.dagster import DagsterTools
from omni_pipelines.agent_tools.files import FileTools
from omni_pipelines.agent_tools.git import GitTools
from omni_pipelines.agent_tools.notes import NoteTools
from omni_pipelines.home import Home
from omni_pipelines.knowledge.librarian_tools import KnowledgeTools, add_knowledge_tools
from omni_pipelines.knowledge.state.access import Viewer
from omni_pipelines.permissions.policies import Effect, ToolPolicy
from omni_pipelines.permissions.scopes import ScopedFolder
from omni_pipelines.text.embedding import Embedder
from omni_pipelines.tools.catalog import ToolCatalog


@dataclass(frozen=True)
class ShippedTools:
    """Tools, and what the gatekeeper has to know about them."""

    catalog: ToolCatalog
    policies: dict[str, ToolPolicy]


def shipped_tools(
    home: Home, release: int | None = None, *, viewer: Viewer | None = None, embedder: Embedder | None = None
) -> ShippedTools:
    """All tools that ship, for a home and the folder of the project that it is in. Nothing is opened yet.

    A viewer gets only those that read the knowledge base, because the others show what the owner sees.
    """
    catalog = ToolCatalog()
    add_knowledge_tools(catalog, KnowledgeTools(home, release, viewer=viewer, embedder=embedder))
    policies = {name: ToolPolicy(name.replace(".", ":"), Effect.READ) for name in catalog.names}
    if viewer is not None:
        return ShippedTools(catalog, policies)
    project = home.root.parent.resolve()
    files, git = FileTools(ScopedFolder(project)), GitTools(project)
    notes, dagster = NoteTools(home), DagsterTools(home)
    catalog.add(files.read, files.list_, files.grep, files.write, files.edit)
    catalog.add(git.status, git.diff, git.log, git.show)
    catalog.add(notes.save, notes.find, dagster.launch, dagster.status)
    return ShippedTools(catalog, policies | _policies(files))


def _policies(files: FileTools) -> dict[str, ToolPolicy]:
    path, everything_below = ("path",), True
    return {
        "files.read": ToolPolicy("files:read", Effect.READ, path),
        "files.list": ToolPolicy("files:read", Effect.READ, path, everything_below),
        "files.grep": ToolPolicy("files:read", Effect.READ, path, everything_below),
        "files.write": ToolPolicy("files:write", Effect.WRITE, path, is_untrusted=False, preview=files.preview_write),
        "files.edit": ToolPolicy("files:write", Effect.WRITE, path, preview=files.preview_edit),
        **{f"git.{name}": ToolPolicy("git:read", Effect.READ, path, everything_below) for name in _GIT},
        "notes.save": ToolPolicy("notes:save", Effect.WRITE, is_untrusted=False),
        "notes.find": ToolPolicy("notes:find", Effect.READ),
        "dagster.launch": ToolPolicy("dagster:launch", Effect.RUN),
        "dagster.status": ToolPolicy("dagster:status", Effect.READ, is_untrusted=False),
    }


_GIT = ("status", "diff", "log", "show")
