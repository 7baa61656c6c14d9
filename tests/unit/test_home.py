"""The folder of a knowledge base: its paths, its creation and its check."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_pipelines.errors import HomeError
from omni_pipelines.home import Home


def test_check_names_the_command_that_creates_a_missing_home(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match=r"no knowledge base at .*; create it: omni ingest PATH"):
        Home(tmp_path / "none").check()


def test_create_and_check_refuse_a_file_with_the_name_of_a_folder(home: Home, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(HomeError, match=r"file is not a folder"):
        Home(tmp_path / "file").create()
    home.releases.rmdir()
    home.releases.write_text("x")
    with pytest.raises(HomeError, match=r"releases is not a folder; move it away"):
        home.check()


def test_create_refuses_a_home_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(HomeError, match=r"cannot write to .*: Not a directory; choose another home"):
        Home(tmp_path / "file" / ".omni").create()


def test_create_keeps_the_gitignore_of_an_existing_home(home: Home) -> None:
    (home.root / ".gitignore").write_text("mine")
    home.create()
    home.check()
    assert (home.root / ".gitignore").read_text() == "mine"
    assert home.table("chunks") == home.root / "tables" / "chunks.lance"


def test_home_at_a_folder_that_holds_a_home_is_that_home(tmp_path: Path) -> None:
    Home(tmp_path / ".omni").create()
    assert Home.at(tmp_path) == Home.at(tmp_path / ".omni") == Home(tmp_path / ".omni")


def test_home_at_a_folder_without_a_home_is_the_folder(tmp_path: Path) -> None:
    assert Home.at(tmp_path / "new") == Home(tmp_path / "new")


def test_home_at_a_home_is_that_home_even_if_it_holds_another(tmp_path: Path) -> None:
    Home(tmp_path).create()
    Home(tmp_path / ".omni").create()
    assert Home.at(tmp_path) == Home(tmp_path)
