"""Patterns of capabilities are compared segment by segment."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies as st

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.permissions.capabilities import capability_of_tool, check_capability, check_pattern, names
from tests.cases import cases

MANY = cases(100)
SEGMENTS = st.text("abz_-09", min_size=1, max_size=3)
CAPABILITIES = st.lists(SEGMENTS, min_size=2, max_size=4).map(":".join)
PATTERNS = st.builds(
    lambda parts, end: ":".join([*parts, end]),
    st.lists(SEGMENTS | st.just("*"), max_size=3),
    SEGMENTS | st.just("**"),
)


@pytest.mark.parametrize(
    ("pattern", "capability", "is_named"),
    [
        ("git:*", "git:log", True),
        ("git:*", "github:delete_repo", False),
        ("git:*", "git:remote:add", False),
        ("git:**", "git:remote:add", True),
        ("*:read", "files:read", True),
        ("**", "files:read", True),
        ("*", "files:read", False),
        ("files:read", "files:read", True),
        ("files:read", "Files:read", False),
        ("files:read", "files:read_all", False),
    ],
)
def test_pattern_names_capability_by_whole_segments(pattern: str, capability: str, is_named: bool) -> None:
    assert names(pattern, capability) is is_named


@pytest.mark.parametrize(
    "text",
    ["", ":", ":*", "git:", "git::log", "**:read", "git:lo*", "git.log", "git log", "git:log\n", "gіt:log", "/"],
)
def test_text_that_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a pattern"):
        check_pattern(text)


@pytest.mark.parametrize("text", ["git", "git:*", "**", "", "git:", "ｇit:log"])
def test_text_that_is_no_capability_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a capability"):
        check_capability(text)


def test_tool_without_a_policy_needs_the_capability_of_its_name() -> None:
    assert capability_of_tool("git.remote.add") == "git:remote:add"


@hypothesis.settings(max_examples=MANY)
@hypothesis.given(PATTERNS, CAPABILITIES)
def test_pattern_names_only_capabilities_that_agree_in_every_segment(pattern: str, capability: str) -> None:
    wanted, segments = pattern.split(":"), capability.split(":")
    is_open = wanted[-1] == "**"
    fixed = wanted[:-1] if is_open else wanted
    agrees = all(want in ("*", own) for want, own in zip(fixed, segments, strict=False))
    fits = len(segments) >= len(fixed) if is_open else len(segments) == len(fixed)
    assert names(pattern, capability) is (agrees and fits)


@hypothesis.settings(max_examples=MANY)
@hypothesis.given(PATTERNS | st.text(max_size=12), CAPABILITIES | st.text(max_size=12))
def test_any_text_is_compared_by_segments_or_refused(pattern: str, capability: str) -> None:
    try:
        named = names(pattern, capability)
    except ConfigurationError:
        return
    if named and "*" not in pattern:
        assert pattern == capability
    if named:
        assert pattern.split(":")[0] in ("*", "**", capability.split(":")[0])
