"""What a report may cite, the passages and results that tools returned, and which of its sentences they support."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson
from pydantic import ValidationError

from omni_pipelines.agent.reasoner import TaskBrief, TaskReport
from omni_pipelines.agent.task_state import SUCCESSES
from omni_pipelines.knowledge.answers.cited_answer import Answer, Citation, Sentence
from omni_pipelines.knowledge.answers.quotes import figures_are_quoted

MAX_SOURCES = 40
MAX_SOURCE_LENGTH = 1_500
"""Characters of a source that the model is shown."""


@dataclass(frozen=True)
class TaskSource:
    """Something that a tool returned, under a number."""

    number: int
    name: str
    """The citation of a passage, or the tool."""
    text: str
    citation: Citation | None = None
    is_success: bool = True


def sources_of(brief: TaskBrief) -> list[TaskSource]:
    """What the tools returned, each passage once, in the order of the calls."""
    found: dict[str, tuple[str, str, Citation | None, bool]] = {}
    for step in (*brief.past, *brief.steps):
        for made, response in zip(step.calls, brief.responses(step), strict=True):
            is_success = made.status in SUCCESSES
            cited = list(citations_in(response.data)) if is_success else []
            for citation in cited:
                found.setdefault(citation.citation, (citation.citation, citation.quote, citation, True))
            if not cited:
                text = brief.output(made)[:MAX_SOURCE_LENGTH]
                found.setdefault(made.output, (made.tool, text, None, is_success))
    return [TaskSource(number, *fields) for number, fields in enumerate(list(found.values())[:MAX_SOURCES], 1)]


def cited_sources(brief: TaskBrief) -> list[TaskSource]:
    """The passages among them."""
    return [source for source in sources_of(brief) if source.citation is not None]


def citations_in(data: object) -> Iterator[Citation]:
    """Every passage in a response: an answer's quotes, or hits."""
    if isinstance(data, Mapping):
        fields = {name: data[name] for name in Citation.model_fields if name in data}
        try:
            yield Citation.model_validate({"quote": data.get("text"), **fields})
        except ValidationError:
            for value in data.values():
                yield from citations_in(value)
    elif isinstance(data, list):
        for value in data:
            yield from citations_in(value)


def checked_report(
    brief: TaskBrief, sources: Sequence[TaskSource], sentences: Sequence[tuple[str, Sequence[int]]]
) -> TaskReport:
    """A report with the sentences that name sources which have their figures, and with every change that was made."""
    kept = [
        (plain, named)
        for text, numbers in sentences
        if (plain := _plain(text)) and (named := _named(plain, numbers, sources))
    ]
    lines = [f"{text} {''.join(f'[{source.number}]' for source in named)}" for text, named in kept]
    if dropped := len(sentences) - len(kept):
        lines.append(f"({dropped} sentence{'s' if dropped > 1 else ''} of the language model had no source)")
    lines += _changes(brief)
    return TaskReport(text="\n".join(lines), answer=_answer(brief, kept))


def _plain(text: str) -> str:
    """A sentence on one line, without links: what a page told the model must not be opened by a click."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", line)


def _named(text: str, numbers: Sequence[int], sources: Sequence[TaskSource]) -> list[TaskSource]:
    """The sources of a sentence; none if one is missing or failed, or if none of them has its figures."""
    known = {source.number: source for source in sources if source.is_success}
    named = [known[number] for number in dict.fromkeys(numbers) if number in known]
    return named if figures_are_quoted(text, " ".join(source.text for source in named)) else []


def _changes(brief: TaskBrief) -> list[str]:
    reading = {tool.name for tool in brief.tools if tool.annotations.read_only_hint}
    return [
        f"{'done' if made.status in SUCCESSES else 'not done'}: {made.tool} {_short(brief, made.arguments)}"
        for step in (*brief.past, *brief.steps)
        for made in step.calls
        if made.tool not in reading
    ]


def _short(brief: TaskBrief, arguments: str) -> str:
    fields = orjson.loads(brief.text(arguments))
    return " ".join(f"{name}={str(value)[:60]!r}" for name, value in fields.items())


def _answer(brief: TaskBrief, kept: Sequence[tuple[str, Sequence[TaskSource]]]) -> Answer | None:
    """The sentences with citations as an answer; None if none cites a document."""
    cited = [
        Sentence(text=text, citations=tuple(source.citation for source in named if source.citation is not None))
        for text, named in kept
        if any(source.citation is not None for source in named)
    ]
    if not cited or brief.release is None:
        return None
    return Answer(
        question=brief.task,
        release=brief.release,
        abstained=False,
        answer="\n".join(sentence.text for sentence in cited),
        sentences=tuple(cited),
        evidence=1.0,
        mode="generative",
    )
