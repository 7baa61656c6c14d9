"""`omni eval`: the search measured on a judged collection."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from omni_pipelines.cli.options import FeedbackOption, FusionOption, JsonOption
from omni_pipelines.cli.output import narrate, say, say_json

if TYPE_CHECKING:
    from omni_pipelines.home import Home
    from omni_pipelines.knowledge.quality.evaluation import ModeReport, Scores

MEASURES = ("ndcg@10", "recall@10", "recall@100", "mrr@10", "judged@10", "cpu_ms_per_query", "queries_per_second")
PerQuery = dict[str, dict[str, dict[str, float]]]
"""Mode to query to measure to value."""


def evaluate(
    folder: Annotated[Path, typer.Argument(help="A folder with corpus.jsonl, queries.jsonl and qrels/test.tsv.")],
    mode: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--mode", help="Only this mode: keyword, vector or hybrid. Repeatable; default: all."),
    ] = None,
    fusion: FusionOption = "convex",
    feedback: FeedbackOption = None,
    home: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--home", help="Keep the knowledge base here, for the next run; default: a temporary one."),
    ] = None,
    per_query: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--per-query", help="Write every query's scores to this file."),
    ] = None,
    against: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--against", help="Compare with the scores another run wrote, by a paired test."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Measure the search on a judged collection (BEIR layout)."""
    from omni_pipelines.cli.progress_bar import ProgressBar
    from omni_pipelines.progress import reporting_to

    before = _read(against) if against is not None else None
    with ExitStack() as stack:
        place = _place(home, stack)
        bar = stack.enter_context(ProgressBar())
        stack.enter_context(reporting_to(bar))
        report, scores = _run(folder, place, mode, fusion, feedback)
    report["comparison"] = _compared(scores, before) if before is not None else None
    if per_query is not None:
        _write(per_query, scores)
    if json:
        say_json(report)
    else:
        _say(report)


def _place(home: Path | None, stack: ExitStack) -> Home:
    import tempfile

    from omni_pipelines.home import HOME_NAME, Home

    if home is not None:
        return Home(home.expanduser().absolute())
    return Home(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="omni-eval-"))) / HOME_NAME)


def _run(
    folder: Path, home: Home, modes: list[str] | None, fusion: str, feedback: bool | None
) -> tuple[dict[str, Any], PerQuery]:
    from omni_pipelines.configuration import load_settings
    from omni_pipelines.knowledge.librarian import Librarian
    from omni_pipelines.knowledge.quality import evaluation
    from omni_pipelines.knowledge.quality.judged_collections import load_collection
    from omni_pipelines.knowledge.search.options import Fusion, Mode
    from omni_pipelines.operations.evaluation_home import build_base, finder, size_on_disk
    from omni_pipelines.steps.step import ConfiguredEngines

    chosen = [Mode.parse(mode) for mode in modes or list(Mode)]
    collection = load_collection(folder)
    settings = load_settings(home).model_copy(update={"store": ""})  # a collection is published to nobody
    cpu = build_base(collection, home, settings, ConfiguredEngines(settings))
    librarian = Librarian.open(home)
    librarian.search("warm up", 1)  # the model is loaded once, not for the first query
    fused = Fusion.parse(fusion)
    finders = {mode: finder(collection, librarian, mode, fused, feedback) for mode in chosen}
    found = {mode: evaluation.evaluate(collection, mode, find) for mode, find in finders.items()}
    report = {
        "collection": collection.name,
        "documents": len(collection.documents),
        "queries": len(collection.queries),
        "modes": {str(mode): means.model_dump(by_alias=True) for mode, (means, _) in found.items()},
        "ingest": {
            "cpu_seconds": round(cpu, 2),
            "documents_per_cpu_second": round(len(collection.documents) / max(cpu, 1e-9), 1),
        },
        "bytes": size_on_disk(home),
    }
    return report, {str(mode): _plain(scores) for mode, (_, scores) in found.items()}


def _plain(scores: Mapping[str, Scores | ModeReport]) -> dict[str, dict[str, float]]:
    return {query: each.model_dump(by_alias=True) for query, each in scores.items()}


def _compared(scores: PerQuery, before: PerQuery) -> dict[str, Any]:
    from omni_pipelines.knowledge.quality.evaluation import permutation_test

    found = {}
    for mode in scores.keys() & before.keys():
        queries = sorted(scores[mode].keys() & before[mode].keys())
        if queries:
            now, then = ([run[mode][query]["ndcg@10"] for query in queries] for run in (scores, before))
            difference = round((sum(now) - sum(then)) / len(queries), 5)
            found[mode] = {"queries": len(queries), "ndcg@10": difference, "p": round(permutation_test(now, then), 5)}
    return found


def _read(path: Path) -> PerQuery:
    import orjson

    from omni_pipelines.errors import ConfigurationError

    try:
        found: PerQuery = orjson.loads(path.read_bytes())["per_query"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{path} holds no scores", cure="write it with: omni eval DIR --per-query FILE"
        ) from error
    return found


def _write(path: Path, scores: PerQuery) -> None:
    import orjson

    path.write_bytes(orjson.dumps({"schema_version": 1, "per_query": scores}, option=orjson.OPT_INDENT_2))
    narrate(f"scores of every query: {path}")


def _say(report: dict[str, Any]) -> None:
    say(f"{report['collection']}: {report['documents']:,} documents, {report['queries']:,} judged queries")
    say(f"{'':<10}" + "".join(f"{name:>12}" for name in (*MEASURES[:5], "CPU ms/q", "queries/s")))
    for mode, means in report["modes"].items():
        say(
            f"{mode:<10}"
            + "".join(f"{means[name]:>12.4f}" for name in MEASURES[:5])
            + "".join(f"{means[name]:>12.1f}" for name in MEASURES[5:])
        )
    ingest = report["ingest"]
    say(f"ingest: {ingest['documents_per_cpu_second']} documents a CPU second; {report['bytes'] / 1e6:.1f} MB")
    for mode, change in (report["comparison"] or {}).items():
        say(f"{mode}: ndcg@10 {change['ndcg@10']:+.4f} over {change['queries']} queries, p = {change['p']:.4f}")
