"""What the commands print that search and answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from omni_pipelines.amounts import counted
from omni_pipelines.cli.command import Rows
from omni_pipelines.cli.formats import Format, as_markdown, say_rows
from omni_pipelines.cli.json_output import text_only
from omni_pipelines.cli.output import narrate, say
from omni_pipelines.cli.text import cell, cut, say_highlighted, shell_word
from omni_pipelines.knowledge.search.hits import STALE, Hit, caveats, doubt
from omni_pipelines.knowledge.search.snippets import Forms, snippet

if TYPE_CHECKING:
    from omni_pipelines.knowledge.answers.cited_answer import Answer, Sentence
    from omni_pipelines.knowledge.answers.verification import Verification
    from omni_pipelines.knowledge.quality.gaps import Gap
    from omni_pipelines.knowledge.search.citations import Passage
    from omni_pipelines.knowledge.search.duplicates import DuplicatePassages
    from omni_pipelines.knowledge.search.why_not import WhyNot

SNIPPET_LINES = 4
SNIPPET_WIDTH = 110


@dataclass(frozen=True)
class SearchResult:
    """Hits in a release, best first."""

    release: int
    hits: Sequence[Hit]
    wanted: Set[str] = text_only(frozenset())
    """The forms of the words of the query: they tell which words of a hit to highlight."""
    forms: Forms = text_only(frozenset)
    """The forms of the words of a text, as the index of the release has them."""
    explain: bool = text_only(False)
    form: Format = text_only(Format.TEXT)


@dataclass(frozen=True)
class FoundFile:
    """A document with hits."""

    path: str
    source: str
    uri: str
    score: float
    """Of its best hit."""
    hits: int
    """How many of its passages were found."""


@dataclass(frozen=True)
class FoundFiles:
    """The documents of a search, best first."""

    release: int
    files: Sequence[FoundFile]
    form: Format = text_only(Format.TEXT)


_HIT_FIELDS = (
    "rank",
    "score",
    "citation",
    "path",
    "start_line",
    "end_line",
    "page",
    "heading",
    "confidence",
    "source",
    "uri",
    "text",
)
_FILE_FIELDS = ("path", "source", "uri", "score", "hits")


def show_found(result: SearchResult | FoundFiles) -> None:
    """Print the hits of a search, or one line per document, in the chosen format."""
    if isinstance(result, FoundFiles):
        if result.form is Format.TEXT:
            for file in result.files:
                say(short_path(file.uri))
        else:
            say_rows(result.form, _FILE_FIELDS, map(vars, result.files))
    elif result.form is Format.TEXT:
        show_hits(result)
    elif result.form is Format.MARKDOWN:
        _show_hits_as_markdown(result)
    else:
        rows = ({name: getattr(hit, name) for name in _HIT_FIELDS} for hit in result.hits)
        say_rows(result.form, _HIT_FIELDS, rows)


def show_hits(result: SearchResult) -> None:
    """Print each hit with its location, score, and the lines in which words of the query stand."""
    for hit in result.hits:
        heading = f"  {cell(hit.heading)}" if hit.heading else ""
        say(f"{hit.rank}. {shell_word(hit.citation)}{heading}  ({hit.score:.3f})")
        if result.explain:
            say(f"     {score_as_sum(hit)}")
        for line in snippet(hit.text, result.wanted, result.forms, lines=SNIPPET_LINES, width=SNIPPET_WIDTH):
            say_highlighted("     ", line.text, line.matches)
        for caveat in caveats(hit):
            say(f"     {caveat}")
        for other in hit.also_in:
            say(f"     also in {shell_word(other.citation)}")
        say()


def _show_hits_as_markdown(result: SearchResult) -> None:
    for hit in result.hits:
        heading = f" {as_markdown(cell(hit.heading))}" if hit.heading else ""
        say(f"{hit.rank}. **{as_markdown(hit.citation)}**{heading} ({hit.score:.3f})\n")
        for line in hit.text.strip("\n").splitlines():
            say(f"   > {as_markdown(line)}".rstrip())
        for caveat in caveats(hit):
            say(f"\n   {caveat}")
        say()


def score_as_sum(hit: Hit) -> str:
    """The score, and the parts of its log-odds with the rank in the list that a part comes from."""
    ranks = dict(hit.ranks)
    parts = [
        f"{part:+.3f} {name}" + (f" (rank {ranks[name]})" if ranks.get(name) else "")
        for name, part in hit.parts
        if part or ranks.get(name)
    ]
    return f"{hit.score:.3f} = probability of log-odds {' '.join(parts)}"


def show_why_not(trace: WhyNot) -> None:
    """Print each stage of a search, and where the document was lost."""
    for step in trace.steps:
        say(f"{'yes' if step.passed else 'no':<4}{step.stage}: {step.says}")
    say()
    say(trace.verdict)


def show_answer(answer: Answer) -> None:
    """Print the sentences of an answer, then their citations; of an abstention, the nearest passages, on stderr."""
    for remark in _remarks(answer):
        narrate(remark)
    if answer.abstained:
        _show_nearest(answer)
        return
    label = ""
    for number, sentence in enumerate(answer.sentences, 1):
        say(f"{_with_label(sentence) if sentence.label != label else sentence.text} [{number}]")
        label = sentence.label
    say()
    if answer.mode == "generative":
        narrate("a language model worded this answer; each citation leads to the quote that supports its sentence")
    for number, sentence in enumerate(answer.sentences, 1):
        say(f"[{number}] {' '.join(dict.fromkeys(shell_word(cited.citation) for cited in sentence.citations))}")
        if unsure := doubt(min((cited.confidence for cited in sentence.citations), default=1.0)):
            say(f"    {unsure}")
        if any(cited.stale for cited in sentence.citations):
            say(f"    {STALE}")
    for conflict in answer.conflicts:
        say(f"[{conflict.first}] and [{conflict.second}] do not agree: {conflict.says}")


def _remarks(answer: Answer) -> Iterator[str]:
    """What to know before one reads an answer."""
    if answer.read_as:
        yield f"read as: {answer.read_as}"
    if answer.is_doubtful:
        yield f"these quotes may not answer the question: evidence {answer.evidence:.2f} of 1"
    if answer.subjects:
        yield f"the question fits several things: {'; '.join(each.rstrip('.') for each in answer.subjects)}"


def _show_nearest(answer: Answer) -> None:
    """Name the passages on stderr: whoever reads stdout for an answer must not find one."""
    if answer.nearest:
        narrate("the nearest passages, which do not answer it:")
    for cited in answer.nearest:
        narrate(shell_word(cited.citation))
        narrate(f"    {cut(' '.join(cited.quote.split()), SNIPPET_WIDTH)}")


def _with_label(sentence: Sentence) -> str:
    """The text of a sentence behind its label, on the same line unless it has several lines."""
    if not sentence.label:
        return sentence.text
    return f"{sentence.label}:{chr(10) if chr(10) in sentence.text else ' '}{sentence.text}"


def show_verification(verification: Verification) -> None:
    """Print the number of checks, or each check that failed, then what is proven and what is not."""
    if verification.verified:
        say(f"verified against release {verification.release}: {verification.checks} checks")
    for failure in verification.failures:
        say(f"{failure.field}: {failure.reason}")
    for proven in verification.proven:
        say(f"proven: {proven}")
    for unproven in verification.unproven:
        say(f"not proven: {unproven}")


def show_citation(passage: Passage) -> None:
    """Print where the cited text is, and its lines with their numbers."""
    if passage.note:
        narrate(f"note: {passage.note}")
    width = len(str(passage.end_line))
    say(short_path(passage.uri))
    for number, line in zip(passage.line_numbers, passage.lines, strict=True):
        say(f"{number:>{width}}  {line}")


def show_duplicates(groups: Rows[DuplicatePassages]) -> None:
    """Print each group with the locations of its passages."""
    for group in groups.rows:
        say(f"{group.similarity:.0%} alike: {group.beginning}")
        for passage in group.places:
            say(f"    {shell_word(passage.citation)}")
    shown = f"; {len(groups.rows)} shown" if len(groups.rows) != groups.fields["groups"] else ""
    narrate(f"{counted(groups.fields['groups'], 'group')}, {counted(groups.fields['passages'], 'passage')}{shown}")


def show_gaps(gaps: Rows[Gap]) -> None:
    """Print each gap with how often it was asked, and up to three other wordings."""
    if not gaps.rows:
        narrate("no gap is open")
    for gap in gaps.rows:
        state = f"closed by release {gap.closed_by}" if gap.closed_by else f"evidence {gap.evidence:.2f}"
        say(f"{gap.times:>4}x  {gap.question}  ({state}, last asked {gap.last_asked.astimezone():%Y-%m-%d})")
        for wording in gap.wordings[1:4]:
            say(f"       {wording}")


def short_path(uri: str) -> str:
    """The path of a file URI, relative to the working directory where it is inside; any other URI unchanged."""
    if not uri.startswith(("file:", "git+file:", "archive+file:")):
        return uri
    path = Path(unquote(urlsplit(uri).path))
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
