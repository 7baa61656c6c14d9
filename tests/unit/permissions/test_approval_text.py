"""What a person reads before they approve a call."""

from __future__ import annotations

from omni_pipelines.permissions.approval_text import described, shown_arguments
from omni_pipelines.permissions.approvals import ApprovalRequest
from omni_pipelines.permissions.policies import Effect


def test_invisible_characters_of_an_argument_are_shown() -> None:
    assert shown_arguments("a\u200bb\u202ec\U000e0041\nd\ud800") == ["  a\\u200bb\\u202ec\\U000e0041", "  d\\ud800"]


def test_nothing_of_a_long_argument_is_cut_off() -> None:
    arguments = {"path": "a.md", "text": "x" * 100_000 + " the end"}
    lines = described(ApprovalRequest("files.write", arguments, "files:write", Effect.WRITE, "digest", "no grant"))
    assert lines[0] == "files.write needs your approval (write, files:write): no grant"
    assert any(line.endswith('x the end"') for line in lines)
