"""`omni golden`: questions whose answers are known, which the gate asks."""

from __future__ import annotations

from typing import Annotated

import typer

from omni_pipelines.cli.options import HomeOption, JsonOption
from omni_pipelines.cli.output import narrate, say, say_json

app = typer.Typer(
    help="Questions whose answers are known: the gate asks them.", no_args_is_help=True, rich_markup_mode=None
)


@app.command()
def add(
    question: Annotated[str, typer.Argument(help="A question.")],
    citation: Annotated[str, typer.Argument(help="The lines that answer it: PATH:LINE or PATH:LINE-LINE.")],
    home: HomeOption = None,
) -> None:
    """Add a question and the lines that answer it. Once more, with other lines, where several places do."""
    from omni_pipelines.configuration import find_home, load_settings
    from omni_pipelines.knowledge.quality.golden_questions import label_citation, load_golden, save_golden
    from omni_pipelines.knowledge.state.snapshot import Snapshot
    from omni_pipelines.pipeline.writer_session import writer_session

    place = find_home(home)
    label = label_citation(Snapshot.open(place), question, citation)
    with writer_session(place, load_settings(place)):
        known = [each for labels in load_golden(place).values() for each in labels]
        if label not in known:
            save_golden(place, [*known, label])
    say(f"{place.golden}: {len({each.question for each in [*known, label]})} questions")


@app.command("list")
def list_(home: HomeOption = None, json: JsonOption = False) -> None:
    """List the questions and the words that answer them."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.knowledge.quality.golden_questions import load_golden

    place = find_home(home)
    golden = load_golden(place)
    if json:
        fields = [each.model_dump(mode="json") for labels in golden.values() for each in labels]
        say_json({"golden": str(place.golden), "labels": fields})
        return
    if not golden:
        narrate(f"there is no golden set at {place.golden}; make one: omni golden add QUESTION CITATION")
    for question, labels in golden.items():
        say(question)
        for label in labels:
            words = " ".join(label.quote.split()) or f"bytes {label.start_byte} to {label.end_byte}"
            say(f"  {label.path}: {words[:90]}")


@app.command()
def check(home: HomeOption = None, json: JsonOption = False) -> None:
    """Look whether every answer still stands where its label says. Exit code 1 if one does not."""
    from omni_pipelines.configuration import find_home
    from omni_pipelines.errors import CitationNotFound
    from omni_pipelines.knowledge.quality.golden_questions import load_golden, locate_label
    from omni_pipelines.knowledge.state.snapshot import Snapshot

    place = find_home(home)
    snapshot = Snapshot.open(place)
    labels = [each for labels in load_golden(place).values() for each in labels]
    lost = [each for each in labels if locate_label(snapshot, each) is None]
    release = snapshot.release.release
    if lost:
        for each in [] if json else lost:
            say(f"{each.path}: {' '.join(each.quote.split())[:90]!r} is gone, which answers {each.question!r}")
        raise CitationNotFound(
            f"{len(lost)} of {len(labels)} labels stand nowhere in release {release}",
            cure=f"correct these lines of {place.golden}",
        )
    if json:
        say_json({"release": release, "labels": len(labels)})
    else:
        say(f"all {len(labels)} labels stand in release {release}")
