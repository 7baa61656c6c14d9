"""Random bytes, truncated files and files with flipped bits are read exactly, or refused with a code."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.steps.parser_process import DocumentParser
from omni_pipelines.testing.fakes import WordCounter
from omni_pipelines.text.languages import language_of
from omni_pipelines.text.readers.formats import READERS, Reader
from omni_pipelines.text.readers.registry import reader_by_content
from omni_pipelines.text.secrets.masking import Masking, mask_document
from tests.samples.valid import VALID
from tests.stress.harness.extent import EXTENT, SEED
from tests.stress.hostile.cutting import check_chunks

READ_BY = {reader.name: reader for reader in reversed(READERS)}
NAMES = {"code": "name.rs"}
EACH = 19 if EXTENT.name == "short" else 400
"""Number of damaged files for each format and kind of damage."""
MIN_DOCUMENTS = 2_000
CODES = {
    "E_BINARY", "E_ENCODING", "E_PARSE", "E_NO_TEXT", "E_DEPTH", "E_ENCRYPTED", "E_XML_ENTITY", "E_ZIP_BOMB",
    "E_ZIP_DUPLICATE", "E_PATH", "E_OUTPUT_LIMIT", "E_TOO_LARGE",
}  # fmt: skip
"""The codes of refused files. A parser that was killed, stopped or wrong would give another code."""


def random_bytes(rng: random.Random, raw: bytes) -> bytes:
    """Return the first bytes of a format, so that its reader is chosen, followed by random bytes."""
    return raw[: rng.randrange(9)] + rng.randbytes(rng.randrange(1, 2_000))


def truncated(rng: random.Random, raw: bytes) -> bytes:
    return raw[: rng.randrange(1, len(raw))]


def flipped(rng: random.Random, raw: bytes) -> bytes:
    damaged = bytearray(raw)
    for at in rng.sample(range(len(raw)), min(len(raw), rng.randint(1, 8))):
        damaged[at] ^= 1 << rng.randrange(8)
    return bytes(damaged)


DAMAGES: tuple[Callable[[random.Random, bytes], bytes], ...] = (random_bytes, truncated, flipped)


@pytest.fixture(scope="module")
def tried() -> Counter[str]:
    return Counter()


@pytest.fixture(scope="module")
def parser() -> Iterator[DocumentParser]:
    """One process for all formats: to start one for each takes as long as to read the files."""
    with DocumentParser() as parser:
        yield parser


@pytest.mark.parametrize("name", sorted(VALID))
def test_damaged_file_is_read_exactly_or_refused(
    name: str, tried: Counter[str], seed: int, parser: DocumentParser
) -> None:
    rng = random.Random(f"{SEED} {name}")
    for damage in DAMAGES:
        for number in range(EACH):
            whole = rng.choice(VALID[name])
            raw = damage(rng, whole)
            if raw != whole and raw.strip():
                tried[name] += 1
                assert _outcome(parser, READ_BY[name], raw) in {"", *CODES}, f"{damage.__name__} {number}: {raw!r}"


def _outcome(parser: DocumentParser, reader: Reader, raw: bytes) -> str:
    """Read a file, and return the code of its refusal; empty if it was read and every chunk is correct."""
    reader = reader_by_content(reader, raw)
    try:
        parsed = parser.read(reader, raw, NAMES.get(reader.name, "name"))
    except Unreadable as error:
        return error.code
    parsed = mask_document(parsed, Masking()).parsed
    language_of(parsed)
    check_chunks(parsed, reader.kind, WordCounter())
    return ""


def test_damaged_files_number_at_least_two_thousand(tried: Counter[str], seed: int) -> None:
    if len(tried) < len(VALID):
        pytest.skip("counted only if one process tests all formats")
    assert tried.total() >= MIN_DOCUMENTS, f"seed {seed}: {tried}"
