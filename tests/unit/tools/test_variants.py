"""Another variant answers where a tool cannot be used, and the response says so."""

from __future__ import annotations

from typing import Any

import pytest

from omni_pipelines.errors import ConfigurationError, ModelMissing, NoAnswer, ToolTimeout
from omni_pipelines.tools.catalog import ToolCatalog
from omni_pipelines.tools.definition import ToolVariant
from omni_pipelines.tools.signature import tool

PLAIN = ToolVariant(name="plain", priority=51)
LAST = ToolVariant(name="last", priority=90)


class Weather:
    """A tool whose own function raises the given error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    @tool("weather.tell", read_only=True)
    def tell(self, city: str) -> str:
        """Describe the weather.

        Args:
            city: Name of a city.
        """
        if self.error is not None:
            raise self.error
        return f"measured in {city}"


def catalog(error: Exception | None = None) -> ToolCatalog:
    made = ToolCatalog()
    made.add(Weather(error).tell)
    made.add_variant("weather.tell", PLAIN, lambda city: f"guessed for {city}")
    return made


def missing(city: str) -> str:
    raise ModelMissing(f"no model for {city}", cure="fetch it")


def tried(metadata: dict[str, Any]) -> list[tuple[str, str]]:
    return [(attempt["variant"], attempt["error_code"]) for attempt in metadata["tried"]]


def test_own_function_of_a_tool_is_preferred() -> None:
    response = catalog().call("weather.tell", {"city": "Oslo"})
    assert (response.data, response.metadata["variant"]) == ("measured in Oslo", "default")


@pytest.mark.parametrize("error", [ModelMissing("no model"), ToolTimeout("weather.tell", 1.0)])
def test_variant_answers_when_the_own_function_cannot_be_used(error: Exception) -> None:
    response = catalog(error).call("weather.tell", {"city": "Oslo"})
    assert (response.data, response.metadata["variant"]) == ("guessed for Oslo", "plain")
    assert [name for name, _ in tried(response.metadata)] == ["default", "plain"]


def test_other_errors_are_the_answer_and_no_variant_is_tried() -> None:
    response = catalog(NoAnswer("the sources do not say")).call("weather.tell", {"city": "Oslo"})
    assert (response.error_code, response.metadata["variant"]) == ("7001", "default")


def test_third_variant_answers_when_two_cannot_be_used() -> None:
    made = ToolCatalog()
    made.add(Weather(ModelMissing("no model")).tell)
    made.add_variant("weather.tell", PLAIN, missing)
    made.add_variant("weather.tell", LAST, lambda city: f"from the almanac of {city}")
    response = made.call("weather.tell", {"city": "Oslo"})
    assert response.data == "from the almanac of Oslo"
    assert tried(response.metadata) == [("default", "3006"), ("plain", "3006"), ("last", "")]


def test_last_error_is_returned_when_no_variant_can_be_used() -> None:
    made = ToolCatalog()
    made.add(Weather(ModelMissing("no model")).tell)
    made.add_variant("weather.tell", PLAIN, missing)
    response = made.call("weather.tell", {"city": "Oslo"})
    assert response.is_error
    assert (response.error_code, response.metadata["variant"]) == ("3006", "")
    assert "no model for Oslo" in str(response.error_message)


def test_arguments_are_checked_before_any_variant_runs() -> None:
    response = catalog().call("weather.tell", {"ctiy": "Oslo"})
    assert response.is_error
    assert "variant" not in response.metadata


def test_tool_document_lists_the_variants() -> None:
    definition = catalog().generate_tool_schemas()["tools"][0]
    assert [variant["name"] for variant in definition["variants"]] == ["default", "plain"]
    assert definition["default_variant"] == "default"


def test_variant_of_a_tool_that_may_change_something_is_refused() -> None:
    @tool("door.open")
    def open_door(name: str) -> str:
        """Open a door.

        Args:
            name: Which.
        """
        return name

    made = ToolCatalog()
    made.add(open_door)
    with pytest.raises(ConfigurationError, match="may change something"):
        made.add_variant("door.open", PLAIN, lambda name: name)


def test_variant_with_a_taken_name_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="already has a variant plain"):
        catalog().add_variant("weather.tell", PLAIN, missing)
