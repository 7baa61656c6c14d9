"""Where the key of a language model may stand, and where it may go."""

from __future__ import annotations

import pytest

from omni_pipelines.configuration import language_model_key, load_settings
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.language_models.port import COMPLETE
from omni_pipelines.language_models.variants import register_language_models
from omni_pipelines.providers import VariantRegistry, VariantStatus

URL = "https://models.example/v1"
KEY = "sk-very-secret"


def test_without_an_address_there_is_no_model_and_the_reason_is_told(home: Home) -> None:
    registry = VariantRegistry()
    register_language_models(registry, load_settings(home))
    (info,) = registry.list_variants(COMPLETE)
    assert info.status is VariantStatus.UNAVAILABLE
    assert info.reason.startswith("llm_url is not set")


def test_the_key_comes_from_the_environment_beside_its_address(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNI_LLM_URL", URL)
    monkeypatch.setenv("OMNI_LLM_KEY", f" {KEY}\n")
    settings = load_settings(home)
    assert language_model_key(settings).get_secret_value() == KEY
    assert KEY not in f"{settings!r} {language_model_key(settings)!r}"


def test_a_key_in_a_file_is_refused(home: Home) -> None:
    home.config.write_text(f'llm_key = "{KEY}"\n')
    with pytest.raises(ConfigurationError, match="unknown setting 'llm_key'") as caught:
        load_settings(home)
    assert KEY not in str(caught.value)


def test_a_key_does_not_go_to_an_address_that_a_file_names(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file may have come with a folder that somebody else made."""
    home.config.write_text(f'llm_url = "{URL}"\n')
    monkeypatch.setenv("OMNI_LLM_KEY", KEY)
    with pytest.raises(ConfigurationError, match="comes from a file") as caught:
        register_language_models(VariantRegistry(), load_settings(home))
    assert "OMNI_LLM_URL" in caught.value.cure


def test_an_address_in_a_file_needs_no_key(home: Home) -> None:
    home.config.write_text('llm_url = "http://127.0.0.1:8080/v1"\n')
    assert language_model_key(load_settings(home)).get_secret_value() == ""
