"""`omni install` and `omni uninstall` as a person meets them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.cli.conftest import Omni


def test_install_shows_the_change_first_and_uninstall_takes_it_back(omni: Omni, tmp_path: Path) -> None:
    file = tmp_path / ".cursor" / "mcp.json"
    file.parent.mkdir()
    file.write_text('{"mcpServers": {"other": {"command": "x"}}}\n')
    shown = omni("install", "cursor", "--dry-run")
    assert shown.code == 0
    assert '+    "omni": {' in shown.out
    unasked = omni("install", "cursor")
    assert unasked.code == 2
    assert '+    "omni": {' in unasked.err
    assert "omni" not in file.read_text()
    assert omni("install", "cursor", "--yes").code == 0
    entry = json.loads(file.read_text())["mcpServers"]["omni"]
    assert entry["args"][-3:] == ["mcp", "--home", str(tmp_path / ".omni")]
    assert omni("install", "cursor", "--yes").out == f"{file}: nothing to change\n"
    assert omni("uninstall", "cursor", "--yes").code == 0
    assert json.loads(file.read_text()) == {"mcpServers": {"other": {"command": "x"}}}


def test_install_passes_on_who_reads_and_refuses_a_viewer_who_writes(omni: Omni, tmp_path: Path) -> None:
    assert omni("install", "claude", "--as", "staff", "--yes").code == 0
    args = json.loads((tmp_path / ".mcp.json").read_text())["mcpServers"]["omni"]["args"]
    assert args[-2:] == ["--as", "staff"]
    assert omni("install", "claude", "--as", "staff", "--allow-writes").code == 2


def test_an_unknown_client_and_a_malformed_file_are_clear_errors(omni: Omni, tmp_path: Path) -> None:
    unknown = omni("install", "claud")
    assert unknown.code == 2
    assert "did you mean claude?" in unknown.err
    (tmp_path / ".mcp.json").write_text("{")
    malformed = omni("install", "claude", "--yes")
    assert malformed.code == 2
    assert "is malformed" in malformed.err
    assert (tmp_path / ".mcp.json").read_text() == "{"
