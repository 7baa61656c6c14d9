"""Where things are and how they are set."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_pipelines.errors import ConfigurationError, HomeError
from omni_pipelines.settings import Home, Settings, child_environment, find_home, load_settings


def _configure(home: Home, text: str) -> None:
    home.config.write_text(text, "utf-8")


def test_without_anything_set_the_defaults_hold(home: Home) -> None:
    settings = load_settings(home)
    assert (settings.chunk_tokens, settings.chunk_overlap, settings.embedder) == (256, 32, "all-minilm-l6-v2")


def test_the_environment_beats_the_file_which_beats_the_defaults(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    _configure(home, "chunk_tokens = 100\nchunk_overlap = 10\n")
    monkeypatch.setenv("OMNI_CHUNK_TOKENS", "200")
    settings = load_settings(home)
    assert (settings.chunk_tokens, settings.chunk_overlap, settings.keep_releases) == (200, 10, 3)


def test_an_empty_variable_is_not_set(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNI_CHUNK_TOKENS", "")
    assert load_settings(home).chunk_tokens == 256


def test_an_unknown_setting_is_refused_with_the_nearest_name(home: Home) -> None:
    _configure(home, "chunk_token = 100\n")
    with pytest.raises(ConfigurationError, match=r"unknown setting 'chunk_token' in .*; did you mean chunk_tokens\?"):
        load_settings(home)


def test_an_unknown_setting_like_no_other_is_answered_with_all_names(home: Home) -> None:
    _configure(home, "zzz = 1\n")
    with pytest.raises(
        ConfigurationError, match=r"known settings: cache, cache_idle_seconds, chunk_mode, .*codecs, .*workers"
    ):
        load_settings(home)


def test_a_value_that_does_not_fit_is_named_with_its_two_places(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNI_DELETE_GUARD", "nan")
    with pytest.raises(ConfigurationError, match=r"delete_guard = 'nan' does not fit.*in OMNI_DELETE_GUARD"):
        load_settings(home)


def test_a_source_keeps_what_is_set_for_all_where_it_sets_nothing(home: Home) -> None:
    _configure(home, 'chunk_overlap = 9\n[sources.a]\nchunk_tokens = 100\nchunk_mode = "ast"\n')
    settings = load_settings(home)
    found = [(each.chunk_mode, each.chunk_tokens, each.chunk_overlap) for each in map(settings.of_source, "ab")]
    assert found == [("ast", 100, 9), ("auto", 256, 9)]


def test_the_overlap_of_a_source_is_refused_as_well_where_its_chunks_are_too_short(home: Home) -> None:
    _configure(home, "[sources.a]\nchunk_tokens = 32\n")
    with pytest.raises(ConfigurationError) as error:
        load_settings(home)
    assert error.value.message.endswith("chunk_overlap 32 is not below chunk_tokens 32 in [sources.a]")


def test_an_overlap_as_long_as_a_chunk_is_refused(home: Home) -> None:
    _configure(home, "chunk_tokens = 32\nchunk_overlap = 32\n")
    with pytest.raises(ConfigurationError) as error:
        load_settings(home)
    assert error.value.message == "settings do not fit: chunk_overlap 32 is not below chunk_tokens 32"


@pytest.mark.parametrize("raw", [b"chunk_tokens = \n", b"cache = '\xff'\n"])
def test_a_file_that_is_no_toml_is_named(home: Home, raw: bytes) -> None:
    home.config.write_bytes(raw)
    with pytest.raises(ConfigurationError, match=r"omni\.toml cannot be read: .*; correct it"):
        load_settings(home)


def test_a_tilde_in_the_cache_is_the_users_folder(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    _configure(home, 'cache = "~/models"\n')
    monkeypatch.delenv("OMNI_CACHE", raising=False)
    assert load_settings(home).cache == tmp_path / "models"


def test_the_cache_follows_the_desktop_standard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert Settings.model_validate({}).cache == tmp_path / "omni_pipelines"


def test_a_flag_beats_the_variable_which_beats_the_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert find_home().root == inner / ".omni"
    (tmp_path / "a" / ".omni").mkdir()
    assert find_home().root == tmp_path / "a" / ".omni"
    monkeypatch.setenv("OMNI_HOME", str(tmp_path / "v"))
    assert find_home().root == tmp_path / "v"
    assert find_home(Path("flag")).root == inner / "flag"


def test_a_home_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match=r"no knowledge base at .*; make one: omni ingest PATH"):
        Home(tmp_path / "none").check()


def test_a_file_in_place_of_a_home_or_its_folders_is_refused(home: Home, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(HomeError, match=r"file is not a folder"):
        Home(tmp_path / "file").create()
    home.releases.rmdir()
    home.releases.write_text("x")
    with pytest.raises(HomeError, match=r"releases is not a folder; move it away"):
        home.check()


def test_a_home_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(HomeError, match=r"cannot write to .*: Not a directory; choose another home"):
        Home(tmp_path / "file" / ".omni").create()


def test_a_home_is_made_once_and_kept_out_of_git(home: Home) -> None:
    (home.root / ".gitignore").write_text("mine")
    home.create()
    home.check()
    assert (home.root / ".gitignore").read_text() == "mine"
    assert home.table("chunks") == home.root / "tables" / "chunks.lance"


def test_a_child_process_works_on_the_same_home(home: Home) -> None:
    environment = child_environment(home)
    assert (environment["OMNI_HOME"], environment["DAGSTER_HOME"]) == (str(home.root), str(home.root / "dagster"))
