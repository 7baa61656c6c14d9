"""Our entry in the configuration files of editors and agents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.mcp_server.clients import json_text, toml_text
from omni_pipelines.mcp_server.clients.client_table import CLIENTS
from omni_pipelines.mcp_server.clients.installation import Installation

COMMAND = ("omni", "mcp", "--home", "/home/me/.omni")
ENTRY = {"command": "omni", "args": ["mcp", "--home", "/home/me/.omni"]}
PATH = ("mcpServers", "omni")

COMMENTED = """// my servers
{
    "theme": "dark", // { not a brace
    /* several
       lines */
    "mcpServers": {
        "other": {"command": "x", "args": []}, // kept
    },
}
"""
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('a"\\/{}[],:é', max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text('ab"{', max_size=2), inner, max_size=2),
    max_leaves=6,
)
spaces = st.sampled_from(["", " ", "\n", "\n  ", "\t", " // {,\n", '/* " } */'])


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A text with comments and odd space, and its value."""

    def written(value: Any) -> str:
        space = draw(spaces)
        if isinstance(value, dict):
            members = [f"{space}{json.dumps(key)}{draw(spaces)}:{written(each)}" for key, each in value.items()]
            comma = draw(st.sampled_from(["", ","])) if members else ""
            return f"{space}{{{','.join(members)}{comma}{draw(spaces)}}}"
        if isinstance(value, list):
            return f"{space}[{','.join(map(written, value))}{space}]"
        return space + json.dumps(value, ensure_ascii=False)

    content = draw(st.dictionaries(st.sampled_from(["a", "b", "}"]), values, max_size=2))
    servers = draw(st.none() | st.dictionaries(st.sampled_from(["other", "omni", "x"]), values, max_size=3))
    content |= {} if servers is None else {"mcpServers": servers}
    return written(content) + draw(spaces), content


@given(document=documents())
def test_a_member_is_set_and_removed_whatever_the_text_looks_like(document: tuple[str, dict[str, Any]]) -> None:
    text, content = document
    assert json_text.parse(text) == content
    changed = json_text.with_member(text, PATH, ENTRY)
    servers = content.get("mcpServers") or {}
    assert json_text.parse(changed) == {**content, "mcpServers": {**servers, "omni": ENTRY}}
    removed = json_text.parse(json_text.without_member(changed, PATH))
    others = {name: each for name, each in servers.items() if name != "omni"}
    expected = {name: each for name, each in content.items() if name != "mcpServers"}
    assert removed == expected | ({"mcpServers": others} if others else {})


def test_comments_and_format_stay_and_removing_gives_the_text_back() -> None:
    changed = json_text.with_member(COMMENTED, PATH, {"command": "omni"})
    assert changed == COMMENTED.replace(
        '"args": []}, // kept\n',
        '"args": []}, // kept\n        "omni": {\n            "command": "omni"\n        }\n',
    )
    assert json_text.parse(json_text.without_member(changed, PATH)) == json_text.parse(COMMENTED)
    assert "// kept" in json_text.without_member(changed, PATH)


@pytest.mark.parametrize(
    "text", ["{", "[", "{]", '{"a": }', '{"a" 1}', "{'a': 1}", '{"a": 1} x', "nul", '{"a": 1,,}', '"', "/*"]
)
def test_a_text_that_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the messages are those of several parsers
        json_text.parse(text)


TOML = '# mine\nmodel = "x"\n\n[mcp_servers.other] # kept\ncommand = "y"\n\n# about profiles\n[profiles.a]\nb = 1\n'


@pytest.mark.parametrize("text", ["", "a = 1", TOML, TOML + '[mcp_servers.omni]\ncommand = "old"\n\n[z]\n'])
def test_a_table_is_set_and_removed_and_all_other_lines_stay(text: str) -> None:
    path = ("mcp_servers", "omni")
    changed = toml_text.with_member(text, path, ENTRY)
    assert toml_text.parse(changed)["mcp_servers"]["omni"] == ENTRY  # type: ignore[index]
    removed = toml_text.without_member(changed, path)
    kept = [line for line in text.replace('[mcp_servers.omni]\ncommand = "old"\n', "").splitlines() if line]
    assert [line for line in removed.splitlines() if line] == kept


def installed(folder: Path, name: str, text: str | None) -> tuple[Installation, Path]:
    """An installation that has written to the file of a client with a text."""
    installation, client = Installation(folder / "record.json"), CLIENTS[name]
    file = client.path(folder / "project", folder / "person")
    if text is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    installation.apply(installation.plan_install(client, file, COMMAND))
    return installation, file


@pytest.mark.parametrize("name", CLIENTS)
def test_a_file_that_install_created_is_gone_after_uninstall(tmp_path: Path, name: str) -> None:
    client = CLIENTS[name]
    installation, file = installed(tmp_path, name, None)
    content = client.form.parse(file.read_text())
    assert content[client.servers]["omni"]["args"] == list(COMMAND[1:])
    again = installation.plan_install(client, file, COMMAND)
    assert again.is_none
    installation.apply(installation.plan_uninstall(client, file))
    assert not file.exists()
    assert installation.plan_uninstall(client, file).is_none


@pytest.mark.parametrize(("name", "text"), [("cursor", '{"mcpServers": {"other": {}}, "b": [1]}\n'), ("codex", TOML)])
def test_a_file_of_the_person_is_as_before_after_uninstall(tmp_path: Path, name: str, text: str) -> None:
    installation, file = installed(tmp_path, name, text)
    file.chmod(0o600)
    change = installation.plan_uninstall(CLIENTS[name], file)
    installation.apply(change)
    assert CLIENTS[name].form.parse(file.read_text()) == CLIENTS[name].form.parse(text)
    assert "other" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_entry_that_omni_did_not_write_is_neither_replaced_nor_removed(tmp_path: Path) -> None:
    installation, client = Installation(tmp_path / "record.json"), CLIENTS["claude"]
    file = tmp_path / ".mcp.json"
    file.write_text('{"mcpServers": {"omni": {"command": "something else"}}}')
    with pytest.raises(ConfigurationError, match="did not write"):
        installation.plan_install(client, file, COMMAND)
    with pytest.raises(ConfigurationError, match="not what omni wrote"):
        installation.plan_uninstall(client, file)


def test_an_entry_that_the_person_changed_is_not_removed(tmp_path: Path) -> None:
    installation, file = installed(tmp_path, "claude", None)
    file.write_text(file.read_text().replace("--home", "--as"))
    with pytest.raises(ConfigurationError, match="not what omni wrote"):
        installation.plan_uninstall(CLIENTS["claude"], file)


def test_an_entry_of_another_home_is_brought_up_to_date(tmp_path: Path) -> None:
    installation, file = installed(tmp_path, "vscode", None)
    change = installation.plan_install(CLIENTS["vscode"], file, ("omni", "mcp"))
    assert any(line.startswith("-") and "--home" in line for line in change.diff)
    installation.apply(change)
    assert json.loads(file.read_text())["servers"]["omni"] == {"type": "stdio", "command": "omni", "args": ["mcp"]}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("claude", '{"mcpServers": {'),
        ("claude", '{"mcpServers": []}'),
        ("claude", "[1]"),
        ("codex", "[mcp_servers\n"),
        ("codex", "mcp_servers = 3\n"),
    ],
)
def test_a_malformed_file_is_a_clear_error_and_stays_as_it_is(tmp_path: Path, name: str, text: str) -> None:
    client = CLIENTS[name]
    file = client.path(tmp_path, tmp_path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    with pytest.raises(ConfigurationError, match="malformed") as refused:
        Installation(tmp_path / "record.json").plan_install(client, file, COMMAND)
    assert str(file) in refused.value.message
    assert file.read_text() == text


def test_a_toml_form_that_cannot_be_changed_safely_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('mcp_servers = {other = {command = "x"}}\n')
    with pytest.raises(ConfigurationError):
        Installation(tmp_path / "record.json").plan_install(CLIENTS["codex"], file, COMMAND)


def test_a_file_that_changed_after_the_plan_is_not_written(tmp_path: Path) -> None:
    installation, client = Installation(tmp_path / "record.json"), CLIENTS["claude"]
    file = tmp_path / ".mcp.json"
    change = installation.plan_install(client, file, COMMAND)
    file.write_text("{}")
    with pytest.raises(ConfigurationError, match="changed meanwhile"):
        installation.apply(change)
    assert file.read_text() == "{}"
