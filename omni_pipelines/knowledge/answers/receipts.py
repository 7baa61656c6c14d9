"""Receipts: an answer with everything that is needed to check it later, without asking anybody.

A receipt leads from sentence to quote to bytes to document to release to run. The home that answered seals all of it
with a key of its own, so nobody without that key can change a receipt or invent one. The checksum at its end needs no
key: it reveals a file that was damaged.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime

import orjson

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.ids import content_hash, text_hash
from omni_pipelines.knowledge.answers.cited_answer import Answer, Citation
from omni_pipelines.knowledge.answers.units import SPLITTER
from omni_pipelines.knowledge.state.home_key import key_id, keyed_seal, make_key, read_key
from omni_pipelines.knowledge.state.releases import read_with_checksum
from omni_pipelines.knowledge.state.seen_sources import sources_seen
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.receipt_records import Receipt, ReceiptQuote, ReceiptSentence

SEAL = "sha256"
"""The field that holds the checksum."""
HOME_SEAL = "home_seal"
"""The field that holds the seal of the home."""


def make_receipt(snapshot: Snapshot, answer: Answer, where: Mapping[str, str]) -> Receipt:
    """The receipt of an answer or an abstention that was just made from a snapshot; `where` are its filters.

    Raises:
        ConfigurationError: the release of the answer is no longer kept, or the home has no key to seal with.
    """
    release, key = snapshot.release, _key(snapshot.home)
    record = read_with_checksum(snapshot.home, release.release)
    if record is None:
        raise ConfigurationError(f"release {release.release} is no longer kept", cure="ask again")
    unsealed = Receipt(
        question=_encodable(answer.question),
        where={field: _encodable(value) for field, value in where.items()},
        viewer=None if snapshot.viewer is None else tuple(sorted(snapshot.viewer.tags)),
        answer=answer.answer,
        sentences=receipt_sentences(snapshot, answer),
        release=release.release,
        release_checksum=record[1],
        run_id=release.run_id,
        tables=release.tables,
        fingerprints=release.fingerprints,
        sources_seen=_seen(snapshot, answer),
        mode=answer.mode,
        model=answer.attempts[-1].variant if answer.mode == "generative" and answer.attempts else "",
        evidence=answer.evidence,
        note=answer.note,
        splitter=SPLITTER,
        home_key=key_id(key),
        sha256="0" * 64,
    )
    body = unsealed.model_dump(mode="json")
    body[HOME_SEAL] = home_seal(body, key)
    return Receipt.model_validate_json(orjson.dumps({**body, SEAL: seal(body)}))


def _seen(snapshot: Snapshot, answer: Answer) -> dict[str, datetime]:
    """When the sources that the answer quotes were last listed."""
    seen = sources_seen(snapshot.home, snapshot.release)
    cited = snapshot.chunks([each.chunk_id for sentence in answer.sentences for each in sentence.citations], [])
    return {name: seen[name] for name in sorted({row["source"] for row in cited.values()}) if name in seen}


def answer_digest(answer: Answer) -> str:
    """A hash of everything in an answer, by which a librarian knows its own."""
    return text_hash(repr(answer))


def _encodable(text: str) -> str:
    """A text without lone surrogates, which arguments of a command may hold."""
    return text.encode("utf-8", "replace").decode()


def _key(home: Home) -> bytes:
    """The key of the home; one that was made by an older version gets its key here."""
    try:
        make_key(home.key)
        key = read_key(home.key)
    except OSError as error:
        raise ConfigurationError(
            f"the key that seals receipts cannot be read or written: {home.key}: {error.strerror}",
            cure="ask as a user who may read all files of the home; a home without a key gets one from omni ingest",
        ) from error
    if key is None:
        raise ConfigurationError(f"{home.key} is damaged", cure="run: omni ingest")
    return key


def receipt_sentences(snapshot: Snapshot, answer: Answer) -> tuple[ReceiptSentence, ...]:
    """The sentences of an answer, each quote with the hashes of its bytes and of its document."""
    return tuple(
        ReceiptSentence(
            text=sentence.text,
            label=sentence.label,
            quotes=tuple(_quote(snapshot, cited) for cited in sentence.citations),
        )
        for sentence in answer.sentences
    )


def _quote(snapshot: Snapshot, cited: Citation) -> ReceiptQuote:
    chunk = snapshot.chunks([cited.chunk_id])[cited.chunk_id]
    document = snapshot.document(chunk["doc_id"])
    if document is None:
        raise ConfigurationError(f"the document of {cited.path} is not in the release", cure="ask again")
    encoding = cited.encoding if cited.verbatim else "utf-8"
    return ReceiptQuote(
        **cited.model_dump(exclude={"confidence", "source_seen", "stale"}),
        quote_hash=content_hash(cited.quote.encode(encoding)),
        content_hash=document["content_hash"],
    )


def seal(body: Mapping[str, object]) -> str:
    """The checksum of the fields without the checksum itself: sha256 of compact JSON with sorted keys."""
    return hashlib.sha256(_compact(body, SEAL)).hexdigest()


def home_seal(body: Mapping[str, object], key: bytes) -> str:
    """The seal of a home on all fields but the seal itself and the checksum."""
    return keyed_seal(key, _compact(body, SEAL, HOME_SEAL))


def _compact(body: Mapping[str, object], *without: str) -> bytes:
    rest = {name: value for name, value in body.items() if name not in without}
    return orjson.dumps(rest, option=orjson.OPT_SORT_KEYS)


def receipt_bytes(receipt: Receipt) -> bytes:
    """The content of a receipt's file. There is only one way to write it, so that any changed byte is detected."""
    return canonical_json(receipt.model_dump(mode="json"))


def canonical_json(fields: Mapping[str, object]) -> bytes:
    """Fields as JSON in the form of a receipt's file."""
    return orjson.dumps(fields, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
