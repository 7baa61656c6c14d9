"""Receipts: an answer with everything that is needed to check it later, without asking anybody.

A receipt leads from sentence to quote to bytes to document to release to run, and ends in a checksum of itself. The
checksum reveals a changed receipt; a receipt that is invented as a whole is revealed by the release it names.
"""

import hashlib
from collections.abc import Mapping

import orjson

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.ids import content_hash
from omni_pipelines.knowledge.answers.cited_answer import Answer, Citation
from omni_pipelines.knowledge.state.releases import read_with_checksum
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.records import Receipt, ReceiptQuote, ReceiptSentence

SEAL = "sha256"  # the field that holds the checksum


def make_receipt(snapshot: Snapshot, answer: Answer) -> Receipt:
    """The receipt of an answer or an abstention.

    Raises:
        ConfigurationError: the answer is from another release, or its release is no longer kept.
    """
    release = snapshot.release
    if answer.release != release.release:
        problem = f"the answer is from release {answer.release}, not from {release.release}"
        raise ConfigurationError(problem, cure="ask the librarian that answered")
    record = read_with_checksum(snapshot.home, release.release)
    if record is None:
        raise ConfigurationError(f"release {release.release} is no longer kept", cure="ask again")
    unsealed = Receipt(
        question=answer.question.encode("utf-8", "replace").decode(),  # arguments may hold lone surrogates
        answer=answer.answer,
        sentences=receipt_sentences(snapshot, answer),
        release=release.release,
        release_checksum=record[1],
        run_id=release.run_id,
        tables=release.tables,
        fingerprints=release.fingerprints,
        mode=answer.mode,
        sha256="0" * 64,
    )
    return unsealed.model_copy(update={SEAL: seal(unsealed.model_dump(mode="json"))})


def receipt_sentences(snapshot: Snapshot, answer: Answer) -> tuple[ReceiptSentence, ...]:
    """The sentences of an answer, each quote with the hashes of its bytes and of its document."""
    return tuple(
        ReceiptSentence(text=sentence.text, quotes=tuple(_quote(snapshot, cited) for cited in sentence.citations))
        for sentence in answer.sentences
    )


def _quote(snapshot: Snapshot, cited: Citation) -> ReceiptQuote:
    chunk = snapshot.chunks([cited.chunk_id])[cited.chunk_id]
    document = snapshot.document(chunk["doc_id"])
    if document is None:
        raise ConfigurationError(f"the document of {cited.path} is not in the release", cure="ask again")
    encoding = cited.encoding if cited.verbatim else "utf-8"
    return ReceiptQuote(
        **cited.model_dump(exclude={"confidence"}),
        quote_hash=content_hash(cited.quote.encode(encoding)),
        content_hash=document["content_hash"],
    )


def seal(body: Mapping[str, object]) -> str:
    """The checksum of the fields without the checksum itself: sha256 of compact JSON with sorted keys."""
    rest = {name: value for name, value in body.items() if name != SEAL}
    return hashlib.sha256(orjson.dumps(rest, option=orjson.OPT_SORT_KEYS)).hexdigest()


def receipt_bytes(receipt: Receipt) -> bytes:
    """The content of a receipt's file. There is only one way to write it, so that any changed byte is detected."""
    return canonical_json(receipt.model_dump(mode="json"))


def canonical_json(fields: Mapping[str, object]) -> bytes:
    """Fields as JSON in the form of a receipt's file."""
    return orjson.dumps(fields, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
