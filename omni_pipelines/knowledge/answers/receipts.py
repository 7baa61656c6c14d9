"""Receipts: an answer with everything that is needed to check it later, without asking anybody.

A receipt goes from sentence to quote to bytes to document to release to run, and ends in a checksum of itself. The
checksum shows that a receipt was changed; that it was not made up as a whole is shown by the release it names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.ids import content_hash
from omni_pipelines.knowledge.answers.answer import Answer, Citation
from omni_pipelines.knowledge.state.releases import read_checked
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.records import Receipt, ReceiptQuote, ReceiptSentence

SEAL = "sha256"
"""The field that holds the checksum."""
_NOT_YET = "0" * 64


def make_receipt(snapshot: Snapshot, answer: Answer) -> Receipt:
    """The receipt of an answer, also of one that abstained.

    Raises:
        ConfigurationError: it was answered from another release, or that release is no longer kept.
    """
    release = snapshot.release
    if answer.release != release.release:
        raise ConfigurationError(
            f"the answer is from release {answer.release}, not from {release.release}",
            cure="ask the librarian that answered",
        )
    record = read_checked(snapshot.home, release.release)
    if record is None:
        raise ConfigurationError(f"release {release.release} is no longer kept", cure="ask again")
    unsealed = Receipt(
        question=answer.question.encode("utf-8", "replace").decode(),  # an argument may hold half a character
        answer=answer.answer,
        sentences=quoted(snapshot, answer),
        release=release.release,
        release_checksum=record[1],
        run_id=release.run_id,
        tables=release.tables,
        fingerprints=release.fingerprints,
        mode=answer.mode,
        sha256=_NOT_YET,
    )
    return unsealed.model_copy(update={SEAL: seal(unsealed.model_dump(mode="json"))})


def quoted(snapshot: Snapshot, answer: Answer) -> tuple[ReceiptSentence, ...]:
    """The sentences of an answer of this release, each quote with the hashes of its bytes and of its document."""
    return tuple(
        ReceiptSentence(text=each.text, quotes=tuple(_quote(snapshot, cited) for cited in each.citations))
        for each in answer.sentences
    )


def _quote(snapshot: Snapshot, cited: Citation) -> ReceiptQuote:
    chunk = snapshot.chunks([cited.chunk_id])[cited.chunk_id]
    document = snapshot.document(chunk["doc_id"])
    if document is None:
        raise ConfigurationError(f"the document of {cited.path} is not in the release", cure="ask again")
    encoding = cited.encoding if cited.verbatim else "utf-8"
    return ReceiptQuote(
        **cited.model_dump(),
        quote_hash=content_hash(cited.quote.encode(encoding)),
        content_hash=document["content_hash"],
    )


def seal(body: Mapping[str, Any]) -> str:
    """The checksum of a receipt's fields, itself left out: sha256 of the JSON, keys sorted, without blanks."""
    rest = {name: value for name, value in body.items() if name != SEAL}
    return hashlib.sha256(orjson.dumps(rest, option=orjson.OPT_SORT_KEYS)).hexdigest()


def receipt_bytes(receipt: Receipt) -> bytes:
    """A receipt as it stands in its file. There is one way to write it, so that every changed byte shows."""
    return as_written(receipt.model_dump(mode="json"))


def as_written(fields: Mapping[str, Any]) -> bytes:
    """Fields as JSON in the form of a receipt's file."""
    return orjson.dumps(fields, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
