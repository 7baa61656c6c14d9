"""`omni search` and `omni why-not` over a home whose words can be searched without a model."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.errors import OmniError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.search.relevance import probability
from tests.integration.line import Line, write

NOTICE = "This notice about otters stands in two places.\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project") / "docs"
    write(folder, {"otters.md": "# Otters\n\nOtters sleep holding hands.\n", "a/n.txt": NOTICE, "b/n.txt": NOTICE})
    write(folder, {"empty.md": ""})
    line = Line(Home(folder.parent / ".omni"))
    line.add(folder)
    line.run()
    return line.home.root


def output(home: Path, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--home", str(home)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_search_explain_shows_the_score_as_the_probability_of_a_sum(home: Path) -> None:
    text = output(home, "search", "otters", "--mode", "keyword", "--explain")
    sums = re.findall(r"([\d.]+) = .* ([+-][\d.]+) base ([+-][\d.]+) keyword \(rank (\d)\)", text)
    assert [rank for *_, rank in sums] == ["1", "2"]
    for score, base, part, _ in sums:
        assert probability([float(base), float(part)]) == pytest.approx(float(score), abs=1e-3)


def failed(home: Path, *words: str) -> OmniError:
    error = CliRunner().invoke(app, [*words, "--home", str(home)]).exception
    assert isinstance(error, OmniError)
    return error


def test_words_of_a_query_need_no_quotes(home: Path) -> None:
    assert output(home, "search", "otters", "sleep", "--mode", "keyword", "-k", "1") == output(
        home, "search", "otters sleep", "--mode", "keyword", "-k", "1"
    )


def test_query_is_read_from_standard_input(home: Path) -> None:
    words = ["search", "-", "--mode", "keyword", "--files", "--home", str(home)]
    done = CliRunner().invoke(app, words, input="holding hands\n", catch_exceptions=False)
    assert Path(done.stdout.strip()).name == "otters.md"


def test_search_files_prints_one_line_per_document(home: Path) -> None:
    names = [
        Path(line).name for line in output(home, "search", "otters", "--mode", "keyword", "--files").splitlines()
    ]
    assert sorted(names) == ["n.txt", "otters.md"]
    assert len(output(home, "search", "otters", "--mode", "keyword", "--files", "-k", "1").splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "cure"),
    [
        (["--mode", "keyword"], "leave out --mode keyword"),
        (["--mode", "keyword", "--where", "kind=code"], "leave out --where kind="),
        (["--mode", "keyword", "--min-score", "1"], "--min-score below 1"),
    ],
)
def test_search_that_finds_nothing_fails_and_says_what_to_try(home: Path, options: list[str], cure: str) -> None:
    error = failed(home, "search", "zebra", *options)
    assert (error.exit_code, error.message) == (1, "nothing matches")
    assert cure in error.cure


def test_search_as_jsonl_has_a_hit_per_line_and_as_csv_a_row(home: Path) -> None:
    words = ("search", "otters", "--mode", "keyword", "--format")
    hits = [json.loads(line) for line in output(home, *words, "jsonl").splitlines()]
    rows = list(csv.DictReader(io.StringIO(output(home, *words, "csv"))))
    assert [hit["path"] for hit in hits] == [row["path"] for row in rows]
    assert rows[0]["text"] == hits[0]["text"]


def test_search_as_markdown_quotes_the_passages(home: Path) -> None:
    text = output(home, "search", "holding hands", "--mode", "keyword", "--format", "md")
    assert re.match(r"1\. \*\*.*otters\.md:\d.*\*\*", text)
    assert "\n   > Otters sleep holding hands.\n" in text


def test_piped_search_has_no_escape_codes(home: Path) -> None:
    assert "\x1b" not in output(home, "search", "otters", "--mode", "keyword")


def test_search_shows_a_repeated_text_below_the_first_hit(home: Path) -> None:
    text = output(home, "search", "notice otters", "--mode", "keyword")
    assert re.search(r"also in .*[ab]/n\.txt:1\n", text)
    assert text.count("This notice") == 1


def test_search_where_path_narrows_to_a_folder(home: Path) -> None:
    hits = json.loads(output(home, "search", "otters", "--mode", "keyword", "--where", "path=b/**", "--json"))["hits"]
    assert [hit["path"] for hit in hits] == ["b/n.txt"]


@pytest.mark.parametrize("command", ["show", "get", "ls"])
def test_error_about_a_file_that_is_not_read_says_what_became_of_it(home: Path, command: str) -> None:
    error = failed(home, command, "docs/empty.md")
    assert error.message == "docs/empty.md was seen, but is not read: empty: it has no bytes"
    assert error.cure == "see: omni status --files empty"


def test_error_about_an_unknown_document_names_the_most_similar_one(home: Path) -> None:
    assert failed(home, "show", "docs/oters.md:3").cure == "did you mean otters.md?"
    assert failed(home, "show", "docs/zebra:3").cure == "see: omni ls"


def test_changes_compares_with_the_release_before_unless_told_otherwise(home: Path) -> None:
    assert output(home, "changes") == "release 1 is the newest release: no document has changed since\n"


def test_why_not_names_the_stage_and_explains_it(home: Path) -> None:
    text = output(home, "why-not", "otters", "nowhere.md")
    assert text.startswith("no  release: nowhere.md is not in release 1")
    assert "No single document of the release has this name" in text


def test_why_not_as_json_lists_the_stages(home: Path) -> None:
    text = json.loads(output(home, "why-not", "otters", "otters.md", "--where", "kind=code", "--json"))
    assert text["lost_at"] == "filter"
    assert [step["passed"] for step in text["steps"]] == [True, False]
