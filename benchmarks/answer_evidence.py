"""Fit the weights of the evidence on the development half of the question set, and write them.

    python -m benchmarks.answer_evidence [CORPUS...] [--homes FOLDER] [--write]

For each question it collects the candidates of its passages with their features, and how much of the gold passages
each of them quotes. The ranking is a conditional logistic regression (McFadden, 1974): the candidates that quote the
gold passage against the others of the same question. The decision is a logistic regression over the best candidate of
each question: does it answer, or one of the next two, or none of them? Both have a ridge penalty. The printed shares
are of a cross-validation in which each corpus is judged by weights that were fitted on the others.

With `--write`, the weights go to omni_pipelines/knowledge/answers/weights.py.
"""

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.answer_questions import HOMES, build_base, chosen, questions_about
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.evaluation.answer_questions import AnswerQuestion, Half, Missing, questions_of
from omni_pipelines.evaluation.gold_passages import GoldPassage, QuotedTexts, covered_share, find_gold
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.answers import weights
from omni_pipelines.knowledge.answers.cited_answer import Answer, Sentence
from omni_pipelines.knowledge.answers.evidence import FEATURES, Candidate, Question
from omni_pipelines.knowledge.answers.extraction import MAX_UNITS, whole_unit
from omni_pipelines.knowledge.answers.quotes import cite
from omni_pipelines.knowledge.answers.units import Unit
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.state.snapshot import Snapshot

RIDGE = 3.0
MIN_COVERED = 0.8
MIN_REFUSED = {Missing.THING: 0.93, Missing.FACT: 0.75}
"""Share of the questions without an answer that must get none, by what the corpus lacks."""
THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)
Weights = np.ndarray


@dataclass(frozen=True)
class Example:
    """A question with its candidates."""

    corpus: str
    question: str
    missing: str
    """What the corpus lacks; "" if it answers the question."""
    features: np.ndarray
    """(n, len(FEATURES))"""
    covered: np.ndarray
    """(n,) share of a gold passage that each candidate quotes, 0 to 1."""


@dataclass(frozen=True)
class Fitted:
    """The weights of both regressions."""

    ranking: Weights
    """(len(FEATURES),)"""
    decision: Weights
    """(len(FEATURES) + 1,), the bias last."""

    def probability(self, example: Example) -> float:
        """The probability that the best candidates answer the question; 0 without candidates."""
        if not len(example.covered):
            return 0.0
        best = ranked(example, self.ranking)[0]
        logit = example.features[best] @ self.decision[:-1] + self.decision[-1]
        return float(1 / (1 + np.exp(-logit)))


def ranked(example: Example, ranking: Weights) -> np.ndarray:
    """The indices of the candidates, the best first."""
    return np.argsort(-(example.features @ ranking), kind="stable")


def quoted_share(example: Example, ranking: Weights) -> float:
    """The share of a gold passage that the candidates which may be quoted contain, 0 to 1."""
    return float(example.covered[ranked(example, ranking)[:MAX_UNITS]].max(initial=0.0))


def main() -> None:
    """Collect, fit, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", nargs="*")
    parser.add_argument("--homes", type=Path, default=HOMES)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    examples = collect(options.corpora, options.homes.expanduser())
    judged = cross_validate(examples)
    threshold = best_threshold(judged)
    for each in THRESHOLDS:
        print(f"{each:.2f}  {outcomes(judged, each)}")
    print(f"least evidence: {threshold:.2f}")
    fitted = fit(examples)
    for name, ranking, decision in zip(FEATURES, fitted.ranking, fitted.decision, strict=False):
        print(f"{ranking:7.2f} {decision:7.2f}  {name}")
    if options.write:
        Path(weights.__file__).write_text(module_text(fitted, threshold), encoding="utf-8")


def collect(corpora: Sequence[str], homes: Path) -> list[Example]:
    """The development questions about these corpora, or about all that are on this machine."""
    examples: list[Example] = []
    for name, corpus in chosen(corpora).items():
        home = Home(homes / name / HOME_NAME)
        try:
            build_base(corpus, home)
        except ConfigurationError as error:
            print(f"{name} is left out: {error.message}")
            continue
        librarian = Librarian.open(home)
        texts = QuotedTexts(Snapshot.open(home, librarian.release))
        for question in questions_of(questions_about(name), Half.DEVELOPMENT):
            gold, _ = find_gold(question, texts)
            if gold or not question.gold:
                examples.append(example(name, question, gold, librarian.prepared(question.question), texts))
    return examples


def example(
    corpus: str,
    question: AnswerQuestion,
    gold: Sequence[Sequence[GoldPassage]],
    asked: Question,
    texts: QuotedTexts,
) -> Example:
    """A question with what its candidates quote."""
    passages = [passage for alternative in gold for passage in alternative]

    def covered(candidate: Candidate) -> float:
        quoted = _answer_of(whole_unit(candidate, asked))
        return max((covered_share(passage, quoted, texts) for passage in passages), default=0.0)

    shares = np.array([covered(each) for each in asked.candidates], np.float64)
    return Example(corpus, question.question, question.missing, asked.features, shares)


def _answer_of(unit: Unit) -> Answer:
    citations = tuple(cite(unit.hit, start, end) for start, end in unit.ranges)
    sentence = Sentence(text=unit.text, citations=citations)
    return Answer(release=1, abstained=False, answer=unit.text, sentences=(sentence,), evidence=1.0)


def fit(examples: Sequence[Example]) -> Fitted:
    """Both regressions."""
    ranking = fit_ranking(examples)
    rows, answers = [], []
    for each in examples:
        if len(each.covered):
            rows.append(each.features[ranked(each, ranking)[0]])
            answers.append(float(not each.missing and quoted_share(each, ranking) >= MIN_COVERED / 2))
    return Fitted(ranking, fit_logistic(np.array(rows), np.array(answers)))


def fit_ranking(examples: Sequence[Example]) -> Weights:
    """Newton's method for the conditional logistic regression."""
    groups = [
        (each.features, each.covered >= MIN_COVERED) for each in examples if np.any(each.covered >= MIN_COVERED)
    ]
    ranking = np.zeros(len(FEATURES))
    for _ in range(100):
        gradient, hessian = RIDGE * ranking, RIDGE * np.eye(len(FEATURES))
        for features, is_gold in groups:
            logits = features @ ranking
            shares = np.exp(logits - logits.max())
            shares /= shares.sum()
            of_gold = shares * is_gold
            mean = features.T @ shares
            gradient = gradient + mean - features.T @ (of_gold / max(of_gold.sum(), 1e-12))
            hessian = hessian + (features * shares[:, None]).T @ features - np.outer(mean, mean)
        step = np.linalg.solve(hessian, gradient)
        ranking = ranking - step
        if np.abs(step).max() < 1e-4:
            break
    return ranking


def fit_logistic(rows: np.ndarray, answers: np.ndarray) -> Weights:
    """Newton's method for a logistic regression with a bias, which has no penalty."""
    rows = np.hstack([rows, np.ones((len(rows), 1))])
    penalty = np.diag([RIDGE] * (rows.shape[1] - 1) + [1e-6])
    fitted = np.zeros(rows.shape[1])
    for _ in range(40):
        shares = 1 / (1 + np.exp(-np.clip(rows @ fitted, -30, 30)))
        hessian = (rows * (shares * (1 - shares))[:, None]).T @ rows + penalty
        fitted = fitted - np.linalg.solve(hessian, rows.T @ (shares - answers) + penalty @ fitted)
    return fitted


Judged = tuple[Example, float, float]
"""An example, the probability that its best candidates answer, and the share of a gold passage that they quote."""


def cross_validate(examples: Sequence[Example]) -> list[Judged]:
    """Every example, judged by weights that were fitted on the other corpora."""
    judged: list[Judged] = []
    for corpus in dict.fromkeys(each.corpus for each in examples):
        fitted = fit([each for each in examples if each.corpus != corpus])
        own = (each for each in examples if each.corpus == corpus)
        judged += ((each, fitted.probability(each), quoted_share(each, fitted.ranking)) for each in own)
    return judged


def best_threshold(judged: Sequence[Judged]) -> float:
    """The lowest threshold at which enough questions without an answer get none, see `MIN_REFUSED`."""

    def least(missing: Missing, share: float) -> float:
        own = sorted(probability for each, probability, _ in judged if each.missing == missing)
        return own[math.ceil(share * len(own)) - 1]

    return round(max(least(*each) for each in MIN_REFUSED.items()) + 0.005, 2)


def outcomes(judged: Sequence[Judged], threshold: float) -> str:
    """The shares of outcomes at a threshold, by what is missing."""
    parts = []
    for missing in dict.fromkeys(each.missing for each, _, _ in judged):
        own = [
            (probability >= threshold, covered) for each, probability, covered in judged if each.missing == missing
        ]
        answered = [covered for is_answered, covered in own if is_answered]
        right = sum(covered >= MIN_COVERED for covered in answered)
        given = f"answered {len(answered) / len(own):.0%}" + ("" if missing else f", right {right / len(own):.0%}")
        parts.append(f"{missing or 'answerable'} ({len(own)}): {given}")
    return "; ".join(parts)


def module_text(fitted: Fitted, threshold: float) -> str:
    """The source of the module with the weights."""
    lines = [
        '"""Weights of the evidence. `python -m benchmarks.answer_evidence --write` writes this module."""',
        "",
        "WEIGHTS = {",
        *(
            f'    "{name}": ({ranking:.2f}, {decision:.2f}),'
            for name, ranking, decision in zip(FEATURES, fitted.ranking, fitted.decision, strict=False)
        ),
        "}",
        '"""Feature to its weights: in the ranking of the units, and in the decision if the best ones answer."""',
        f"DECISION_BIAS = {fitted.decision[-1]:.2f}",
        f"MIN_EVIDENCE = {threshold:.2f}",
        '"""The probability below which there is no answer."""',
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
