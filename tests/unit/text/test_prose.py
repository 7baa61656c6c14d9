"""Prose is told from code between fences."""

import pytest

from omni_pipelines.text.prose import prose_sentences

PROSE = "The heron waits."
CODE = "The code waits."


def _sentences(text: str) -> list[str]:
    return [text[start:end].strip() for start, end in prose_sentences(text, code=False)]


@pytest.mark.parametrize(
    "text",
    [
        "P\n\n```\nC\n```\n\nP",
        "P\n\n```python\nC\n```\n\nP",
        "P\n\n```python\nC\n\nC\n```\nP\n~~~\nC\n~~~\n",
        "P\r\n```python\r\nC\r\n```\r\nP",
        "P\n- P\n\n  ```{code} python\n  C\n  ```\nP",
        "P\n````\n```\nC\n```\nC\n````\nP",
        "P\n~~~\n```\nC\n~~~\nP",
        "P\n```python\nC\n```python\nC\n```\nP",
        "P\n```python\nC",
        "C\n```\nP",
        "C\n```\nP\n```python\nC\n```\nP",
        "C\n```\nP\n```python\nC",
        "P ```inline``` it.\n\nP",
    ],
)
def test_code_between_fences_is_no_prose_and_the_text_after_it_is(text: str) -> None:
    found = _sentences(text.replace("P", PROSE).replace("C", CODE))
    assert sum(sentence.count(PROSE) for sentence in found) == text.count("P")
    assert not any(CODE in sentence for sentence in found)
