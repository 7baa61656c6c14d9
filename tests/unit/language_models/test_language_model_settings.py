"""Where the key of a language model is read from, and where it may be sent."""

from __future__ import annotations

import pytest

from omni_pipelines.configuration import language_model_key, load_settings, trust_settings
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.language_models.port import COMPLETE
from omni_pipelines.language_models.variants import register_language_models
from omni_pipelines.providers import VariantStatus
from omni_pipelines.variant_registry import VariantRegistry

URL = "https://models.example/v1"
KEY = "sk-very-secret"


def test_model_without_an_address_is_unavailable_with_a_reason(home: Home) -> None:
    registry = VariantRegistry()
    register_language_models(registry, load_settings(home))
    (info,) = registry.list_variants(COMPLETE)
    assert info.status is VariantStatus.UNAVAILABLE
    assert info.reason.startswith("neither llm nor llm_url is set")


def test_key_and_address_are_read_from_the_environment(home: Home) -> None:
    environment = {"OMNI_LLM_URL": URL, "OMNI_LLM_KEY": f" {KEY}\n"}
    settings = load_settings(home, environment)
    key = language_model_key(settings, environment)
    assert (settings.llm_url, key.get_secret_value()) == (URL, KEY)
    assert KEY not in f"{settings!r} {key!r}"


def test_key_in_a_settings_file_is_refused(home: Home) -> None:
    home.config.write_text(f'llm_key = "{KEY}"\n')
    with pytest.raises(ConfigurationError, match="unknown setting 'llm_key'") as caught:
        load_settings(home)
    assert KEY not in str(caught.value)


def test_key_is_not_sent_to_an_address_from_a_settings_file(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file may be part of a folder from somebody else."""
    home.config.write_text(f'llm_url = "{URL}"\n')
    trust_settings(home)
    monkeypatch.setenv("OMNI_LLM_KEY", KEY)
    with pytest.raises(ConfigurationError, match="comes from a file") as caught:
        register_language_models(VariantRegistry(), load_settings(home))
    assert "OMNI_LLM_URL" in caught.value.cure


def test_address_in_a_settings_file_works_without_a_key(home: Home) -> None:
    home.config.write_text('llm_url = "http://127.0.0.1:8080/v1"\n')
    trust_settings(home)
    assert language_model_key(load_settings(home)).get_secret_value() == ""
