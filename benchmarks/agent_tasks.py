"""Give the agent the tasks of benchmarks/tasks, judge what it reports, and write docs/benchmarks/agent_tasks.md.

    python -m benchmarks.agent_tasks check
    python -m benchmarks.agent_tasks run [--model NAME] [--first N] --homes FOLDER --results FOLDER
    python -m benchmarks.agent_tasks again --model NAME --homes FOLDER --results FOLDER
    python -m benchmarks.agent_tasks page --results FOLDER

`run` builds a knowledge base for each corpus, once per folder of homes. It continues where it was stopped: a task
with a result is not run again. Without `--model`, the extractive model decides; else a model of `omni model list`.
`again` runs the tasks that have a result with the replies that the model gave then, and replaces what came of them:
what the agent makes of a reply can be changed and measured without the model.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import resource
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from benchmarks.agent_task_page import page
from benchmarks.agent_task_set import TaskCase, TaskOutcome, TaskScore, find_parts, judge, load_tasks
from benchmarks.answer_corpora import load_corpora
from benchmarks.answer_questions import HOMES, build_base
from omni_pipelines.agent.person import Inquiry
from omni_pipelines.agent.session import TaskSession
from omni_pipelines.agent.task_setup import new_session, task_runner
from omni_pipelines.configuration import load_settings
from omni_pipelines.errors import OmniError
from omni_pipelines.evaluation.gold_passages import QuotedTexts
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.state.releases import require_release
from omni_pipelines.knowledge.state.snapshot import Snapshot

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "agent_tasks.md"
MODEL_SECONDS = 3_600.0
"""For one reply: the machine is slow, and it is not the time that is measured."""


def main() -> None:
    """Check, run, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("check", "run", "again", "page"))
    parser.add_argument("--model", default="", help="a language model of this machine. Default: extractive")
    parser.add_argument("--first", type=int, default=1_000, help="how many tasks at most")
    parser.add_argument("--only", default="", help="the id of one task")
    parser.add_argument("--homes", type=Path, default=HOMES, help="keep the knowledge bases in this folder")
    parser.add_argument("--results", type=Path, default=Path("agent-task-results"))
    options = parser.parse_args()
    homes = options.homes.expanduser()
    if options.command == "check":
        sys.exit(check(homes))
    if options.command == "run":
        options.results.mkdir(parents=True, exist_ok=True)
        cases = [case for case in ordered(load_tasks())[: options.first] if options.only in ("", case.id)]
        run(cases, options.model, homes, options.results)
    elif options.command == "again":
        run_again(options.model, homes, options.results)
    else:
        scores = [score for file in sorted(options.results.glob("*.jsonl")) for score in read_scores(file)]
        PAGE.write_text(page(load_tasks(), scores), "utf-8")


def ordered(cases: Sequence[TaskCase]) -> list[TaskCase]:
    """The tasks in a fixed order of chance, one of each corpus in turn, so that any beginning is a fair share."""
    by_corpus: dict[str, list[TaskCase]] = {}
    for case in sorted(cases, key=lambda case: hashlib.sha256(case.id.encode()).digest()):
        by_corpus.setdefault(case.corpus, []).append(case)
    turns = [(turn, name, case) for name, own in sorted(by_corpus.items()) for turn, case in enumerate(own)]
    return [case for _, _, case in sorted(turns, key=lambda each: each[:2])]


def check(homes: Path) -> int:
    """Look for the passages of all tasks in the releases, print those that are not there, and return their number."""
    wrong = 0
    for case in load_tasks():
        for problem in find_parts(case, _texts(_base(case.corpus, homes)))[1]:
            wrong += 1
            print(f"{case.id}: {problem}")
    return wrong


def run(cases: Sequence[TaskCase], model: str, homes: Path, results: Path) -> None:
    """Run the tasks that have no result yet, and append the result of each."""
    file = results / f"{model or 'extractive'}.jsonl"
    done = {score.id for score in read_scores(file)}
    for case in cases:
        if case.id not in done:
            score = run_task(case, model, _base(case.corpus, homes))
            with file.open("ab") as lines:
                lines.write(score.model_dump_json().encode() + b"\n")
            print(f"{case.id} {score.outcome} {score.tokens} tokens {score.cpu_seconds} s {score.code}", flush=True)


def run_again(model: str, homes: Path, results: Path) -> None:
    """Run the tasks that have a result with the recorded replies, and replace their outcomes and reports."""
    file, cases = results / f"{model}.jsonl", {case.id: case for case in load_tasks()}
    scores = []
    for before in read_scores(file):
        now = before
        if before.session:
            now = run_task(cases[before.id], model, _base(cases[before.id].corpus, homes), before.session)
        changed = {"outcome": now.outcome, "code": now.code, "report": now.report}
        scores.append(before.model_copy(update=changed))
        print(f"{before.id} {before.outcome} -> {now.outcome}", flush=True)
    file.write_text("".join(f"{score.model_dump_json()}\n" for score in scores))


def read_scores(file: Path) -> Iterator[TaskScore]:
    """The results in a file; no results if the file does not exist."""
    for line in file.read_bytes().splitlines() if file.exists() else ():
        yield TaskScore.model_validate(orjson.loads(line))


class _Person:
    """Somebody who knows no more than the task says, and lets nothing be changed."""

    def answer(self, inquiry: Inquiry) -> str:
        return "The task says all that I know." if inquiry.kind == "clarify" else "n"


def run_task(case: TaskCase, model: str, home: Home, replies_of: str = "") -> TaskScore:
    """Run one task as `omni run` does, with the replies of an earlier session if one is named, and judge it."""
    fields = {"llm": model, "llm_url": "", "llm_seconds": MODEL_SECONDS, "workers": 1}
    settings = load_settings(home).model_copy(update=fields)
    began, started = _cpu_seconds(), time.monotonic()
    session = new_session(home, settings, case.task)
    if replies_of:
        _copy_replies(TaskSession.open(home, replies_of), session)
    try:
        result = task_runner(home, settings, _Person(), lambda event: None).run(session)
    except OmniError as error:  # the model was too slow, or could not be loaded
        return TaskScore(id=case.id, model=model or "extractive", outcome=TaskOutcome.FAILED, code=str(error.code))
    gc.collect()  # ends the process of the model, whose CPU counts only then
    outcome = judge(case, result, _texts(home))
    return TaskScore(
        id=case.id,
        model=result.model,
        outcome=outcome,
        code=result.problem.code if result.problem else "",
        tokens=result.tokens,
        calls=result.calls,
        cpu_seconds=round(_cpu_seconds() - began, 1),
        seconds=round(time.monotonic() - started),
        session=session.id,
        report=result.report.text,
    )


def _copy_replies(before: TaskSession, session: TaskSession) -> None:
    """Let a session begin with the replies of the model in an earlier one."""
    if before.replies_file.exists():
        shutil.copy(before.replies_file, session.replies_file)
        shutil.copytree(before.folder / "texts", session.folder / "texts", dirs_exist_ok=True)


def _cpu_seconds() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _base(corpus: str, homes: Path) -> Home:
    home = Home(homes / corpus / HOME_NAME)
    if not home.releases.exists():
        build_base(load_corpora()[corpus], home)
    return home


def _texts(home: Home) -> QuotedTexts:
    return QuotedTexts(Snapshot.open(home, require_release(home, None).release))


if __name__ == "__main__":
    main()
