"""How the home and its settings are found: options, environment variables, omni.toml, defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_pipelines.configuration import (
    child_environment,
    find_home,
    load_settings,
    trust_settings,
    untrusted_settings,
    user_folder,
)
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home


def _configure(home: Home, text: str) -> None:
    home.config.write_text(text, "utf-8")


def test_settings_have_their_defaults_when_nothing_is_set(home: Home) -> None:
    settings = load_settings(home, {})
    assert (settings.chunk_tokens, settings.chunk_overlap, settings.embedder) == (256, 32, "all-minilm-l6-v2")


def test_a_variable_overrides_the_file_and_the_file_overrides_the_default(home: Home) -> None:
    _configure(home, "chunk_tokens = 100\nchunk_overlap = 10\n")
    settings = load_settings(home, {"OMNI_CHUNK_TOKENS": "200"})
    assert (settings.chunk_tokens, settings.chunk_overlap, settings.keep_releases) == (200, 10, 3)


def test_an_empty_variable_counts_as_not_set(home: Home) -> None:
    assert load_settings(home, {"OMNI_CHUNK_TOKENS": ""}).chunk_tokens == 256


def test_an_unknown_setting_is_refused_with_the_nearest_name(home: Home) -> None:
    _configure(home, "chunk_token = 100\n")
    with pytest.raises(ConfigurationError, match=r"unknown setting 'chunk_token' in .*; did you mean chunk_tokens\?"):
        load_settings(home)


def test_an_unknown_setting_that_resembles_none_is_refused_with_all_names(home: Home) -> None:
    _configure(home, "zzz = 1\n")
    with pytest.raises(
        ConfigurationError,
        match=r"known settings: alerts, cache, cache_idle_seconds, .*chunk_mode, .*codecs, .*workers",
    ):
        load_settings(home)


def test_an_invalid_value_is_refused_with_the_file_and_the_variable_to_correct(home: Home) -> None:
    with pytest.raises(
        ConfigurationError, match=r"invalid setting delete_guard = 'nan': .*omni.toml or in OMNI_DELETE_GUARD"
    ):
        load_settings(home, {"OMNI_DELETE_GUARD": "nan"})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("chunk_tokens = 32\nchunk_overlap = 32\n", "chunk_overlap 32 is not below chunk_tokens 32"),
        ("[sources.a]\nchunk_tokens = 32\n", "chunk_overlap 32 is not below chunk_tokens 32 in [sources.a]"),
    ],
)
def test_an_overlap_as_long_as_a_chunk_is_refused(home: Home, text: str, problem: str) -> None:
    _configure(home, text)
    with pytest.raises(ConfigurationError) as error:
        load_settings(home, {})
    assert error.value.message == f"invalid settings: {problem}"


@pytest.mark.parametrize("raw", [b"chunk_tokens = \n", b"cache = '\xff'\n"])
def test_a_file_that_is_not_toml_is_refused_with_its_name(home: Home, raw: bytes) -> None:
    home.config.write_bytes(raw)
    with pytest.raises(ConfigurationError, match=r"omni\.toml cannot be read: .*; correct it"):
        load_settings(home)


def test_a_tilde_in_the_cache_means_the_folder_of_the_user(home: Home) -> None:
    _configure(home, 'cache = "~/models"\n')
    trust_settings(home)
    assert load_settings(home).cache == Path.home() / "models"


def test_xdg_cache_home_moves_the_default_cache_and_no_other(home: Home, tmp_path: Path) -> None:
    desktop = {"XDG_CACHE_HOME": str(tmp_path)}
    assert load_settings(home, desktop).cache == tmp_path / "omni_pipelines"
    assert load_settings(home, {**desktop, "OMNI_CACHE": "/models"}).cache == Path("/models")
    assert load_settings(home, {}).cache == Path.home() / ".cache" / "omni_pipelines"


def test_a_flag_overrides_the_variable_and_the_variable_overrides_the_folders(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert find_home().root == inner / ".omni"
    (tmp_path / "a" / ".omni").mkdir()
    assert find_home().root == tmp_path / "a" / ".omni"
    monkeypatch.setenv("OMNI_HOME", str(tmp_path / "v"))
    assert find_home().root == tmp_path / "v"
    assert find_home(Path("flag")).root == inner / "flag"


def test_a_child_process_gets_the_home_of_its_parent(home: Home) -> None:
    environment = child_environment(home)
    assert (environment["OMNI_HOME"], environment["DAGSTER_HOME"]) == (str(home.root), str(home.root / "dagster"))


# --- settings that need trust

RISKY = {
    "store": 'store = "s3://elsewhere/kb"\n',
    "llm_url": 'llm_url = "http://elsewhere.example/v1"\n',
    "rerank_url": 'reranker = "http"\nrerank_url = "http://elsewhere.example/rerank"\n',
    "ray_address": 'engine = "ray"\nray_address = "elsewhere.example:6379"\n',
    "cache": 'cache = "/srv/models"\n',
    "sources.a.location": '[sources.a]\nlocation = "../../etc"\nacl = ["team"]\n',
    "sources.b.location": '[sources.b]\nlocation = "https://elsewhere.example/"\n',
    "sources.c.allow_private": '[sources.c]\nlocation = "docs"\nallow_private = true\n',
}


@pytest.mark.parametrize(("name", "text"), RISKY.items())
def test_a_setting_that_needs_trust_is_ignored_until_then(home: Home, name: str, text: str) -> None:
    _configure(home, "chunk_tokens = 100\n" + text)
    before = load_settings(home)
    assert list(untrusted_settings(home)) == [name]
    assert before.chunk_tokens == 100
    trusted = trust_settings(home)
    assert list(trusted) == [name]
    assert untrusted_settings(home) == {}
    assert load_settings(home) != before


def test_a_source_outside_keeps_its_access_tags_without_its_location(home: Home) -> None:
    _configure(home, RISKY["sources.a.location"])
    (source,) = load_settings(home).sources.values()
    assert (source.location, source.acl) == ("", ("team",))


def test_trust_holds_for_the_values_and_for_one_file(home: Home, tmp_path: Path) -> None:
    _configure(home, RISKY["llm_url"])
    trust_settings(home)
    _configure(home, RISKY["llm_url"] + "chunk_tokens = 100\n")
    assert load_settings(home).llm_url
    _configure(home, 'llm_url = "http://another.example/v1"\n')
    assert not load_settings(home).llm_url
    other = Home(tmp_path / "other" / ".omni")
    other.root.parent.mkdir()
    _configure(other, RISKY["llm_url"])
    assert not load_settings(other).llm_url


def test_what_stays_in_the_folder_and_what_the_environment_says_need_no_trust(home: Home) -> None:
    _configure(home, '[sources.a]\nlocation = "docs"\n')
    assert untrusted_settings(home) == {}
    assert load_settings(home, {"OMNI_LLM_URL": "http://x.example/v1"}).llm_url == "http://x.example/v1"


def test_a_damaged_list_of_what_is_trusted_trusts_nothing(home: Home) -> None:
    _configure(home, RISKY["llm_url"])
    trust_settings(home)
    (user_folder() / "trusted.json").write_text("[]")
    assert not load_settings(home).llm_url
