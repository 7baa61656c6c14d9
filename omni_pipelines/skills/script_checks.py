"""The strict check of the scripts of a skill: what they import, and which tools they call. Nothing of them is run."""

import ast
from collections.abc import Iterator, Mapping

from omni_pipelines.errors import nearest
from omni_pipelines.permissions.capabilities import names
from omni_pipelines.skills.command import call_tool
from omni_pipelines.skills.folder import SkillFolder
from omni_pipelines.skills.problems import SkillProblem

NEEDS: Mapping[str, str] = {
    "subprocess": "process:run",
    "pty": "process:run",
    "multiprocessing": "process:run",
    "socket": "network:connect",
    "http": "network:http",
    "urllib.request": "network:http",
    "httpx": "network:http",
    "httpx2": "network:http",
    "requests": "network:http",
    "aiohttp": "network:http",
    "ftplib": "network:connect",
    "smtplib": "network:connect",
    "shutil": "files:write",
}
"""Module that a script imports → the permission without which it is of no use."""


def script_problems(folder: SkillFolder, capabilities: Mapping[str, str] | None) -> Iterator[SkillProblem]:
    """Scripts that are no Python, and permissions that they need and the skill does not declare.

    `capabilities` are those that tools need, by the names of the tools; None if they are not known.
    """
    for name in folder.files:
        if not is_script(name):
            continue
        try:
            tree = ast.parse((folder.path / name).read_bytes(), name)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            yield SkillProblem(file=name, line=line, message=f"is no Python: {error}", cure="correct it")
            continue
        yield from _undeclared(folder, name, tree)
        if capabilities is not None:
            yield from _undeclared_tools(folder, name, tree, capabilities)


def _undeclared(folder: SkillFolder, name: str, tree: ast.AST) -> Iterator[SkillProblem]:
    declared = folder.metadata.permissions
    seen: set[str] = set()
    for module, line in _imports(tree):
        need = NEEDS.get(module) or NEEDS.get(module.partition(".")[0])
        if need is None or need in seen or any(names(pattern, need) for pattern in declared):
            continue
        seen.add(need)
        message = f"imports {module}, which needs the permission {need}"
        yield SkillProblem(file=name, line=line, message=message, cure=f"add {need} to metadata.permissions")


def _imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def _undeclared_tools(
    folder: SkillFolder, name: str, tree: ast.AST, capabilities: Mapping[str, str]
) -> Iterator[SkillProblem]:
    declared = folder.metadata.permissions
    for tool, line in _called_tools(tree):
        capability = capabilities.get(tool)
        if capability is None:
            message, cure = f"calls {tool}, which is no tool", nearest(tool, list(capabilities))
        elif not any(names(pattern, capability) for pattern in declared):
            message = f"calls {tool}, which needs the permission {capability}"
            cure = f"add {capability} to metadata.permissions"
        else:
            continue
        yield SkillProblem(file=name, line=line, message=message, cure=cure)


def called_tools(folder: SkillFolder) -> set[str]:
    """The names of the tools that the scripts of a skill call, whose code is Python."""
    trees = (ast.parse((folder.path / name).read_bytes()) for name in folder.files if is_script(name))
    return {tool for tree in trees for tool, _ in _called_tools(tree)}


def is_script(name: str) -> bool:
    """Whether a file of a skill is a script of Python, and no test."""
    return name.endswith(".py") and not name.startswith("tests/")


def _called_tools(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == call_tool.__name__:
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value, node.lineno
