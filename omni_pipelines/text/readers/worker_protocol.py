"""The protocol of a parser process: frames of 8 bytes of length and the content, and the JSON inside them.

An answer begins with a frame that holds the number of the others: one of JSON, and one with the bytes of each file
that is embedded in the document.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import IO, TypedDict

import orjson

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import EmbeddedFile, Parsed
from omni_pipelines.text.document_rows import ParsedColumns, parsed_columns, parsed_document

MAX_ANSWER_BYTES = 64 << 20
"""Enough for a text of 32 MiB and its structure."""
MAX_MEMORY_BYTES = 1 << 30
"""Of a parser process."""
MEMORY_LIMIT_DETAIL = f"its parser needs more than {MAX_MEMORY_BYTES >> 20} MiB of memory"
_LENGTH_BYTES = 8


class ParserRequest(TypedDict):
    """What is said of a document, before its bytes."""

    reader: str
    name: str
    charset: str
    recognize: bool
    """Whether text is recognised in pictures."""


class ParsedFields(ParsedColumns):
    """A document as JSON."""

    language: str
    embedded: list[tuple[str, str, str]]
    """Name, media type and charset of each embedded file."""


class ParserAnswer(TypedDict):
    """The answer to one document: the document, or the code and the detail of its refusal."""

    document: ParsedFields | None
    refusal: tuple[str, str] | None
    peak: int
    """The highest memory use of the process so far, in bytes."""


def write_frame(stream: IO[bytes], content: bytes) -> None:
    """Write one frame. The caller flushes the stream."""
    stream.write(len(content).to_bytes(_LENGTH_BYTES, "big"))
    stream.write(content)


def read_frame(stream: IO[bytes], max_bytes: int = 1 << 62) -> bytes | None:
    """The content of the next frame; None at the end of the stream.

    Raises:
        Unreadable: E_OUTPUT_LIMIT for a frame of more than `max_bytes`; the stream must not be read any further.
    """
    head = stream.read(_LENGTH_BYTES)
    if len(head) < _LENGTH_BYTES:
        return None
    length = int.from_bytes(head, "big")
    if length > max_bytes:
        raise Unreadable(RefusalCode.OUTPUT_LIMIT, output_limit_detail(length, max_bytes))
    content = stream.read(length)
    return content if len(content) == length else None


def write_answer(stream: IO[bytes], frames: Sequence[bytes]) -> None:
    """Write the frames of an answer, and flush the stream."""
    write_frame(stream, str(len(frames)).encode())
    for frame in frames:
        write_frame(stream, frame)
    stream.flush()


def read_answer(stream: IO[bytes]) -> list[bytes] | None:
    """The frames of the next answer; None at the end of the stream.

    Raises:
        Unreadable: as `read_frame`; embedded files together may have as many bytes as the document.
    """
    count = read_frame(stream, _LENGTH_BYTES)
    if count is None:
        return None
    frames: list[bytes] = []
    left = MAX_ANSWER_BYTES
    for number in range(int(count)):
        frame = read_frame(stream, left if number else MAX_ANSWER_BYTES)
        if frame is None:
            return None
        left -= len(frame) if number else 0
        frames.append(frame)
    return frames


def output_limit_detail(length: int, max_bytes: int) -> str:
    """The detail of a refusal because a text is too long."""
    return f"its text has {length:,} bytes; {max_bytes:,} are allowed"


def answer(parsed: Parsed | None, error: Unreadable | None, peak: int) -> list[bytes]:
    """The frames of the answer to one document."""
    embedded = parsed.embedded if parsed is not None else ()
    content: ParserAnswer = {
        "document": _fields(parsed) if parsed is not None else None,
        "refusal": (error.code.value, error.detail) if error is not None else None,
        "peak": peak,
    }
    return [orjson.dumps(content), *(file.raw for file in embedded)]


def _fields(parsed: Parsed) -> ParsedFields:
    embedded = [(file.name, file.media_type, file.charset) for file in parsed.embedded]
    return {**parsed_columns(parsed), "language": parsed.language, "embedded": embedded}


def document_of(answered: ParserAnswer, files: list[bytes]) -> Parsed:
    """The document of an answer; `files` are the bytes of what is embedded in it.

    Raises:
        Unreadable: the parser refused it.
    """
    if answered["refusal"] is not None:
        code, detail = answered["refusal"]
        raise Unreadable(RefusalCode(code), detail)
    document = answered["document"]
    if document is None:
        raise ValueError("an answer has neither a document nor a refusal")
    described = zip(document["embedded"], files, strict=True)
    embedded = tuple(EmbeddedFile(name, raw, media_type, charset) for (name, media_type, charset), raw in described)
    return replace(parsed_document(document), language=document["language"], embedded=embedded)
