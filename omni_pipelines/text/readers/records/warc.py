"""Archived web pages (WARC, ISO 28500): the visible text of each page, below its title and address."""

import codecs
import re
import zlib
from dataclasses import dataclass

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction
from omni_pipelines.text.readers.markup import html

SIGNATURE = b"WARC/"
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_CHARSET = re.compile(r"charset=[\"']?([\w.:-]+)", re.IGNORECASE)
_MAX_UNPACKED_BYTES = 64 << 20
_MAX_HEADER_BYTES = 1 << 16
_WITH_PAGES = ("response", "resource", "conversion")


@dataclass
class _Record:
    headers: dict[str, str]
    content: bytes


def read(raw: bytes, name: str) -> Parsed:
    """Read an archive: pages in HTML and plain text; what is neither is counted."""
    extraction = Extraction()
    left_out = position = 0
    while (start := raw.find(SIGNATURE, position)) >= 0:
        record, position = _record(raw, start)
        if record is None:
            extraction.cut("its last record is damaged", RefusalCode.PARSE)
            break
        if record.headers.get("warc-type", "") in _WITH_PAGES:
            left_out += not _write(extraction, record)
    if left_out:
        extraction.cut(f"{left_out:,} records of the archive are no text that can be read")
    return extraction.parsed(name, no_text="it has no page with text")


def _record(raw: bytes, start: int) -> tuple[_Record | None, int]:
    """The record that starts at a position, and where it ends."""
    end = _HEADER_END.search(raw, start, start + _MAX_HEADER_BYTES)
    if end is None:
        return None, len(raw)
    headers = _headers(raw[start : end.start()])
    length = headers.get("content-length", "")
    if not length.isdecimal() or len(length) > 15:
        return None, len(raw)
    stop = end.end() + int(length)
    return _Record(headers, raw[end.end() : stop]), stop


def _headers(raw: bytes) -> dict[str, str]:
    lines = raw.decode("utf-8", "replace").splitlines()[1:]
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _write(extraction: Extraction, record: _Record) -> bool:
    """Write a page; whether it has text that can be read."""
    content, kind = record.content, record.headers.get("content-type", "")
    if kind.startswith("application/http"):
        end = _HEADER_END.search(content, 0, _MAX_HEADER_BYTES)
        headers = _headers(content[: end.start()]) if end else {}
        content, kind = content[end.end() :] if end else b"", headers.get("content-type", "")
        content = _decoded(content, headers)
    if not kind.startswith(("text/html", "text/plain", "application/xhtml")):
        return False
    found = _CHARSET.search(kind)
    address = record.headers.get("warc-target-uri", "").strip("<>")
    try:
        decoded = decode(content, found[1]) if found else None
        content = codecs.BOM_UTF8 + decoded.text.encode("utf-8", "replace") if decoded else content
        is_plain = kind.startswith("text/plain")
        page = Parsed(decode(content), "") if is_plain else html.read(content, address)
    except Unreadable:
        return False
    extraction.heading(1, page.title or address)
    extraction.block(address, apart=False)
    extraction.include(page)
    return True


def _decoded(content: bytes, headers: dict[str, str]) -> bytes:
    """The body of an answer, without its transfer and content encodings."""
    if "chunked" in headers.get("transfer-encoding", ""):
        content = _joined(content)
    encoding = headers.get("content-encoding", "")
    if encoding in ("gzip", "x-gzip", "deflate"):
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | (16 if "gzip" in encoding else 0))
        try:
            return unpacker.decompress(content, _MAX_UNPACKED_BYTES)
        except zlib.error:
            return b""
    return content


def _joined(content: bytes) -> bytes:
    """The chunks of a body as one."""
    parts: list[bytes] = []
    position = 0
    while found := re.compile(rb"\r?\n?([0-9A-Fa-f]{1,8})[^\r\n]{0,100}\r\n").match(content, position):
        length = int(found[1], 16)
        parts.append(content[found.end() : found.end() + length])
        position = found.end() + length
        if not length:
            break
    return b"".join(parts) or content
