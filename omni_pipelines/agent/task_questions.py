"""The questions in the words of a task, and whether it asks for more than knowledge."""

import re

_POLITE = re.compile(
    r"(?:and |then |also )*"
    r"(?:(?:please|can you|could you|would you|will you|i want you to|i need you to|you should)\s+)*",
    re.I,
)
_TELL = re.compile(
    r"(?:tell|show|give)\s+(?:me|us)\s+|(?:find|figure|look)\s+(?:out|up)\s+|explain\s+(?:to\s+(?:me|us)\s+)?"
    r"|(?:i|we)\s+(?:want|need|would like|'d like)\s+to\s+know\s+|(?:describe|look for|search for|find|show|list)\s+",
    re.I,
)
_COMPARE = re.compile(r"compare\s+(?P<one>.+?)\s+(?:and|with|to)\s+(?P<other>.+)", re.I | re.S)
_ASKING = r"what|who|whom|whose|which|where|when|why|how"
_QUESTION = re.compile(
    rf"(?:{_ASKING}|is|are|was|were|do|does|did|has|have|had|should|may|must|(?:in|on|at|since|for|by|to|from) "
    r"(?:what|which|whom|when))\b",
    re.I,
)
_ENDS = re.compile(r"(?<=[?\uff1f])\s+|(?<=[.!])\s+(?=[A-Z])")
_NEXT_QUESTION = re.compile(rf",?\s+and\s+(?:also\s+)?(?=(?:(?:in|on|at|since|for|by) )?(?:{_ASKING})\b)", re.I)
_POINTS_BACK = re.compile(r"\b(?:it|its|they|them|their|he|she|him|her)\b", re.I)
_CLAUSES = re.compile(r"[,;:!]+\s|[.](?:\s|$)|\n+|\b(?:and|then)\b", re.I)
_WORK = frozenset(
    "add append apply build change clean commit compile compose configure convert copy create debug delete "
    "deploy download draft edit email execute fix format generate implement improve insert install launch make merge "
    "migrate modify move optimize optimise organize organise patch post publish push refactor release remove rename "
    "reorganize replace restructure rewrite run save send set setup start stop submit sum summarise summarize test "
    "translate troubleshoot update upgrade upload write".split()
)
"""Verbs at the beginning of a task that searching alone does not carry out."""


def work_asked_for(task: str) -> str:
    """The sentence of a task that asks for more than knowledge; "" if none does."""
    for sentence in _sentences(task):
        if is_question(sentence):
            continue
        for clause in _CLAUSES.split(_after(_POLITE, sentence)):
            words = _after(_POLITE, clause.strip()).split()
            if words and words[0].lower() in _WORK:
                return sentence
    return ""


def questions_of(task: str) -> list[str]:
    """The questions of a task that asks for knowledge: "Find out A, and how B is done" has two.

    A sentence that asks nothing belongs to the question after it; after the last one, it is left out.
    """
    found: list[str] = []
    before = ""
    for sentence in _sentences(task):
        if asked := _asked_in(sentence):
            found += [before + asked[0], *asked[1:]]
            before = ""
        else:
            before += f"{sentence} "
    return found or [task]


def is_question(sentence: str) -> bool:
    """Whether a sentence asks by its first words."""
    return _QUESTION.match(_after(_POLITE, sentence.strip())) is not None


def _sentences(task: str) -> list[str]:
    return [part.strip() for part in _ENDS.split(task) if part.strip()]


def _asked_in(sentence: str) -> list[str]:
    """What a sentence asks; [] if it asks nothing."""
    plain = _after(_POLITE, sentence).strip()
    if both := _COMPARE.fullmatch(plain.rstrip(".!?")):
        return [f"What is the difference between {both['one']} and {both['other']}?"]
    told = _after(_TELL, plain)
    if told == plain and not is_question(plain):
        return [sentence] if sentence.endswith(("?", "\uff1f")) else []
    parts: list[str] = []
    for part in _NEXT_QUESTION.split(told):
        if parts and _POINTS_BACK.search(part):
            parts[-1] += f" and {part}"
        else:
            parts.append(part)
    return [part.rstrip(".,;! ") for part in parts]


def _after(beginning: re.Pattern[str], text: str) -> str:
    """A text without the words that say how politely, or by whom, something is asked."""
    found = beginning.match(text)
    return text[found.end() :] if found else text
