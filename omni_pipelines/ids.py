"""Ids and hashes that depend only on content: equal input has an equal id on every machine."""

import functools
import hashlib
from pathlib import Path

from blake3 import blake3

ID_BYTES = 16
"""128 bits, so that no collision is expected below 10^15 rows."""


def content_hash(data: bytes) -> str:
    """Return the blake3 of `data`, 64 hex digits."""
    return blake3(data).hexdigest()


def file_content_hash(path: Path) -> str:
    """Return the `content_hash` of a file, without reading the whole file into memory."""
    return blake3().update_mmap(path).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file, 64 hex digits, without reading the whole file into memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def kept_file_sha256(path: Path) -> str:
    """The same; a file that stayed as it was since this process read it is not read again."""
    status = path.stat()
    return _sha256_at(path, (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))


@functools.lru_cache(maxsize=1024)
def _sha256_at(path: Path, _state: tuple[int, ...]) -> str:
    return file_sha256(path)


def text_hash(*parts: str) -> str:
    """Return the hash of a sequence of strings, 32 hex digits; ("ab", "c") and ("a", "bc") differ."""
    raw = bytearray()
    for part in parts:
        piece = part.encode("utf-8", "surrogatepass")
        raw += len(piece).to_bytes(8, "little")
        raw += piece
    return blake3(raw).hexdigest(length=ID_BYTES)


def revision(content: str, parser: str, uri: str, masking: str) -> str:
    """Return the hash of everything that the chunks of a document depend on; `masking` is "" if nothing is masked."""
    return text_hash(content, parser, uri, masking)


def document_id(source: str, path: str) -> str:
    """Return the id of the document at `path` (relative, with `/` between its parts) in `source`."""
    return text_hash("document", source, path)


def chunk_id(document: str, ordinal: int, text: str, chunker: str) -> str:
    """Return the id of the chunk number `ordinal` of a document; `chunker` is the fingerprint of the chunker."""
    return text_hash("chunk", document, str(ordinal), text, chunker)
