"""The lines of a `.gitignore` as git reads them, byte for byte.

This follows `wildmatch.c` and `dir.c` of git: pathspec 1.1 decides differently about one path in seventy of random
rules, and raises for some lines that git passes over. Stars become lazy atomic groups, as in `fnmatch`, so that
hostile rules cannot make a match slow.
"""

from __future__ import annotations

import codecs
import functools
import re
import string
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

_SPECIAL = re.compile(r"[*?\[\\]")
_STAR = "[^/]*"
_NOTHING = "(?!)"
_FOLDERS = "(?:.*?/)??"
_CLASSES = {
    "alnum": string.ascii_letters + string.digits,
    "alpha": string.ascii_letters,
    "blank": " \t",
    "cntrl": "".join(map(chr, (*range(1, 32), 127))),
    "digit": string.digits,
    "graph": "".join(map(chr, range(33, 127))),
    "lower": string.ascii_lowercase,
    "print": "".join(map(chr, range(32, 127))),
    "punct": string.punctuation,
    "space": " \t\n\r",
    "upper": string.ascii_uppercase,
    "xdigit": string.hexdigits,
}


class Rule(NamedTuple):
    """One line of rules."""

    text: str
    """As it is written."""
    line: int
    """Its number, from 1."""
    regex: str
    is_negative: bool
    """Whether it takes back an earlier rule: `!pattern`."""
    is_for_folders: bool
    """Whether it holds only for folders: `pattern/`."""
    is_for_names: bool
    """Whether it is compared with the last part of a path: a pattern without a slash."""


class IgnoreRules:
    """The rules of one file, or of one list of patterns. Paths are relative to the folder of the rules."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Take lines of which each character stands for a byte."""
        rules = [rule for number, line in enumerate(lines, 1) if (rule := _rule(line, number)) is not None]
        self._rules = [(rule, re.compile(rule.regex, re.DOTALL)) for rule in reversed(rules)]
        self._is_name = _any_of(rule.regex for rule in rules if rule.is_for_names)
        self._is_path = _any_of(rule.regex for rule in rules if not rule.is_for_names)
        is_any_negative = any(rule.is_negative for rule in rules)
        self._endings = () if is_any_negative else tuple(ending for rule in rules if (ending := _ending(rule)))
        self._matching_folder = functools.lru_cache(1)(
            self._first_matching
        )  # a listing has a folder's files together

    @classmethod
    def of_file(cls, content: bytes) -> IgnoreRules:
        """The rules in the bytes of a file."""
        lines = content.removeprefix(codecs.BOM_UTF8).split(b"\n")
        return cls(line.removesuffix(b"\r").partition(b"\0")[0].decode("latin-1") for line in lines)

    @classmethod
    def of_patterns(cls, patterns: Sequence[str]) -> IgnoreRules:
        """The rules that a person gives as patterns."""
        return cls(map(_bytes_of, patterns))

    def __bool__(self) -> bool:
        """Whether there is a rule."""
        return bool(self._rules)

    def deciding(self, path: str, *, is_folder: bool) -> Rule | None:
        """The last rule that matches a path: it decides. None if no rule matches."""
        path = _bytes_of(path)
        name = path.rpartition("/")[2]
        if not self._is_name(name) and not self._is_path(path):
            return None
        for rule, regex in self._rules:
            if (is_folder or not rule.is_for_folders) and regex.fullmatch(name if rule.is_for_names else path):
                return rule
        return None

    def matches(self, path: str) -> bool:
        """Whether the rules match a file, or a folder of it."""
        return path.endswith(self._endings) or self.matching(path) is not None

    def matches_suffix(self, suffix: str) -> bool:
        """Whether the rules certainly match every file with a suffix."""
        return suffix.endswith(self._endings)

    def matching(self, path: str) -> tuple[str, Rule] | None:
        """The first folder of a path that the rules match, with a slash at its end, or else the file; and the rule.

        None if they match neither.
        """
        folder = path.rpartition("/")[0]
        if folder and (found := self._matching_folder(folder)) is not None:
            return found
        rule = self.deciding(path, is_folder=False)
        return (path, rule) if rule is not None and not rule.is_negative else None

    def _first_matching(self, folder: str) -> tuple[str, Rule] | None:
        parts = folder.split("/")
        for count in range(1, len(parts) + 1):
            part = "/".join(parts[:count])
            rule = self.deciding(part, is_folder=True)
            if rule is not None and not rule.is_negative:
                return f"{part}/", rule
        return None


def _bytes_of(path: str) -> str:
    """A path with one character for each of its bytes: `?` and `[a-z]` of git match bytes."""
    return path if path.isascii() else path.encode("utf-8", "surrogateescape").decode("latin-1")


def _any_of(expressions: Iterable[str]) -> Callable[[str], object]:
    """A quick test whether one of several regular expressions matches."""
    return re.compile("|".join(expressions) or _NOTHING, re.DOTALL).fullmatch


def _rule(line: str, number: int) -> Rule | None:
    """The rule in a line; None for a comment and an empty line."""
    written = _without_trailing_spaces(line)
    if line.startswith("#") or not written:
        return None
    pattern = written.removeprefix("!")
    body = pattern.removesuffix("/")
    is_for_names = "/" not in body
    regex = _regex(body.removeprefix("/"), is_path=not is_for_names)
    shown = written.encode("latin-1").decode("utf-8", "replace")
    return Rule(shown, number, regex, pattern != written, body != pattern, is_for_names)


def _ending(rule: Rule) -> str:
    """The end of the names that a rule such as `*.md` matches; "" for other rules."""
    ending = rule.text[1:]
    is_plain = rule.text.startswith("*") and ending.isascii() and not _SPECIAL.search(ending)
    return ending if is_plain and rule.is_for_names and not rule.is_for_folders else ""


def _without_trailing_spaces(line: str) -> str:
    """The line without the spaces at its end; one behind a backslash stays."""
    spaces: int | None = None
    at = 0
    while at < len(line):
        if line[at] == "\\":
            at += 1
            if at == len(line):
                return line
            spaces = None
        elif line[at] != " ":
            spaces = None
        elif spaces is None:
            spaces = at
        at += 1
    return line[:spaces]


def _regex(pattern: str, *, is_path: bool) -> str:
    """The regular expression for a pattern. In a pattern with a slash, `**` matches any number of folders."""
    fixed = _SPECIAL.split(pattern, maxsplit=1)[0]  # git compares it first: what follows counts as a beginning
    rest, at = pattern[len(fixed) :], 0
    groups = [("", [re.escape(fixed)])]
    """What crosses slashes, and then the regular expressions between stars that do not."""
    while at < len(rest):
        letter = rest[at]
        if letter == "*":
            end = at + len(rest) - at - len(rest[at:].lstrip("*"))
            crossing = _crossing(rest, at, end) if is_path and end - at > 1 else ""
            if crossing:
                groups.append((crossing, [""]))
            else:
                groups[-1][1].append("")
            at = end + (crossing == _FOLDERS)
            continue
        if letter == "[":
            expression, at = _bracket(rest, at + 1)
        elif letter == "\\":
            expression, at = re.escape(rest[at + 1 : at + 2]) or _NOTHING, at + 2
        else:
            expression, at = "[^/]" if letter == "?" else re.escape(letter), at + 1
        groups[-1][1][-1] += expression
    *former, (crossing, last) = groups
    return "".join(f"(?>{before}{_joined(parts, _STAR + '?')})" for before, parts in former) + (
        crossing + _joined(last, _STAR)
    )


def _crossing(pattern: str, at: int, end: int) -> str:
    """What two stars or more match, if they stand for folders; "" if they are like a single star."""
    if at and pattern[at - 1] != "/":
        return ""
    following = pattern[end : end + 2]
    if not following:
        return ".*"
    if following.startswith("/"):
        return _FOLDERS
    return ".*?" if following == "\\/" else ""


def _joined(parts: Sequence[str], last_star: str) -> str:
    """Expressions with stars between them. The leftmost match of all but the last is as good as any other."""
    if len(parts) == 1:
        return parts[0]
    first, *middle, last = parts
    return first + "".join(f"(?>{_STAR}?{part})" for part in middle) + last_star + last


def _bracket(pattern: str, at: int) -> tuple[str, int]:
    """The regular expression for the set of characters that begins at `at`, and where it ends."""
    is_negated = pattern[at : at + 1] in ("!", "^")
    at += is_negated
    chosen: set[str] = set()
    before, is_first = "", True
    while is_first or pattern[at : at + 1] != "]":
        is_first = False
        letter = pattern[at : at + 1]
        if letter == "-" and before and pattern[at + 1 : at + 2] not in ("", "]"):
            at += 1 + (pattern[at + 1] == "\\")
            if at >= len(pattern):
                return _NOTHING, at
            chosen.update(map(chr, range(ord(before), ord(pattern[at]) + 1)))
            letter = ""
        elif pattern.startswith("[:", at) and (end := pattern.find("]", at + 2)) >= 0:
            if end > at + 2 and pattern[end - 1] == ":":
                name = pattern[at + 2 : end - 1]
                if name not in _CLASSES:
                    return _NOTHING, len(pattern)
                chosen.update(_CLASSES[name])
                letter, at = "", end
            else:
                chosen.add(letter)
        else:
            at += letter == "\\"
            letter = pattern[at : at + 1]
            chosen.add(letter)
        if at >= len(pattern):
            return _NOTHING, at
        before = letter
        at += 1
    if is_negated:
        return f"[^/{''.join(map(re.escape, sorted(chosen)))}]", at + 1
    members = "".join(map(re.escape, sorted(chosen - {"/"})))
    return f"[{members}]" if members else _NOTHING, at + 1
