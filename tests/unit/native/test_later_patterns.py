"""Patterns that are compiled when they are first used."""

import re

import pytest

from native.later_patterns import compile_later


def test_pattern_is_compiled_once_when_it_is_first_used(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []

    def compile_and_note(pattern: str) -> re.Pattern[str]:
        compiled.append(pattern)
        return original(pattern)

    original = re.compile
    monkeypatch.setattr(re, "compile", compile_and_note)
    later = compile_later("[a-c]+")
    assert later.pattern == "[a-c]+"
    assert not compiled
    found = later.search("xxabc")
    assert found is not None
    assert found[0] == "abc"
    assert later.search("xyz") is None
    assert compiled == ["[a-c]+"]
    assert later.findall("ab-c") == ["ab", "c"]
