"""The view of a generated answer while it is written."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from omni_pipelines.cli.claims_view import ClaimsView, showing_claims
from omni_pipelines.progress import Report, report, reporting_to


def test_claims_are_shown_below_each_other_and_wiped_at_the_end() -> None:
    screen = io.StringIO()
    view = ClaimsView(Console(file=screen, force_terminal=True, width=80))
    with reporting_to(view):
        report("embedding", 1, 2, "texts")
        assert screen.getvalue() == ""
        report("reading", 0, 3, "passages")
        report("answering", 1, 0, "claims", "Otters hold hands.")
        report("answering", 2, 0, "claims", "They eat [9] kg a day.")
    shown = screen.getvalue()
    assert "a language model reads 3 passages…" in shown
    assert "Otters hold hands." in shown
    assert "They eat [9] kg a day." in shown
    view.close()
    assert "\x1b[2K" in screen.getvalue()[len(shown) :]  # lines are erased


def test_words_of_a_model_do_not_steer_the_terminal() -> None:
    screen = io.StringIO()
    view = ClaimsView(Console(file=screen, force_terminal=True, width=80))
    view(Report(step="answering", done=1, total=0, unit="claims", detail="Keys \x1b]52;c;eA\x07 rotate \u202eyliad."))
    view.close()
    assert "\x1b]52" not in screen.getvalue()
    assert "\u202e" not in screen.getvalue()
    assert r"\x1b]52;c;eA\x07" in screen.getvalue()


def test_another_model_that_starts_again_starts_an_empty_view() -> None:
    screen = io.StringIO()
    view = ClaimsView(Console(file=screen, force_terminal=True, width=80))
    for detail in ("First.", "Second."):
        view(Report(step="reading", done=0, total=3, unit="passages"))
        view(Report(step="answering", done=1, total=0, unit="claims", detail=detail))
    view.close()
    assert screen.getvalue().count("First.") == 1


def test_nothing_is_shown_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with showing_claims():
        report("reading", 0, 3, "passages")
    assert capsys.readouterr().err == ""
