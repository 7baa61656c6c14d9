"""A knowledge base in folders of many names: all works, and nothing is made beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from omni_pipelines.configuration import load_settings
from omni_pipelines.home import Home
from tests.integration.pipeline import test_odd_homes
from tests.integration.pipeline.test_odd_homes import LINK, SIGNS, the_only_thing_in
from tests.stress.harness.extent import EXTENT, while_time_lasts
from tests.stress.harness.figures import Figures

NAMES = (
    *(
        "what next?",
        "my%20files",
        "100%",
        "a#b",
        "[set]",
        'it\'s "quoted"',
        "two  words ",
        "Bücher 文字 🐙",
        "e\u0301",
    ),
    *("new\nline", "x" * 200, "-dash", "{braces} %s {0}", "st*r", "$HOME", "a&b;c", "back\\slash", "~tilde", "a:b@c"),
    *("`id` | > <", "a?b=c&d#e%41"),
)
KEYS = "# Keys\n\nKeys are rotated with the rotate command every ninety days.\n"

pytestmark = [
    pytest.mark.usefixtures("models"),
    pytest.mark.timeout(1_200),
    pytest.mark.skipif(EXTENT.name == "short", reason="some seconds for each name, and minutes for the command line"),
]


def test_the_whole_line_stays_in_folders_of_all_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figures: Figures
) -> None:
    tried = []
    for number, name in enumerate(while_time_lasts([*NAMES, LINK])):
        with the_only_thing_in(tmp_path / str(number), name) as folder:
            test_odd_homes.test_the_whole_line_stays_in_its_folder(folder, monkeypatch)
            monkeypatch.chdir(tmp_path)
        tried.append(name)
    figures.add(
        "a knowledge base in a folder of any name",
        "ingest, search, show, ask, verify, SQL, compact, migrate, export, import, scrub, rollback, forget",
        names=len(tried),
        failures=0,
        files_outside=0,
    )


@pytest.fixture(params=[SIGNS, LINK])
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    with the_only_thing_in(tmp_path / "above", request.param) as folder:
        yield folder


def test_every_command_works_and_stays_in_its_folder(folder: Path, tmp_path: Path) -> None:
    for name in ("user", "temporary"):
        (tmp_path / name).mkdir()
    environment = {
        **os.environ,
        "OMNI_CACHE": str(load_settings(Home(tmp_path)).cache),
        "HOME": str(tmp_path / "user"),
        "TMPDIR": str(tmp_path / "temporary"),
    }

    def omni(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "omni_pipelines.cli.main", *words],
            cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    name = folder.name[:60].removeprefix("~")  # as a path of its own, `~x` means the folder of a user
    note = f"{name}.md"
    (folder / name).mkdir()
    (folder / name / note).write_text(KEYS)
    (folder / name / "gone.md").write_text("# Gone\n\nThe walrus sleeps on ice.\n")

    omni("ingest", "--", name)
    (hit, *_) = json.loads(omni("search", "rotate command", "--json"))["hits"]
    assert hit["uri"] == (folder.resolve() / name / note).as_uri()
    for citation in (hit["citation"], f"{hit['uri']}#L3", f"{Path(name, note)}:3"):
        assert "ninety days" in omni("show", "--", citation)
    assert "ninety days" in omni("get", "--", note)
    assert "ninety days" in omni("ask", "How often are keys rotated?", "--receipt", "a receipt?.json")
    omni("verify", "a receipt?.json")
    omni("why-not", "rotate", "gone.md")
    assert len(json.loads(omni("sql", "SELECT path FROM documents", "--json"))["rows"]) == 2
    (folder / name / "new.md").write_text("# New\n\nPuffins nest in burrows.\n")
    omni("launch", "refresh_job")
    for words in (("compact",), ("migrate", "--force"), ("health",), ("export", "chunks", "a?%20#.parquet")):
        omni("db", *words)
    omni("scrub")
    omni("status")
    omni("releases", "export", "2", "a?%20#.tar")
    omni("releases", "import", "a?%20#.tar", "--home", f"./other {name}/.omni")
    assert json.loads(omni("search", "puffins", "--json", "--home", f"./other {name}/.omni"))["hits"]
    omni("releases", "rollback", "1")
    omni("forget", "--yes", "--", str(Path(name, "gone.md")))
    omni("forget", "--yes", "--", str(folder / name))

    kept = {".omni", name, "a receipt?.json", "a?%20#.parquet", "a?%20#.tar", f"other {name}"}
    assert set(os.listdir(folder)) == kept
    assert sorted(os.listdir(folder / name)) == sorted([note, "gone.md", "new.md"])
    for outside in ("user", "temporary"):
        assert [path for path in (tmp_path / outside).rglob("*") if path.is_file()] == []
    assert os.listdir(folder.parent) == [folder.name]
