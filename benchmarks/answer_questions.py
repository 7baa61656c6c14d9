"""Ask the questions of benchmarks/questions about their corpora, and print what the answers are worth.

    python -m benchmarks.answer_questions run [CORPUS...] [--half development] [--sample N] [--homes FOLDER]
    python -m benchmarks.answer_questions locate CORPUS PATH SNIPPET
    python -m benchmarks.answer_questions check [CORPUS...]

`run` builds a knowledge base for each corpus, once per folder of homes. `locate` prints the gold range of a snippet;
in HTML, of visible text; `first words ... last words` is a range. `check` compares every gold range with its hash.
docs/explanation/answer-quality.md explains the measures.
"""

import argparse
import sys
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import orjson

from benchmarks.answer_corpora import FOLDER, Corpus, load_corpora, locate
from omni_pipelines.cli.views.evaluation import show_answers
from omni_pipelines.configuration import load_settings
from omni_pipelines.errors import ConfigurationError, OmniError
from omni_pipelines.evaluation.answer_evaluation import evaluate_answers
from omni_pipelines.evaluation.answer_questions import (
    AnswerQuestion,
    Half,
    load_questions,
    questions_of,
    range_hash,
)
from omni_pipelines.evaluation.answer_scores import (
    Outcome,
    QuestionResult,
    outcome_shares,
    report_answers,
    result_lines,
)
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.sources.registry import register, save_sources
from omni_pipelines.steps.step import ConfiguredEngines
from omni_pipelines.steps.step_table import new_run

HOMES = Path("~/.cache/omni_pipelines/answer-questions")


def main() -> None:
    """Run, locate or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run")
    run.add_argument("corpora", nargs="*")
    run.add_argument("--half", type=Half, default=Half.DEVELOPMENT, help="development, held-out or all")
    run.add_argument(
        "--sample", type=int, metavar="N", help="ask only N questions of each corpus, by a hash of their ids"
    )
    run.add_argument("--homes", type=Path, default=HOMES, help="keep the knowledge bases in this folder")
    run.add_argument("--mode", choices=("extractive", "generative"), default="extractive")
    run.add_argument("--per-question", type=Path, help="write the result of every question here, one JSON a line")
    place = commands.add_parser("locate")
    place.add_argument("corpus")
    place.add_argument("path")
    place.add_argument("snippet")
    place.add_argument("--occurrence", type=int, help="which one, from 1, if there are several")
    commands.add_parser("check").add_argument("corpora", nargs="*")
    options = parser.parse_args()
    try:
        if options.command == "locate":
            found = locate(load_corpora()[options.corpus].root(), options.path, options.snippet, options.occurrence)
            print(orjson.dumps(found.model_dump(exclude_defaults=True)).decode())
        elif options.command == "check":
            sys.exit(check(options.corpora))
        else:
            results, left_out = run_corpora(
                options.corpora, options.half, options.sample, options.homes.expanduser(), options.mode
            )
            if options.per_question is not None:
                options.per_question.write_bytes(result_lines(results))
            print_corpora(results)
            show_answers(report_answers(results, left_out))
    except OmniError as error:
        sys.exit(f"{error.message}\n{error.cure}")


def questions_about(name: str) -> list[AnswerQuestion]:
    """The questions about a corpus."""
    return load_questions(FOLDER / f"{name}.jsonl")


def chosen(names: Sequence[str]) -> dict[str, Corpus]:
    """The corpora with these names, or all that have questions.

    Raises:
        ConfigurationError: a corpus is unknown.
    """
    corpora = load_corpora()
    unknown = sorted(set(names) - corpora.keys())
    if unknown:
        raise ConfigurationError(f"there is no corpus {unknown[0]}", cure=f"name one of {', '.join(corpora)}")
    return {name: corpora[name] for name in names or corpora if names or (FOLDER / f"{name}.jsonl").exists()}


def check(names: Sequence[str]) -> int:
    """Compare the bytes of every gold range with its hash, print the differences, and return their number."""
    wrong = 0
    for name, corpus in chosen(names).items():
        root = corpus.root()
        files, questions = set(corpus.files()), questions_about(name)
        for question in questions:
            for gold in (gold for alternative in question.gold for gold in alternative):
                path = root / gold.path
                content = path.read_bytes()[gold.start : gold.end] if gold.path in files else b""
                if range_hash(content) != gold.sha256:
                    wrong += 1
                    print(f"{question.id}: {gold.path}:{gold.start}-{gold.end} is not there, or is another text")
        print(f"{name}: {len(questions)} questions, {len(files)} files")
    return wrong


def build_base(corpus: Corpus, home: Home) -> None:
    """Ingest a corpus into a home, as far as it changed."""
    home.create()
    settings = load_settings(home).model_copy(update={"store": ""})
    patterns = [*corpus.include, *(f"!{pattern}" for pattern in corpus.exclude)]
    sources, _ = register([], [corpus.root()], patterns)
    save_sources(home, sources)
    run_pipeline(new_run(home, settings, ConfiguredEngines(settings), "answer questions", allow_delete=True))


def run_corpora(
    names: Sequence[str], half: Half, sample: int | None, homes: Path, mode: str
) -> tuple[list[QuestionResult], list[str]]:
    """The results of the questions about these corpora, or about all on this machine, and what was left out."""
    results: list[QuestionResult] = []
    left_out: list[str] = []
    for name, corpus in chosen(names).items():
        home = Home(homes / name / HOME_NAME)
        try:
            build_base(corpus, home)
        except ConfigurationError as error:
            left_out.append(f"all questions about {name}: {error.message}; {error.cure}")
            continue
        questions = questions_of(questions_about(name), half)
        questions = sorted(questions, key=lambda each: blake2b(each.id.encode()).digest())[:sample]
        given, missed = evaluate_answers(home, questions, generate=mode == "generative")
        results += [each.model_copy(update={"corpus": name}) for each in given]
        left_out += missed
        print(f"{name}: {len(given)} questions asked", file=sys.stderr, flush=True)
    return results, left_out


def print_corpora(results: Sequence[QuestionResult]) -> None:
    """Print a row for each corpus."""
    columns = (Outcome.RIGHT, Outcome.PARTLY, Outcome.WRONG, Outcome.ABSTAINED)
    print(f"| corpus | answerable | {' | '.join(columns)} | unanswerable | abstained | invented |")
    print("|---" * (len(columns) + 5) + "|")
    for name in dict.fromkeys(each.corpus for each in results):
        own = [each for each in results if each.corpus == name]
        answerable = outcome_shares(name, [each for each in own if not each.missing])
        others = outcome_shares(name, [each for each in own if each.missing])
        cells = [f"{answerable.share(outcome):.1%}" for outcome in columns]
        last = [f"{others.share(outcome):.1%}" for outcome in (Outcome.ABSTAINED, Outcome.INVENTED)]
        print(f"| {name} | {answerable.questions} | {' | '.join(cells)} | {others.questions} | {' | '.join(last)} |")
    print()


if __name__ == "__main__":
    main()
