"""Measure whether units bear out claims: labelled pairs, half of them held out.

    python -m benchmarks.claims            # the development half, with the pairs that are judged wrongly
    python -m benchmarks.claims --held     # the held-out half, figures only

`claims.jsonl` holds invented units, each with claims that it bears out and claims that it does not: another figure,
name or relation, a denial, or a fact that is not in it. Units with odd line numbers are for development.
"""

import argparse
import functools
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from native.tantivy_index import KeywordIndex
from omni_pipelines.knowledge.answers.support import Support
from omni_pipelines.settings import Settings
from omni_pipelines.text.engines import load_embedder

PAIRS = Path(__file__).with_name("claims.jsonl")


@dataclass(frozen=True)
class Pair:
    """A claim and a unit, and whether the unit bears it out."""

    label: str
    unit: str
    claim: str
    is_borne_out: bool


@dataclass(frozen=True)
class Score:
    """How many pairs of each kind there are, and how many are judged rightly."""

    supported: int
    kept: int
    unsupported: int
    dropped: int
    wrong: tuple[Pair, ...]


def read_pairs(*, held: bool) -> Iterator[Pair]:
    """The pairs of one half."""
    for line in PAIRS.read_text("utf-8").splitlines()[int(held) :: 2]:
        row = json.loads(line)
        for answer, is_borne_out in (("yes", True), ("no", False)):
            for claim in row[answer]:
                yield Pair(row["label"], row["text"], claim, is_borne_out)


def measure(support: Support, *, held: bool) -> Score:
    """Judge the pairs of one half."""
    pairs = list(read_pairs(held=held))
    kept = [support.bears_out(pair.claim, pair.unit, pair.label) for pair in pairs]
    judged = list(zip(pairs, kept, strict=True))
    return Score(
        supported=sum(pair.is_borne_out for pair in pairs),
        kept=sum(is_kept and pair.is_borne_out for pair, is_kept in judged),
        unsupported=sum(not pair.is_borne_out for pair in pairs),
        dropped=sum(not is_kept and not pair.is_borne_out for pair, is_kept in judged),
        wrong=tuple(pair for pair, is_kept in judged if is_kept != pair.is_borne_out),
    )


def open_support(folder: Path) -> Support:
    """The comparison with the default embedder and the analysis of the keyword index."""
    terms = KeywordIndex.create(folder, ()).terms
    embedder = load_embedder(Settings(), workers=1)
    return Support(lambda texts, kind: embedder.embed(texts, kind=kind), functools.cache(terms))


def main() -> None:
    """Print the figures of a half."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--held", action="store_true")
    held: bool = parser.parse_args().held
    with tempfile.TemporaryDirectory() as folder:
        score = measure(open_support(Path(folder)), held=held)
    if not held:
        for pair in score.wrong:
            sys.stdout.write(f"{'lost' if pair.is_borne_out else 'kept wrongly'}: {pair.claim} | {pair.unit}\n")
    sys.stdout.write(
        f"{score.supported} borne out, kept {score.kept / score.supported:.0%}; "
        f"{score.unsupported} not borne out, dropped {score.dropped / score.unsupported:.0%}\n"
    )


if __name__ == "__main__":
    main()
