"""Find the skill or tool for a request: by its words and its meaning, with a confidence and the reasons."""

from __future__ import annotations

import difflib
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np

from omni_pipelines.skills.library import FoundSkill
from omni_pipelines.text.embedding import Embedder
from omni_pipelines.tools.definition import ToolDefinition

MAX_QUERY_LENGTH = 1_000
NAME_WEIGHT, INTENT_WEIGHT, KEYWORD_WEIGHT, DESCRIPTION_WEIGHT = 5.0, 4.0, 3.0, 1.0
"""How often a word of a field counts."""
MEANING_SHARE = 0.6
"""Of the score, the share of the cosine; the rest is that of the words."""
KIN_SHARE = 0.3
"""The share of its score that an entry gives to those it belongs to, such as a tool to the skill that explains it."""
SKILL_LEAD = 0.05
"""What a skill gets beyond a tool: it says when to use which tool."""
EXACT = 1.0
"""For an entry whose name is the whole query."""
HIGH, MEDIUM, CLEAR_LEAD = 0.75, 0.50, 0.15
MIN_SIMILARITY = 0.75
"""From which a word that no entry has is taken for a misspelled one."""
_K, _B = 1.2, 0.75
"""Of BM25; Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009)."""
_STOP_WORDS = frozenset(
    "a an and are as at be but by can could did do does for from had has have how i if in is it its me my no not of "
    "on or our please so that the their them there these they this to was we what when where which who why will with "
    "would you your us am were been of should shall may might must need want get let".split()
)


class Confidence(StrEnum):
    """How sure it is that an entry is the right one."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True)
class RoutingEntry:
    """A skill or tool that can be found."""

    name: str
    kind: str
    """skill or tool."""
    description: str
    keywords: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()
    kin: str = ""
    """Entries with the same kin belong together: the tools of git, and the skill that explains them."""

    @property
    def texts(self) -> tuple[str, ...]:
        """What is compared with the meaning of a request."""
        spoken = self.name.replace(".", " ").replace("-", " ")
        keywords = (", ".join(self.keywords),) if self.keywords else ()
        return (self.description, *self.intents, *keywords, spoken)


@dataclass(frozen=True)
class Route:
    """An entry that was found."""

    name: str
    kind: str
    description: str
    score: float
    """0 to about 1.3; comparable within one query."""
    confidence: Confidence
    reason: str


def entries_of(skills: Iterable[FoundSkill], tools: Iterable[ToolDefinition]) -> list[RoutingEntry]:
    """What can be found: skills that can be read, and tools."""
    found = [
        RoutingEntry(
            each.name,
            "skill",
            each.folder.metadata.description,
            each.folder.metadata.routing_keywords,
            each.folder.metadata.intents,
            _kin_of_skill(each),
        )
        for each in skills
        if not each.problem
    ]
    return [
        *found,
        *(
            RoutingEntry(
                tool.name,
                "tool",
                f"{tool.annotations.title}. {tool.description}",
                intents=TOOL_REQUESTS.get(tool.name, ()),
                kin=tool.name.partition(".")[0],
            )
            for tool in tools
        ),
    ]


def _kin_of_skill(skill: FoundSkill) -> str:
    """The kind of tools that it uses first."""
    permissions = skill.folder.metadata.permissions
    return permissions[0].partition(":")[0] if permissions else ""


TOOL_REQUESTS: Mapping[str, tuple[str, ...]] = {
    "files.read": ("Read a file", "Show the lines of a file", "Open a file and look at it", "cat head tail"),
    "files.list": ("List the files of a folder", "Which files are in a directory", "ls tree"),
    "files.grep": ("Find text in files", "Search every file for a word", "grep find where a function is in the code"),
    "files.write": ("Create a file", "Save a text as a new file or page", "Put text on disk", "echo"),
    "files.edit": ("Edit a file", "Replace a word in a file", "Correct a place in a page", "sed"),
    "git.status": (
        "Show uncommitted changes",
        "Which files are changed and not committed",
        "What have I not committed yet",
    ),
    "git.diff": ("Show the differences", "What changed since a commit", "Compare changed lines"),
    "git.log": (
        "List commits",
        "Show the history",
        "Who changed this recently",
        "What happened in the repository lately",
    ),
    "git.show": ("Show a commit", "Explain what a commit did"),
    "notes.save": ("Remember a decision", "Write something down", "Keep a note", "Do not forget this"),
    "notes.find": (
        "Find a note",
        "What did we decide",
        "What did we agree on in the meeting",
        "Is there a note about something",
    ),
    "dagster.launch": (
        "Refresh the index",
        "Index new documents",
        "Rebuild the knowledge base",
        "Run a job",
        "New files are not found yet, start what indexes them",
    ),
    "dagster.status": ("List the last runs", "Did the pipeline run fail", "How did the runs end", "Is a job running"),
    "knowledge.search": ("Search the documents", "Find a passage", "Look for a word in the sources"),
    "knowledge.ask": ("Answer a question", "What do the documents say about something", "Ask the handbook or policy"),
    "knowledge.context": ("Give everything about a subject within a number of tokens",),
    "knowledge.show": ("Open a citation", "Show the text of a citation", "Show a document at some lines"),
    "knowledge.outline": ("List the documents", "List the sections of a document", "Show the table of contents"),
    "knowledge.changes": (
        "Which documents changed since a release",
        "Which pages were added or removed",
        "What is new in the documents",
    ),
    "knowledge.status": (
        "How many documents are indexed",
        "Is the knowledge base up to date",
        "How old is the index",
    ),
}
"""Requests for each tool that ships, as people say them."""


class Router:
    """Finds entries. With an embedder, by their meaning as well; its vectors are made at the first query."""

    def __init__(self, entries: Sequence[RoutingEntry], embedder: Embedder | None = None) -> None:
        self._entries, self._embedder = {each.name: each for each in entries}, embedder
        self._words = {each.name: _counted(each) for each in entries}
        lengths = [sum(words.values()) for words in self._words.values()]
        self._average = sum(lengths) / len(lengths) if lengths else 1.0
        self._holders = Counter(word for words in self._words.values() for word in words)

    @property
    def names(self) -> list[str]:
        """All that can be found."""
        return list(self._entries)

    def route(self, query: str, count: int = 5) -> list[Route]:
        """The best entries for a request, best first; none if nothing resembles it."""
        query = query[:MAX_QUERY_LENGTH]
        words = self._known(query)
        keyword, vector = self._by_words(words), self._by_meaning(query)
        scores = self._fused(query, keyword, vector)
        ranked = sorted(scores.items(), key=_best_first)[:count]
        following = [*(score for _, score in ranked[1:]), 0.0]
        return [
            self._route(name, score, score - following[place], words, vector.get(name, 0.0))
            for place, (name, score) in enumerate(ranked)
        ]

    def _known(self, query: str) -> dict[str, str]:
        """The stems of the words of a query, misspelled ones corrected → the words as they were typed."""
        known = list(self._holders)

        def corrected(stem: str) -> str:
            similar = difflib.get_close_matches(stem, known, 1, MIN_SIMILARITY)
            return stem if stem in self._holders or not similar else similar[0]

        return {corrected(_stem(word)): word for word in _words(query)}

    def _by_words(self, words: Collection[str]) -> dict[str, float]:
        scores = {name: sum(self._weight(word, each) for word in words) for name, each in self._words.items()}
        return {name: score for name, score in sorted(scores.items(), key=_best_first) if score > 0}

    def _weight(self, word: str, words: Counter[str]) -> float:
        holders, times = self._holders[word], words[word]
        if not times:
            return 0.0
        rarity = math.log(1 + (len(self._words) - holders + 0.5) / (holders + 0.5))
        length = 1 - _B + _B * sum(words.values()) / self._average
        return rarity * times * (_K + 1) / (times + _K * length)

    def _by_meaning(self, query: str) -> dict[str, float]:
        if self._embedder is None:
            return {}
        [asked] = self._embedder.embed([query], kind="query")
        scores: dict[str, float] = {}
        for name, vector in self._vectors:
            scores[name] = max(scores.get(name, -1.0), float(vector @ asked))
        return dict(sorted(scores.items(), key=_best_first))

    @cached_property
    def _vectors(self) -> list[tuple[str, np.ndarray]]:
        """A vector for the description of each entry, each of its requests, its keywords, and its name."""
        assert self._embedder is not None
        texts = [(each.name, text) for each in self._entries.values() for text in each.texts]
        return list(zip((name for name, _ in texts), self._embedder.embed([text for _, text in texts]), strict=True))

    def _fused(self, query: str, keyword: Mapping[str, float], vector: Mapping[str, float]) -> dict[str, float]:
        """Shares of words, meaning and kin: 1 is an entry that is the best one by its words, and means the same."""
        best = max(keyword.values(), default=0.0) or 1.0
        share = MEANING_SHARE if vector else 0.0
        own = {
            name: (1 - share) * keyword.get(name, 0.0) / best + share * max(vector.get(name, 0.0), 0.0)
            for name in self._entries
        }
        return {name: score + self._extra(name, own, query) for name, score in own.items() if score > 0}

    def _extra(self, name: str, own: Mapping[str, float], query: str) -> float:
        exact = EXACT if name == query.strip().lower() else 0.0
        lead = SKILL_LEAD if self._entries[name].kind == "skill" else 0.0
        return KIN_SHARE * self._kin_score(name, own) + exact + lead

    def _kin_score(self, name: str, own: Mapping[str, float]) -> float:
        kin = self._entries[name].kin
        others = (score for other, score in own.items() if other != name and kin and self._entries[other].kin == kin)
        return max(others, default=0.0)

    def _route(self, name: str, score: float, lead: float, words: Mapping[str, str], cosine: float) -> Route:
        entry = self._entries[name]
        shared = [word for stem, word in words.items() if stem in self._words[name]]
        reasons = (f"words: {', '.join(shared)}" if shared else "", f"meaning: {cosine:.2f}" if cosine > 0 else "")
        return Route(
            name,
            entry.kind,
            entry.description,
            round(score, 3),
            confidence_in(score if self._embedder else score * len(shared) / (len(words) or 1), lead),
            "; ".join(filter(None, reasons)),
        )


def confidence_in(score: float, lead: float) -> Confidence:
    """How sure an entry is with this score, and this lead over the next one.

    Measured on the labelled queries: see docs/benchmarks/routing.md.
    """
    if score >= HIGH or (score >= MEDIUM and lead >= CLEAR_LEAD):
        return Confidence.HIGH
    return Confidence.MEDIUM if score >= MEDIUM else Confidence.LOW


def _best_first(item: tuple[str, float]) -> tuple[float, str]:
    return -item[1], item[0]


def _counted(entry: RoutingEntry) -> Counter[str]:
    counted: Counter[str] = Counter()
    fields = (
        (NAME_WEIGHT, (entry.name,)),
        (INTENT_WEIGHT, entry.intents),
        (KEYWORD_WEIGHT, entry.keywords),
        (DESCRIPTION_WEIGHT, (entry.description,)),
    )
    for weight, texts in fields:
        for word in {word for text in texts for word in _tokens(text)}:
            counted[word] += weight  # type: ignore[assignment]
    return counted


def _tokens(text: str) -> list[str]:
    return [_stem(word) for word in _words(text)]


def _words(text: str) -> list[str]:
    return [word for word in re.findall(r"[^\W_]+", text.lower()) if word not in _STOP_WORDS]


def _stem(word: str) -> str:
    """A word without the ends that plurals and verbs have, as far as that is plain."""
    for end, least in (("ies", 5), ("ing", 6), ("ed", 5), ("es", 5), ("s", 4)):
        if word.endswith(end) and len(word) >= least and not word.endswith("ss"):
            stem = word[: -len(end)] + ("y" if end == "ies" else "")
            return (
                stem[:-1]
                if end in ("ing", "ed") and len(stem) > 3 and stem[-1] == stem[-2]
                else stem.removesuffix("e")
            )
    return word.removesuffix("e") if len(word) > 3 else word
