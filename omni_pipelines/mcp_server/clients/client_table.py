"""The clients that `omni install` knows: the file of each, and what our entry in it looks like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from omni_pipelines.errors import ConfigurationError, nearest
from omni_pipelines.mcp_server.clients import json_text, toml_text

ENTRY = "omni"
"""The name of our server in every file."""


@dataclass(frozen=True)
class Client:
    """An editor or an agent."""

    name: str
    title: str
    file: Path
    """Below the folder of the project, or below the home folder of the person if `is_personal`."""
    servers: str
    """The member of its file that holds the servers by name."""
    form: ModuleType = json_text
    fixed: Mapping[str, str] | None = None
    """Members that every entry has besides command and arguments."""
    is_personal: bool = False

    def path(self, project: Path, person: Path) -> Path:
        """The file, wherever a link at its place leads."""
        return ((person if self.is_personal else project) / self.file).resolve()

    def entry(self, command: Sequence[str]) -> Mapping[str, object]:
        """Our entry."""
        return {**(self.fixed or {}), "command": command[0], "args": list(command[1:])}


CLIENTS: Mapping[str, Client] = {
    client.name: client
    for client in (
        Client("claude", "Claude Code", Path(".mcp.json"), "mcpServers"),
        Client("codex", "Codex", Path(".codex/config.toml"), "mcp_servers", toml_text, is_personal=True),
        Client("cursor", "Cursor", Path(".cursor/mcp.json"), "mcpServers"),
        Client("vscode", "Visual Studio Code", Path(".vscode/mcp.json"), "servers", fixed={"type": "stdio"}),
    )
}


def client_named(name: str) -> Client:
    """The client with a name.

    Raises:
        ConfigurationError: there is none.
    """
    if name not in CLIENTS:
        known = ", ".join(CLIENTS)
        raise ConfigurationError(f"there is no client {name!r}", cure=nearest(name, list(CLIENTS), f"use {known}"))
    return CLIENTS[name]
