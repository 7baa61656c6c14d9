"""Twenty sessions of tasks, and the facts of each that a note must keep.

A line is an event: `?` the person is asked, `!` they answer, `plan` the steps, `write` a change, `read` a call that
returns much, `fail` one that fails, `open` a step that was not done, `ok` the result of a step, `end` a failure. What
is between `{` and `}` is a labelled fact.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from omni_pipelines.agent.note_taker import NoteTaker
from omni_pipelines.agent.task_events import (
    PersonAnswered,
    PersonAsked,
    PlanMade,
    StepEnded,
    TaskEnded,
    TaskStarted,
    ToolEnded,
    ToolStarted,
)
from omni_pipelines.events import Payload

SCRIPTS = """
# move the cache to redis
? {which redis} server? | ! {redis-prod-2}
plan read the cache; {replace lru by redis}; run the tests
read src/cache.py | write {src/cache.py} | fail {tests.run} {ConnectionError: port 6379}
write {docker-compose.yml}
ok tests: {48 passed}

# fix the login timeout
plan find the timeout; {raise it to 30 s}
read src/auth.py | read src/http.py | write {src/auth.py} | open {measure under load}: {no load generator here}

# document the export command
? {for which readers}? | ! {operators, not developers}
plan read export.py; {write docs/export.md}
read src/export.py | write {docs/export.md} | ok page: {describes --since and --format}

# remove the old api
plan list callers; {delete api/v1}
read api/v1/routes.py | fail {files.grep} {pattern too broad} | open {delete api/v1}: {three callers are left}
end {7004} {the plan was rejected}

# upgrade pydantic
plan {pin pydantic 2.14}; run the tests
write {pyproject.toml} | fail {tests.run} {ValidationError in settings.py} | write {src/settings.py}
ok tests: {210 passed}

# why is the index slow
plan read the benchmark; explain
read benchmarks/index.py | read src/index.py | ok cause: {fsync after every batch}
open {fix it}: {needs a decision}

# rename the module utils
? {what name}? | ! {durable}
plan {rename utils.py to durable.py}; change the imports
write {src/durable.py} | write {src/app.py} | write {tests/test_durable.py} | ok imports: {12 files changed}

# add a dark theme
plan {define the colours}; apply them
write {theme/dark.css} | fail {browser.check} {contrast 2.9 below 4.5} | write {theme/colors.css}
ok contrast: {now 5.1}

# find the memory leak
plan run the profiler; {look at the pool}
read src/pool.py | fail {profile.run} {killed at 4 GB} | ok leak: {handles are never closed}
open {close them}: {owner unknown}

# write the release notes
? {which version}? | ! {0.4.0}
plan git log; {group by area}; write
read CHANGELOG.md | write {CHANGELOG.md} | ok notes: {31 commits in 6 areas}

# set up the nightly job
plan {cron at 02:00}; test it
write {schedules/nightly.py} | fail {dagster.launch} {code location not loaded} | write {workspace.yaml}
ok run: {finished in 84 s}

# translate the glossary
? {into which language}? | ! {German, formal}
plan read the glossary; {translate 40 terms}
read docs/glossary.md | write {docs/glossary.de.md} | open {check by a native speaker}: {nobody available}

# reduce the image size
plan {use the slim base}; drop caches
write {Dockerfile} | fail {docker.build} {libgomp missing} | write {Dockerfile}
ok image: {from 1.9 GB to 640 MB}

# answer the security questionnaire
? {who may see it}? | ! {only legal}
plan {collect policies}; fill the form
read policies/access.md | read policies/keys.md | write {out/answers.md}
open {question 14}: {no policy on disposal}

# make the parser faster
plan profile; {replace the regex}
read src/parser.py | write {src/parser.py} | fail {tests.run} {7 of 90 fail} | write {src/parser.py}
ok time: {31 ms instead of 210}

# migrate the database
? {may it be offline}? | ! {ten minutes on Sunday}
plan dump; {add column owner}; verify
write {migrations/0042.sql} | fail {db.migrate} {lock timeout} | end {3002} {the task was not fulfilled}

# review the contract
plan read; {list the risks}
read contract.pdf | ok risks: {liability is unlimited in 9.2} | ok term: {renews every 24 months}
open {ask counsel}: {out of scope}

# speed up ci
plan read the workflow; {split the tests in 4}
read ci.yml | write {.github/workflows/ci.yml} | fail {ci.run} {cache key unknown}
ok time: {from 22 to 7 minutes}

# import the customer list
? {overwrite duplicates}? | ! {keep the newer one}
plan read the csv; {map 9 columns}; import
read customers.csv | fail {import.run} {row 311 has no email} | write {import/mapping.json}
ok rows: {2,904 imported}

# clean up branches
plan list; {delete merged ones}
read branches.txt | write {git.delete feature/a} | end {7002} {all 5 calls of the task are made}
open {feature/b}: {not merged}
"""
READ_FILES = 60
"""Files that each session reads besides: they hold no fact, and make its record longer than 4,000 tokens."""


@dataclass(frozen=True)
class LabelledSession:
    """A session, and the facts that its note must keep."""

    task: str
    events: tuple[Payload, ...]
    facts: tuple[str, ...]


def labelled_sessions() -> list[LabelledSession]:
    """The sessions."""
    return [_session(block) for block in SCRIPTS.strip().split("\n\n")]


def _session(block: str) -> LabelledSession:
    head, *lines = block.splitlines()
    entries = [entry.strip() for line in lines for entry in line.split(" | ")]
    events: list[Payload] = [TaskStarted(task=head[2:], release=1, model="scripted")]
    for number in range(READ_FILES):
        events += _events(f"read some/folder/of/the/project/module_{number:03}.py")
    for entry in sorted(entries, key=lambda each: each.startswith("end ")):
        events += _events(entry.replace("{", "").replace("}", ""))
    if not any(isinstance(event, TaskEnded) for event in events):
        events.append(TaskEnded(outcome="done"))
    return LabelledSession(head[2:], tuple(events), tuple(re.findall(r"\{([^}]+)\}", block)))


def _events(entry: str) -> Iterator[Payload]:
    kind, _, rest = entry.partition(" ")
    name, _, message = rest.partition(": ") if kind in ("open", "ok") else rest.partition(" ")
    if kind == "?":
        yield PersonAsked(kind="clarify", question=rest)
    elif kind == "!":
        yield PersonAnswered(kind="clarify", answer=rest)
    elif kind == "plan":
        steps = enumerate(rest.split("; "), 1)
        yield PlanMade(round=0, steps=tuple({"id": str(number), "description": step} for number, step in steps))
    elif kind == "end":
        yield TaskEnded(outcome="failed", code=name, message=message)
    elif kind in ("open", "ok"):
        yield StepEnded(step=name, status="failed" if kind == "open" else "completed", message=message)
    else:
        tool = name if kind == "fail" else f"files.{kind}"
        yield ToolStarted(step="1", tool=tool, arguments={"path": rest} if kind != "fail" else {})
        status, code = ("error", "3002") if kind == "fail" else ("success", "")
        yield ToolEnded(step="1", tool=tool, status=status, output="0" * 64, code=code, message=message)


def count(text: str) -> int:
    """More tokens than a tokenizer finds in English."""
    return len(text) // 3 + 1


def taker() -> NoteTaker:
    """What takes the notes."""
    return NoteTaker(count, lambda tool: tool == "files.read")


def recorded(session: LabelledSession) -> str:
    """The record of a session."""
    return "".join(payload.model_dump_json() for payload in session.events)


def missing(session: LabelledSession) -> list[str]:
    """The facts that the note does not keep."""
    text = taker().distill(session.events).text
    return [fact for fact in session.facts if fact not in text]
