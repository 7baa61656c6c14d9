"""How a document goes to a parser process and back: frames, each a length of 8 bytes and the content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, BinaryIO

import orjson

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.document_rows import parsed_document, structure_json

MAX_ANSWER = 64 << 20
"""Bytes of an answer; a text of 32 MiB and its structure."""
_LENGTH = 8


def write_frame(stream: BinaryIO, content: bytes) -> None:
    """Write one frame; the caller flushes."""
    stream.write(len(content).to_bytes(_LENGTH, "big"))
    stream.write(content)


def read_frame(stream: BinaryIO, most: int = 1 << 62) -> bytes | None:
    """The next frame; None where the stream has ended.

    Raises:
        Unreadable: E_OUTPUT_LIMIT for a frame of more than `most` bytes; what follows must not be read.
    """
    head = stream.read(_LENGTH)
    if len(head) < _LENGTH:
        return None
    length = int.from_bytes(head, "big")
    if length > most:
        raise Unreadable(RefusalCode.OUTPUT_LIMIT, f"{length:,} bytes of text; {most:,} are allowed")
    content = stream.read(length)
    return content if len(content) == length else None


def pack(parsed: Parsed) -> dict[str, Any]:
    """A document as JSON can hold it."""
    return {
        "text": parsed.text,
        "title": parsed.title,
        "encoding": parsed.decoded.encoding,
        "bom_bytes": parsed.decoded.bom_bytes,
        "verbatim": parsed.verbatim,
        "language": parsed.language,
        "structure": structure_json(parsed),
    }


def answer(parsed: Parsed | None, error: Unreadable | None, peak: int) -> bytes:
    """What became of a document. `peak` is the most memory the process ever held, in bytes."""
    refusal = [error.code, error.detail] if error is not None else None
    document = pack(parsed) if parsed is not None else None
    return orjson.dumps({"document": document, "refusal": refusal, "peak": peak})


def document_of(answered: Mapping[str, Any]) -> Parsed:
    """The document of an answer.

    Raises:
        Unreadable: the parser refused it.
    """
    if answered["refusal"] is not None:
        code, detail = answered["refusal"]
        raise Unreadable(RefusalCode(code), detail)
    document = answered["document"]
    return replace(parsed_document(document), language=document["language"])
