"""Generated answers: the claims of a language model that the units of the sources bear out.

The model reads numbered units and says which of them state the answer. Its claim is kept if such a unit bears it out,
and the quote is the unit, so nothing is copied by the model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from omni_pipelines import progress
from omni_pipelines.errors import LanguageModelFailed
from omni_pipelines.knowledge.answers.cited_answer import ANSWERING, READING, Answer, Sentence
from omni_pipelines.knowledge.answers.evidence import Question, answer_probability, unit_scores
from omni_pipelines.knowledge.answers.extraction import abstention, extract_answer
from omni_pipelines.knowledge.answers.prompts import LARGE_MODEL, PromptLimits, prompt, select_units
from omni_pipelines.knowledge.answers.quotes import cite, figures_are_quoted
from omni_pipelines.knowledge.answers.support import Support
from omni_pipelines.knowledge.answers.units import Unit, subject
from omni_pipelines.knowledge.answers.weights import MIN_EVIDENCE
from omni_pipelines.language_models.claims import (
    MAX_CLAIM_LENGTH,
    MAX_CLAIMS,
    Claim,
    read_claims,
    schema,
    written_claims,
)
from omni_pipelines.language_models.port import complete
from omni_pipelines.providers import Attempt, VariantsFailed
from omni_pipelines.variant_registry import VariantRegistry

MIN_CLAIM_EVIDENCE = 0.9 * MIN_EVIDENCE
"""Evidence that a unit must have to be read; hardly less than for a quote: small models see an answer in anything."""

STRONG_EVIDENCE = 0.7
"""Evidence from which the sources are quoted although the model found no answer in them."""

Scored = tuple[Unit, float]
"""A unit and its evidence."""


class Unsupported(LanguageModelFailed):
    """A model answered, but no unit bears out the answer."""

    def __init__(self, message: str, *, cure: str = "", attempts: tuple[Attempt, ...] = ()) -> None:
        super().__init__(message, cure=cure)
        self.attempts = attempts


class NothingFound(Unsupported):
    """A model read the units and found no answer in them."""


@dataclass(frozen=True)
class ModelReader:
    """Answers questions by a language model that reads the units of the sources."""

    models: VariantRegistry
    support: Support
    count: Callable[[str], int]
    """The number of tokens of a text."""
    limits: PromptLimits = LARGE_MODEL
    min_evidence: float = MIN_CLAIM_EVIDENCE

    def answer(self, release: int, question: str, scored: Sequence[Scored]) -> Answer:
        """The claims of a model, each with the unit that bears it out.

        Each claim that is kept is also reported as progress, while the model writes.

        Args:
            release: the release that the units are from.
            question: the question.
            scored: the units that may answer it, best first, with the evidence of each.

        Raises:
            VariantsFailed: no model answered.
            NothingFound: the model found no answer, or the units bear out none of its claims.
            Unsupported: the reply cannot be read.
        """
        best = [pair for pair in scored if pair[1] >= self.min_evidence]
        units = select_units([unit for unit, _ in best], self.limits, self.count)
        if not units:
            raise NothingFound("no passage is near enough to the question for the language model to read it")
        progress.report(READING, 0, len(units), "passages")
        check = _Check(units, self.support)
        messages, tokens = prompt(question, units), self.limits.reply_tokens
        outcome = complete(self.models, messages, schema(len(units)), tokens, check.report)
        try:
            claims = read_claims(outcome.value.text)[:MAX_CLAIMS]
        except ValueError as error:
            message = "the language model did not answer in the requested form"
            raise Unsupported(message, attempts=outcome.attempts) from error
        kept = check.kept(claims)
        if not kept:
            problem = f"the sources bear out none of its {len(claims)} claims" if claims else "it found no answer"
            raise NothingFound(f"the language model was asked, but {problem}", attempts=outcome.attempts)
        evidence = {id(unit): score for unit, score in best}
        return Answer(
            release=release,
            abstained=False,
            answer="\n".join(each.text for each in kept),
            sentences=tuple(each.sentence for each in kept),
            evidence=round(max(evidence[id(each.unit)] for each in kept), 4),
            mode="generative",
            note=_note(sum(check.borne_out(claim) is None for claim in claims)),
            attempts=outcome.attempts,
        )


@dataclass(frozen=True)
class _BorneOut:
    """A claim with the unit that bears it out."""

    text: str
    unit: Unit

    @property
    def sentence(self) -> Sentence:
        cited = tuple(cite(self.unit.hit, start, end) for start, end in self.unit.ranges)
        return Sentence(text=self.text, citations=cited)


@dataclass
class _Check:
    """Compares claims with the units that a model reads, each claim once."""

    units: Sequence[Unit]
    support: Support
    _checked: dict[Claim, _BorneOut | None] = field(default_factory=dict)
    _reported: int = 0

    def report(self, reply: str) -> None:
        """Report the claims that are complete in a reply that is still being written, and are borne out."""
        kept = self.kept(written_claims(reply))
        for number in range(self._reported, len(kept)):
            progress.report(ANSWERING, number + 1, 0, "claims", kept[number].text)
        self._reported = max(self._reported, len(kept))

    def kept(self, claims: Sequence[Claim]) -> list[_BorneOut]:
        """The claims that a unit bears out, without those that say what an earlier one says."""
        kept: list[_BorneOut] = []
        for claim in claims:
            found = self.borne_out(claim)
            if found is not None and not any(self.support.says_the_same(found.text, each.text) for each in kept):
                kept.append(found)
        return kept

    def borne_out(self, claim: Claim) -> _BorneOut | None:
        """The claim with the first unit that bears it out, those that it names before the others."""
        if claim not in self._checked:
            self._checked[claim] = self._compare(claim)
        return self._checked[claim]

    def _compare(self, claim: Claim) -> _BorneOut | None:
        text = " ".join("".join(each if each.isprintable() else " " for each in claim.text).split())
        if not 0 < len(text) <= MAX_CLAIM_LENGTH:
            return None
        named = [self.units[number - 1] for number in claim.unit if 1 <= number <= len(self.units)]
        for unit in (*named, *(each for each in self.units if each not in named)):
            is_quoted = figures_are_quoted(text, " ".join(unit.quotes))  # as a receipt is verified: without the label
            if is_quoted and self.support.bears_out(text, unit.text, subject(unit)):
                copied = self.support.says_the_same(unit.text, text)
                return _BorneOut(unit.text if copied else text, unit)
        return None


def _note(dropped: int) -> str:
    left_out = f"{dropped} claim{'s' if dropped > 1 else ''}"
    return f"{left_out} of the language model had no source and was left out" if dropped else ""


def scored_units(question: Question) -> list[Scored]:
    """The units that may answer a question, best first, each with the probability that it does."""
    if not question.candidates:
        return []
    scores = unit_scores(question.features)
    order = sorted(range(len(scores)), key=lambda index: -scores[index])
    return [
        (question.candidates[each].unit, answer_probability(question.features[each], question.calibration))
        for each in order
    ]


def quotes_instead(
    release: int, question: Question, error: VariantsFailed | Unsupported, strong: float = STRONG_EVIDENCE
) -> Answer:
    """The extractive answer where a model gave none, with a note that says why.

    It becomes an abstention if a model read the sources and found nothing, unless its evidence is `strong`.
    """
    reason = error.message
    if isinstance(error, VariantsFailed):
        reasons = "; ".join(f"{each.variant}: {each.reason}" for each in error.attempts)
        reason = f"no language model answered ({reasons})"
    quotes = extract_answer(release, question)
    if isinstance(error, NothingFound) and quotes.evidence < strong:
        quotes = abstention(release, question, quotes.evidence)
    note = reason if quotes.abstained else f"{reason}; these are quotes from the sources"
    return quotes.model_copy(update={"note": note, "attempts": error.attempts})
