"""What skills can be written without a language model: which words ask for each, and what it needs."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Values = Mapping[str, object]
"""Further values for the templates of a recipe."""


def no_values(description: str) -> Values:
    """A recipe that depends on nothing in the description."""
    return {}


@dataclass(frozen=True)
class Recipe:
    """A kind of skill, whose templates are `recipes/NAME.*.j2`."""

    name: str
    use: str
    """When to use such a skill, after "Use when "."""
    asked_by: str
    """A pattern of words that ask for it; the more of them a description has, the better it fits."""
    permissions: tuple[str, ...] = ()
    values: Callable[[str], Values] = no_values
    """Values for its templates, from the description."""

    def fit(self, description: str) -> int:
        """The number of different words of a description that ask for it."""
        return len({found.lower() for found in re.findall(rf"\b(?:{self.asked_by})\b", description, re.IGNORECASE)})


KINDS: Mapping[str, tuple[str, str, tuple[str, str]]] = {
    "links": (
        r"links?|urls?|web",
        r"https?://[^\s<>\"')\]]+",
        ("see https://a.example/b now", "https://a.example/b"),
    ),
    "mail addresses": (
        r"e-?mails?|mail|address(?:es)?|contacts?",
        r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
        ("ask ann.b@c.example today", "ann.b@c.example"),
    ),
    "dates": (r"dates?|days?|deadlines?", r"\b\d{4}-\d{2}-\d{2}\b", ("until 2026-11-29 at noon", "2026-11-29")),
    "tasks": (
        r"tasks?|todos?|to-dos?|fixme|action items?",
        r"(?:^\s*[-*] \[ \] |\b(?:TODO|FIXME):? ?)(.+)",
        ("- [ ] call Ann", "call Ann"),
    ),
    "headings": (r"headings?|titles?|sections?|outline", r"^#{1,6} +(.+)", ("## Keys", "Keys")),
    "versions": (r"versions?|releases?", r"\bv?\d+\.\d+\.\d+\b", ("since v1.20.3 only", "v1.20.3")),
    "amounts": (
        r"amounts?|prices?|numbers?|figures?|costs?|money",
        r"[-+]?\d[\d,.]*\d|\d",
        ("it costs 1,250.50 today", "1,250.50"),
    ),
}
"""Kind of thing to extract → words that ask for it, its pattern, and an example with what is found in it."""


def _kinds(description: str) -> Values:
    def asked(words: str) -> bool:
        return re.search(rf"\b(?:{words})\b", description, re.IGNORECASE) is not None

    kinds = [kind for kind, (words, _, _) in KINDS.items() if asked(words)] or list(KINDS)
    return {
        "patterns": {kind: KINDS[kind][1] for kind in kinds},
        "examples": {kind: KINDS[kind][2] for kind in kinds},
    }


def _form(description: str) -> Values:
    target = re.search(r"\b(?:to|into|as)\b.*?\b(json|csv|markdown)\b", description, re.IGNORECASE)
    return {"to": target[1].lower() if target else "json"}


def _rules(description: str) -> Values:
    longest = re.search(r"\b(\d{2,3})\s+characters\b", description)
    quoted = re.findall(r"[\"'“]([\w -]{2,40})[\"'”]", description)
    return {"longest": int(longest[1]) if longest else 100, "forbidden": list(dict.fromkeys(map(str.lower, quoted)))}


def _fields(description: str) -> Values:
    named = re.search(r"\bwith (?:the )?((?:\w+)(?:(?:, | and |, and )\w+)*)", description)
    words = re.findall(r"[a-z]\w*", named[1].lower()) if named else []
    fields = [word for word in dict.fromkeys(words) if word not in _NO_FIELDS]
    return {"fields": fields or ["name", "subject", "text"]}


def _changes(description: str) -> Values:
    asked = {
        "unique": r"duplicates?|deduplicate|unique|repeated",
        "ordered": r"sort|sorts|sorted|order|alphabetical\w*",
        "lower": r"lower-?case|lower",
        "filled": r"empty|blank",
    }
    chosen = [name for name, words in asked.items() if re.search(rf"\b(?:{words})\b", description, re.IGNORECASE)]
    return {"chosen": ["trim", *chosen]}


_NO_FIELDS = frozenset(
    "and as class def del for from global if import in is lambda none not or pass path return self "
    "try while with yield a an the our your its their".split()
)

RECIPES = (
    Recipe(
        "tables",
        "a table must become JSON, CSV or Markdown",
        "csv|tsv|tables?|spreadsheets?|columns?|rows?|json|convert|parse",
        ("files:read",),
        _form,
    ),
    Recipe(
        "extract",
        "somebody asks which of these a text or a file contains",
        "extract|pull|collect|lists? of|" + "|".join(words for words, _, _ in KINDS.values()),
        ("files:read",),
        _kinds,
    ),
    Recipe(
        "measure",
        "somebody asks how long a text is, or how hard to read",
        "counts?|measures?|statistics|words?|length|long|readab\\w*|frequen\\w*|sentences?",
        ("files:read",),
    ),
    Recipe(
        "check",
        "a text must follow rules before it is published",
        "checks?|validates?|verif\\w+|lints?|style|rules?|forbid\\w*|proofread\\w*|reviews?",
        ("files:read",),
        _rules,
    ),
    Recipe(
        "answer",
        "a question must be answered from the documents of the project, with citations",
        "answers?|questions?|documents?|documentation|knowledge|look up|cite|citations?|explain|help",
        ("knowledge:search",),
    ),
    Recipe(
        "commits",
        "somebody asks what changed in the repository",
        "git|commits?|change ?logs?|repository|history|release notes",
        ("git:read",),
    ),
    Recipe(
        "letter",
        "somebody needs such a text",
        "letters?|templates?|invitations?|announcements?|fill|greetings?|writes?|drafts?|replies|reply",
        ("files:write",),
        _fields,
    ),
    Recipe(
        "notes",
        "something must be kept for later, or found again",
        "notes?|remembers?|minutes|decisions?|journal|meetings?|keeps?|log",
        ("notes:save", "notes:find"),
    ),
    Recipe(
        "clean",
        "lines must be put in order",
        "cleans?|sorts?|sorted|duplicates?|deduplicate|trims?|normali[sz]e\\w*|lower-?case|blank|empty",
        ("files:read",),
        _changes,
    ),
)
FALLBACK = "answer"
"""For a description that asks for nothing in the table."""
