"""A turn that a server sends while it writes is heard as it grows, and ends as the same turn in one document."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.language_models.streams import ReadTurn, StreamedTurn, read_turn


def event(delta: dict[str, str | None], finish: str | None = None) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": delta, "finish_reason": finish}]}).encode() + b"\n\n"


STREAM = b"".join(
    [
        b": a comment\n\n",
        event({"role": "assistant", "content": None}),
        event({"content": "Nine "}),
        event({"content": "höurs."}),
        event({}, "stop"),
        b'data: {"choices": [], "usage": {"completion_tokens": 3}}\n\n',
        b"data: [DONE]\n\n",
    ]
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=9).map(sorted))
def test_turn_grows_with_the_parts_of_the_reply_wherever_they_are_cut(cuts: list[int]) -> None:
    heard: list[str] = []
    turn = StreamedTurn(heard.append)
    for start, end in zip([0, *cuts], [*cuts, len(STREAM)], strict=True):
        turn.receive(STREAM[start:end])
    assert (turn.text, turn.finish_reason) == ("Nine höurs.", "stop")
    assert heard[-1] == "Nine höurs."
    assert all("Nine höurs.".startswith(each) for each in heard)


def test_stream_and_document_are_the_same_turn() -> None:
    document = {"choices": [{"message": {"content": "Nine höurs."}, "finish_reason": "stop"}]}
    assert read_turn(STREAM) == read_turn(json.dumps(document).encode()) == ReadTurn("Nine höurs.", "stop")


@pytest.mark.parametrize(
    "body", [b"", b"data: [DONE]\n", event({"content": "Nine"}), b'data: {"error": 1}\n', b"<p>"]
)
def test_reply_without_a_whole_turn_is_an_error(body: bytes) -> None:
    with pytest.raises((ValueError, KeyError)):
        read_turn(body)
