"""The citation form: how a document and a part of it are named, the same for every kind of source.

A citation is `SOURCE/PATH:LINES`, such as `docs/keys.md:14-15`. `SOURCE/PATH` is unique in every release, because a
source has one document for each path; `SOURCE` alone is the document of a source that has the same name. Documents
with pages are cited by page and line of the page: `docs/guide.pdf:p3:2-5`. `5:3-40` and `5:3-7:12` are columns of
lines of which only a part is meant.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

_N = r"[1-9]\d{0,8}"
_PLACE = re.compile(
    rf":(?:p(?P<page>{_N})(?:-(?P<last_page>{_N}))?(?::(?=\d)|$))?"
    rf"(?:(?P<line>{_N})(?::(?P<column>{_N}))?(?:-(?:(?P<last_line>{_N}):)?(?P<end>{_N}))?)?"
)
_URI_LINES = re.compile(rf"#L({_N})(?:-L?({_N}))?$")
_LIKE_PLACE = re.compile(r"(?::p?\d[\d-]*)+$")
"""The end of a name that could be taken for a place; its colons are written as `%3A`."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LIKE_ESCAPE = re.compile(r"%(?=(?:25)*(?:[01][0-9A-F]|7F|3A))")
"""A percent sign that could be taken for the start of an escape; it is written as `%25`."""


class DocumentName(NamedTuple):
    """What names a document."""

    doc_id: str
    source: str
    path: str
    uri: str


@dataclass(frozen=True)
class CitedPart:
    """The part of a document that a citation names. Numbers count from 1; 0 is not given."""

    page: int = 0
    last_page: int = 0
    line: int = 0
    column: int = 0
    last_line: int = 0
    last_column: int = 0
    """Of the last character; 0 is the end of the line."""


def cited_name(source: str, path: str, uri: str) -> str:
    """The name of a document in citations. Control characters and whatever looks like a place are escaped."""
    if path == source:
        whole = path
    elif path.startswith("//") and uri.startswith(("http:", "https:")):  # a page of another host, or the home page
        whole = f"{source}{path}"
    else:
        whole = f"{source}/{path}"
    whole = _CONTROL.sub(lambda letter: f"%{ord(letter[0]):02X}", _LIKE_ESCAPE.sub("%25", whole))
    return _LIKE_PLACE.sub(lambda end: end[0].replace(":", "%3A"), whole)


def cited_place(lines: str, page: int | None) -> str:
    """A place after the name of a document: `:3-9`, or `:p3:3-9` in documents with pages."""
    return f":p{page}:{lines}" if page is not None else f":{lines}"


def readings(citation: str) -> Iterator[tuple[str, CitedPart]]:
    """The ways to read a citation as a name and a part, the likeliest first.

    There are several only where a person wrote a name with colons as it is, and not as citations have it.
    """
    citation = _URI_LINES.sub(lambda end: f":{end[1]}-{end[2] or end[1]}", citation)
    for colon in re.finditer(":", citation):
        place = _PLACE.fullmatch(citation, colon.start())
        if place is not None and place.end() - place.start() > 1:
            yield citation[: colon.start()], _part(place)
    yield citation, CitedPart()


def _part(place: re.Match[str]) -> CitedPart:
    given = {name: int(value) if value else 0 for name, value in place.groupdict().items()}
    column, end = given["column"], given.pop("end")
    if given["last_line"] or not end:
        return CitedPart(**{**given, "last_line": given["last_line"] or given["line"]}, last_column=end)
    if column:
        return CitedPart(**{**given, "last_line": given["line"]}, last_column=end)
    return CitedPart(**{**given, "last_line": end})


def named_documents(name: str, documents: Iterable[DocumentName]) -> list[DocumentName]:
    """The documents that a name means: one, none, or several where a person gave only the end of a path.

    A name is that of citations, an id, a URI, a path on this machine, or the end of a path in a source.
    """
    known = list(documents)
    uri = uri_of(name)
    exact = (
        [each for each in known if name == cited_name(each.source, each.path, each.uri)]
        or [each for each in known if name in (each.doc_id, each.uri)]
        or [each for each in known if uri == each.uri]
    )
    end = f"/{name.lstrip('/')}"
    return exact or [each for each in known if f"/{each.source}/{each.path}".endswith(end)]


def uri_of(name: str) -> str:
    """The URI that a name means: itself, or that of a path on this machine."""
    if name.startswith("file:"):
        from urllib.request import url2pathname  # loads the HTTP client, which a search need not wait for

        return Path(url2pathname(urlsplit(name).path)).as_uri()
    if "://" in name:  # in a repository, an archive, an object store or a website
        return name
    return path_named(name).as_uri()


def path_named(name: str) -> Path:
    """The absolute path on this machine that a name means, without links, because sources are stored without them."""
    path = Path(name).expanduser().absolute()
    return path if "\0" in name else Path(os.path.realpath(path))
