"""Commands that read: search, why-not, ask, verify, show, status."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omni_pipelines.cli.options import (
    FeedbackOption,
    FusionOption,
    HomeOption,
    JsonOption,
    ReaderOption,
    WhereOption,
    filters,
    reader_of,
)
from omni_pipelines.cli.output import narrate, say, say_json

if TYPE_CHECKING:
    from datetime import datetime

    from omni_pipelines.home import Home
    from omni_pipelines.knowledge.librarian import Librarian
    from omni_pipelines.knowledge.search.hits import Hit
    from omni_pipelines.records import Receipt

ReleaseOption = Annotated[int | None, typer.Option("--release", help="A kept release; default: the newest.")]
AsOfOption = Annotated[
    str | None, typer.Option("--as-of", help="The newest release of this ISO date or time, or before it; local time.")
]
SNIPPET_LINES = 4


def add_to(app: typer.Typer) -> None:
    """Put the commands under `omni`."""
    for command in (search, why_not, ask, verify, show, status):
        app.command()(command)


def search(
    query: Annotated[str, typer.Argument(help='What to look for. "Words in quotes" must stand together.')],
    k: Annotated[int, typer.Option("-k", help="How many hits.")] = 10,
    mode: Annotated[str, typer.Option("--mode", help="hybrid, keyword or vector.")] = "hybrid",
    where: WhereOption = None,
    fusion: FusionOption = "convex",
    feedback: FeedbackOption = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say what each score is made of.")] = False,
    release: ReleaseOption = None,
    as_of: AsOfOption = None,
    reader: ReaderOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Find passages."""
    from omni_pipelines.knowledge.search.hits import format_location
    from omni_pipelines.knowledge.search.options import Fusion, Mode, check_query

    narrowed, searched = filters(where), Mode.parse(mode)
    check_query(query, k, narrowed)  # before a home is looked for: what is wrong anywhere is said first
    librarian = _librarian(home, release, as_of, reader)
    hits = librarian.search(query, k, searched, narrowed, fusion=Fusion.parse(fusion), feedback=feedback)
    if json:
        say_json({"release": librarian.release, "hits": [hit.model_dump(mode="json") for hit in hits]})
        return
    if not hits:
        narrate("nothing found")
    for hit in hits:
        heading = f"  {hit.heading}" if hit.heading else ""
        where_it_is = format_location(_path(hit.uri), hit.start_line, hit.end_line, hit.page)
        say(f"{hit.rank}. {where_it_is}{heading}  ({hit.score:.3f})")
        if explain:
            say(f"     {_explained(hit)}")
        for line in [line for line in hit.text.splitlines() if line.strip()][:SNIPPET_LINES]:
            say(f"     {line.rstrip()[:110]}")
        for other in hit.also_in:
            say(f"     also in {format_location(_path(other.uri), other.start_line, other.end_line, other.page)}")
        say()


def why_not(
    query: Annotated[str, typer.Argument(help="What was looked for.")],
    document: Annotated[str, typer.Argument(help="The document that was missed: its path, or a file URI.")],
    k: Annotated[int, typer.Option("-k", help="How many hits were asked for.")] = 10,
    where: WhereOption = None,
    fusion: FusionOption = "convex",
    feedback: FeedbackOption = None,
    release: ReleaseOption = None,
    as_of: AsOfOption = None,
    reader: ReaderOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Say at which stage of a search a document was lost."""
    from omni_pipelines.knowledge.search.options import Fusion

    librarian = _librarian(home, release, as_of, reader)
    found = librarian.why_not(query, document, k, filters(where), fusion=Fusion.parse(fusion), feedback=feedback)
    if json:
        say_json(found.model_dump(mode="json"))
        return
    for step in found.steps:
        say(f"{'yes' if step.passed else 'no':<4}{step.stage}: {step.says}")
    say()
    say(found.verdict)


def ask(
    question: Annotated[str, typer.Argument(help="A question.")],
    where: WhereOption = None,
    mode: Annotated[
        str,
        typer.Option(
            "--mode",
            help="extractive: in the sources' own words. generative: in a language model's words, each sentence "
            "checked against a quote. auto: generative if llm_url is set.",
        ),
    ] = "auto",
    receipt: Annotated[
        Path | None, typer.Option("--receipt", help="Write what the answer rests on to this file; see omni verify.")
    ] = None,
    release: ReleaseOption = None,
    as_of: AsOfOption = None,
    reader: ReaderOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Answer a question with citations, or say that the sources do not tell."""
    from omni_pipelines.knowledge.search.hits import format_location

    generate = _generate(mode)
    librarian = _librarian(home, release, as_of, reader)
    answer = librarian.ask(question, filters(where), generate=generate)
    if receipt is not None:
        _write_receipt(receipt, librarian.receipt(answer))
    if answer.note:
        narrate(f"note: {answer.note}")
    if json:
        say_json(answer.model_dump(mode="json"))
    elif not answer.abstained:
        for number, sentence in enumerate(answer.sentences, 1):
            say(f"{sentence.text} [{number}]")
        say()
        if answer.mode == "generative":
            narrate("in the words of a language model; each place holds the quote that bears its sentence out")
        for number, sentence in enumerate(answer.sentences, 1):
            cited = sentence.citations[0]
            say(f"[{number}] {format_location(_path(cited.uri), cited.start_line, cited.end_line, cited.page)}")
        for conflict in answer.conflicts:
            say(f"[{conflict.first}] and [{conflict.second}] do not agree: {conflict.says}")
    if answer.abstained:
        from omni_pipelines.errors import NoAnswer

        raise NoAnswer("the sources do not answer this", cure=f'look at what is near: omni search "{question[:60]}"')


def show(
    citation: Annotated[
        str, typer.Argument(help='PATH:LINE, PATH:LINE-LINE, "PATH, page N", a file URI, or a chunk id.')
    ],
    release: ReleaseOption = None,
    as_of: AsOfOption = None,
    reader: ReaderOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Open a citation at its exact lines."""
    passage = _librarian(home, release, as_of, reader).show(citation)
    if json:
        fields = ("uri", "path", "start_line", "end_line", "page", "lines", "from_file")
        say_json({name: getattr(passage, name) for name in fields})
        return
    if passage.note:
        narrate(f"note: {passage.note}")
    width = len(str(passage.end_line))
    say(_path(passage.uri))
    for number, line in enumerate(passage.lines, passage.start_line):
        say(f"{number:>{width}}  {line}")


def status(
    release: ReleaseOption = None,
    as_of: AsOfOption = None,
    reader: ReaderOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Say what the knowledge base holds."""
    from omni_pipelines.cli.shared_home import home_to_read
    from omni_pipelines.knowledge.state.status import status as read_status

    place = home_to_read(home)
    found = read_status(place, release_number(place, release, as_of), reader_of(reader))
    if json:
        say_json(found.model_dump(mode="json"))
        return
    say(f"release {found.release} of {_when(found.created_at)} in {found.home}")
    if found.shows != found.release:
        say(f"  it shows release {found.shows} again: the next change of a source publishes all that sources hold")
    say("  " + ", ".join(f"{count:,} {name}" for name, count in found.counts.items()))
    for name, coverage in found.coverage.items():
        say(f"  {name} index: {coverage.entries:,} of {coverage.of:,} chunks ({coverage.share:.0%})")
    for name, source in found.sources.items():
        masked = f", {source.masked:,} secrets masked" if source.masked else ""
        say(
            f"  source {name}: {source.documents:,} documents{masked}, last seen {_when(source.seen)}, {source.place}"
        )
    for name, fingerprint in found.fingerprints.items():
        say(f"  {name}: {fingerprint}")
    for note in found.set_aside:
        what = f"versions after {note.after} of table {note.table}" if note.after else f"table {note.table}"
        say(f"  set aside on {_when(note.at)}: {what}, in {found.home}/quarantine: {note.why}")


def _explained(hit: Hit) -> str:
    """The score as a sum, with the ranks its parts come from."""
    parts = [
        f"{part:.6f} {name}{f' (rank {rank})' if rank else ''}"
        for name, part, rank in (
            ("keyword", hit.parts.keyword, hit.ranks.keyword),
            ("vector", hit.parts.vector, hit.ranks.vector),
            ("name", hit.parts.boost, None),
        )
        if part or rank
    ]
    return f"{hit.score:.6f} = {' + '.join(parts)}"


def _write_receipt(path: Path, receipt: Receipt) -> None:
    from native.durable import write_whole
    from omni_pipelines.knowledge.answers.receipts import receipt_bytes

    write_whole(path, receipt_bytes(receipt))
    narrate(f"receipt: {path}")


def verify(
    receipt: Annotated[Path, typer.Argument(help="A file that omni ask --receipt wrote.")],
    reader: ReaderOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Check a receipt against the release it names: every field, offline. Exit code 0 if all of it holds, else 1."""
    from omni_pipelines.cli.shared_home import home_to_read
    from omni_pipelines.errors import ConfigurationError, NotVerified
    from omni_pipelines.knowledge.answers.verification import verify_receipt

    try:
        raw = receipt.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{receipt} cannot be read: {error.strerror}", cure="name a receipt") from error
    found = verify_receipt(home_to_read(home), raw, reader_of(reader))
    if json:
        say_json(found.model_dump(mode="json"))
    for note in found.notes:
        narrate(f"note: {note}")
    if found.verified and not json:
        say(f"verified against release {found.release}: {found.checks} checks")
    if not found.verified:
        for failure in [] if json else found.failures:
            say(f"{failure.field}: {failure.reason}")
        raise NotVerified(
            f"{len(found.failures)} of {found.checks} checks failed", cure="trust the sources, not this receipt"
        )


def _generate(mode: str) -> bool | None:
    from omni_pipelines.errors import ConfigurationError

    modes = {"extractive": False, "generative": True, "auto": None}
    if mode not in modes:
        raise ConfigurationError(f"mode {mode!r} is unknown", cure=f"modes: {', '.join(modes)}")
    return modes[mode]


def _librarian(home: Path | None, release: int | None, as_of: str | None, tags: list[str] | None) -> Librarian:
    from omni_pipelines.cli.shared_home import home_to_read
    from omni_pipelines.knowledge.librarian import Librarian

    place = home_to_read(home)
    return Librarian.open(place, release_number(place, release, as_of), viewer=reader_of(tags))


def release_number(home: Home, release: int | None, as_of: str | None) -> int | None:
    """The release that is asked for; None is the newest.

    Raises:
        ConfigurationError: both ways are taken, or no kept release is as old as that.
    """
    from omni_pipelines.errors import ConfigurationError
    from omni_pipelines.knowledge.state.releases import parse_moment, release_as_of

    if as_of is None:
        return release
    if release is not None:
        raise ConfigurationError("--release and --as-of both name a release", cure="give one of them")
    return release_as_of(home, parse_moment(as_of)).release


def _path(uri: str) -> str:
    """A URI as a person would type it: a path relative where that is shorter, and as it is on the network."""
    from urllib.parse import unquote, urlsplit

    if not uri.startswith(("file:", "git+file:", "archive+file:")):
        return uri
    path = Path(unquote(urlsplit(uri).path))
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _when(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")
