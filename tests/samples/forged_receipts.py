"""Forged receipts: changed as somebody would who has the receipt and the sources, knows every format, and has no key.

Every forgery has the right checksum and the form of a receipt, so only the home and its release can reveal it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from omni_pipelines.ids import content_hash
from omni_pipelines.knowledge.answers.receipts import HOME_SEAL, SEAL, canonical_json, seal

Fields = dict[str, Any]
Forge = Callable[[Fields, Fields, Random], None]
"""Changes the first receipt, with the help of another one."""


def resealed(fields: Fields) -> Fields:
    """With the right checksum."""
    return {**fields, SEAL: seal(fields)}


def said(fields: Fields) -> None:
    """Make the answer the sequence of its sentences, and each sentence its quotes."""
    for sentence in fields["sentences"]:
        if fields["mode"] == "extractive":
            sentence["text"] = "\n".join(" ".join(quote["quote"].split()) for quote in sentence["quotes"])
    fields["answer"] = "\n".join(sentence["text"] for sentence in fields["sentences"])


def any_quote(fields: Fields, random: Random) -> Fields:
    """One of the quotes of a receipt."""
    quotes = [quote for sentence in fields["sentences"] for quote in sentence["quotes"]]
    return random.choice(quotes)


def cut(quote: Fields, start: int, end: int) -> None:
    """Leave the characters from `start` to `end` of a quote, with their bytes and hash."""
    encoding = quote["encoding"] if quote["verbatim"] else "utf-8"
    before, kept = quote["quote"][:start].encode(encoding), quote["quote"][start:end].encode(encoding)
    quote["start_byte"] += len(before)
    quote["end_byte"] = quote["start_byte"] + len(kept)
    quote["quote"], quote["quote_hash"] = quote["quote"][start:end], content_hash(kept)


def _cut_words(fields: Fields, _: Fields, random: Random) -> None:
    quote = any_quote(fields, random)
    starts = [at + 1 for at, sign in enumerate(quote["quote"]) if sign == " "]
    cut(quote, random.choice(starts), len(quote["quote"]))
    said(fields)


def _cut_end(fields: Fields, _: Fields, random: Random) -> None:
    quote = any_quote(fields, random)
    cut(quote, 0, random.randint(1, len(quote["quote"]) - 1))
    said(fields)


def _shift(fields: Fields, _: Fields, random: Random) -> None:
    quote, by = any_quote(fields, random), random.choice((-8, -1, 1, 8))
    quote["start_byte"], quote["end_byte"] = max(quote["start_byte"] + by, 0), quote["end_byte"] + by


def _drop_a_word(fields: Fields, _: Fields, random: Random) -> None:
    quote = any_quote(fields, random)
    words = quote["quote"].split(" ")
    words.pop(random.randrange(len(words)))
    quote["quote"] = " ".join(words) or "yes"
    said(fields)


def _swap_quotes(fields: Fields, other: Fields, random: Random) -> None:
    fields["sentences"][0]["quotes"] = [copy.deepcopy(any_quote(other, random))]
    said(fields)


def _swap_citations(fields: Fields, other: Fields, random: Random) -> None:
    any_quote(fields, random)["citation"] = any_quote(other, random)["citation"]


def _join_quotes(fields: Fields, other: Fields, random: Random) -> None:
    fields["sentences"][0]["quotes"].append(copy.deepcopy(any_quote(other, random)))
    said(fields)


def _add_sentences(fields: Fields, other: Fields, _: Random) -> None:
    fields["sentences"] += copy.deepcopy(other["sentences"])
    said(fields)


def _reorder(fields: Fields, other: Fields, _: Random) -> None:
    fields["sentences"] = [*copy.deepcopy(other["sentences"]), *fields["sentences"]]
    said(fields)


def _drop_sentences(fields: Fields, _: Fields, __: Random) -> None:
    fields["sentences"] = []
    fields["answer"] = ""


def _answer_another_question(fields: Fields, other: Fields, _: Random) -> None:
    fields["question"] = other["question"]


def _answer_with_another_answer(fields: Fields, other: Fields, _: Random) -> None:
    fields["sentences"], fields["answer"] = copy.deepcopy(other["sentences"]), other["answer"]


def _other_mode(fields: Fields, _: Fields, __: Random) -> None:
    fields["mode"] = "generative" if fields["mode"] == "extractive" else "extractive"


def _put_words(fields: Fields, _: Fields, random: Random) -> None:
    """A claim of a language model that no model made."""
    fields["mode"], fields["model"] = "generative", "a-large-model"
    random.choice(fields["sentences"])["text"] = "Everybody gets everything."
    said(fields)


def _other_release(fields: Fields, other: Fields, _: Random) -> None:
    for name in ("release", "release_checksum", "run_id", "tables", "fingerprints"):
        fields[name] = other[name]
    fields["release"] += fields["release"] == other["release"]


def _other_parameter(fields: Fields, _: Fields, random: Random) -> None:
    name, value = random.choice(
        [
            ("where", {"path": "secret/**"}),
            ("viewer", ["everybody"]),
            ("evidence", round(random.random(), 4)),
            ("note", "checked by a person"),
            ("answered_at", "2020-01-01T00:00:00Z"),
            ("model", "gpt"),
            ("splitter", "0"),
        ]
    )
    fields[name] = value


def _other_label(fields: Fields, _: Fields, random: Random) -> None:
    random.choice(fields["sentences"])["label"] = "Refunds for everybody"


def _seal_of_another(fields: Fields, other: Fields, random: Random) -> None:
    fields["question"] = other["question"]
    fields[HOME_SEAL] = random.choice((other[HOME_SEAL], "0" * 64, "é" * 64, fields[HOME_SEAL].upper()))


def _unsealed(fields: Fields, other: Fields, _: Random) -> None:
    fields["question"] = other["question"]
    fields["home_key"] = fields[HOME_SEAL] = ""


def _sealed_elsewhere(fields: Fields, _: Fields, random: Random) -> None:
    _drop_sentences(fields, fields, random)
    fields["home_key"] = f"{random.getrandbits(64):016x}"


def _first_version(fields: Fields, other: Fields, _: Random) -> None:
    fields["question"], fields["schema_version"] = other["question"], 1
    for name in ("where", "viewer", "model", "evidence", "note", "splitter", "home_key", HOME_SEAL):
        del fields[name]
    for sentence in fields["sentences"]:
        del sentence["label"]


WITHOUT_SEAL: tuple[Forge, ...] = (_unsealed, _sealed_elsewhere, _first_version)
"""What looks like the receipt of another home or of an older version: nothing shows that it is wrong."""
FORGERIES: tuple[Forge, ...] = (
    _cut_words,
    _cut_end,
    _shift,
    _drop_a_word,
    _swap_quotes,
    _swap_citations,
    _join_quotes,
    _add_sentences,
    _reorder,
    _drop_sentences,
    _answer_another_question,
    _answer_with_another_answer,
    _other_mode,
    _put_words,
    _other_release,
    _other_parameter,
    _other_label,
    _seal_of_another,
    *WITHOUT_SEAL,
)


def forgeries(receipts: Sequence[Fields], count: int, random: Random) -> Iterator[tuple[Forge, bytes]]:
    """Forged receipts of each kind in turn, made from receipts of several answers; all of them differ from these."""
    originals = {canonical_json(each) for each in receipts}
    made = 0
    while made < count:
        forge = FORGERIES[made % len(FORGERIES)]
        one, other = random.sample(list(receipts), 2)
        fields = copy.deepcopy(one)
        forge(fields, other, random)
        raw = canonical_json(resealed(fields))
        if raw not in originals:
            made += 1
            yield forge, raw
