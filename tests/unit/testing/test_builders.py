"""The files that the builders write."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.testing.builders import Skill, SourceTree


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_source_tree_writes_files_byte_for_byte(tmp_path: Path) -> None:
    tree = (
        SourceTree(tmp_path / "tree").file("a.md", "ä\r\n").bytes("b/c.bin", b"\x00").files({"d.md": "d", "e": b"e"})
    )
    tree.git_ignore("*.log", "build/").git_ignore("x", folder="b").remove("d.md")
    assert files(tree.root) == {
        "a.md": "ä\r\n".encode(),
        "b/c.bin": b"\x00",
        "e": b"e",
        ".gitignore": b"*.log\nbuild/\n",
        "b/.gitignore": b"x\n",
    }


@pytest.mark.parametrize("path", ["../a", "a/../../b", "/a"])
def test_source_tree_refuses_paths_outside_of_it(tmp_path: Path, path: str) -> None:
    with pytest.raises(ConfigurationError, match="is outside the tree"):
        SourceTree(tmp_path / "tree").file(path, "")
    assert files(tmp_path) == {}


def test_skill_builder_writes_frontmatter_and_scripts(tmp_path: Path) -> None:
    skill = Skill("git", "Use when there is a repository: any.").with_metadata(
        author="me", permissions=["process:run"]
    )
    folder = skill.with_script("commands.py", "x = 1\n").create(tmp_path)
    text = (folder / "SKILL.md").read_text()
    _, front, body = text.split("---\n", 2)
    assert folder == tmp_path / "git"
    assert yaml.safe_load(front) == {
        "name": "git",
        "description": "Use when there is a repository: any.",
        "metadata": {"version": "0.1.0", "author": "me", "permissions": ["process:run"]},
    }
    assert body == "\n# git\n"
    assert sorted(files(folder)) == ["SKILL.md", "scripts/commands.py"]


def test_version_that_looks_like_a_number_stays_text(tmp_path: Path) -> None:
    text = (Skill("a").with_metadata(version="1.0").create(tmp_path) / "SKILL.md").read_text()
    assert yaml.safe_load(text.split("---\n")[1])["metadata"]["version"] == "1.0"
