"""Lines of a `.gitignore`: what they match, as git decides."""

from __future__ import annotations

import time

import pytest

from omni_pipelines.ignore_rules import IgnoreRules


def ignored(content: bytes, *paths: str) -> list[str]:
    rules = IgnoreRules.of_file(content)
    found = [path for path in paths if rules.matching(path) is not None]
    assert [path for path in paths if rules.matches(path)] == found
    return found


@pytest.mark.parametrize(
    ("content", "paths", "matched"),
    [
        (b"\xef\xbb\xbfa.md\r\nb.md\r\n", ["a.md", "b.md", "c.md"], ["a.md", "b.md"]),
        (b"a \nb\\ \n", ["a", "a ", "b", "b "], ["a", "b "]),
        (b"#x\n\\#y\n", ["#x", "#y"], ["#y"]),
        (b"\\!x\n", ["!x", "x"], ["!x"]),
        (b"*.log\n!keep.log\n", ["a.log", "keep.log", "d/keep.log"], ["a.log"]),
        (b"d/\n!d/keep\n", ["d", "d/keep", "e/d/x"], ["d/keep", "e/d/x"]),
        (b"/top\n", ["top", "d/top"], ["top"]),
        (b"a/**/z\n", ["a/z", "a/b/c/z", "b/a/z"], ["a/z", "a/b/c/z"]),
        (b"**/x\n", ["x", "a/b/x", "a/xx"], ["x", "a/b/x"]),
        (b"a?c\n", ["abc", "a/c", "a\xffc"], ["abc"]),
        (b"[!a-c]\n", ["a", "d"], ["d"]),
        (b"[[:digit:]]x\n", ["1x", "ax"], ["1x"]),
        (b"\\\n!\n/\n[\na\\\n", ["a", "\\", "!", "["], []),
        (b"a\x00b\n", ["a", "a\x00b"], ["a"]),
        (b"caf\xe9.md\n", ["caf\udce9.md", "café.md"], ["caf\udce9.md"]),
        (b"a\x0bb\x85c\n", ["a", "a\x0bb\udc85c"], ["a\x0bb\udc85c"]),
    ],
)  # fmt: skip
def test_a_line_matches_what_it_matches_in_git(content: bytes, paths: list[str], matched: list[str]) -> None:
    assert ignored(content, *paths) == matched


def test_the_rule_that_decides_has_its_line_and_text() -> None:
    rules = IgnoreRules.of_file(b"# logs\n\n*.log  \n!a.log\n")
    decided = {name: rules.deciding(name, is_folder=False) for name in ("b.log", "a.log", "c")}
    assert {name: rule and (rule.line, rule.text, rule.is_negative) for name, rule in decided.items()} == {
        "b.log": (3, "*.log", False),
        "a.log": (4, "!a.log", True),
        "c": None,
    }


@pytest.mark.parametrize("pattern", ["a*" * 40 + "b", "**/a/" * 30 + "b", "*/" * 50 + "b", "a/**/" * 30 + "*a*a*a*b"])
def test_hostile_patterns_are_decided_quickly(pattern: str) -> None:
    rules = IgnoreRules.of_patterns([pattern])
    began = time.process_time()
    for path in ("a" * 250, "/".join("a" * 60), "a/" * 60 + "a" * 200):
        assert rules.matching(path) is None
    assert time.process_time() - began < 1
