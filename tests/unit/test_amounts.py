"""Numbers with their nouns."""

import pytest

from omni_pipelines.amounts import Amount, counted


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "file", "0 files"),
        (1, "file", "1 file"),
        (2088, "document", "2,088 documents"),
        (2, "judged query", "2 judged queries"),
        (1, "entry", "1 entry"),
    ],
)
def test_a_noun_has_the_number_of_its_count(number: int, noun: str, text: str) -> None:
    assert counted(number, noun) == text


def test_a_format_string_asks_for_a_number_with_its_noun() -> None:
    assert "{0:file}, {0:,}, {0}".format(Amount(1)) == "1 file, 1, 1"
