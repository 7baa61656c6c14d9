"""The screens above the task: help, history and statistics."""

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from omni_pipelines.tui.task_view import plain

HELP = """\
Type an answer when the agent asks something, and a new task when it has ended.

F1       this page
F2       earlier tasks: Enter shows what one did
F3       figures: calls, tokens, time
F4       pause before the next step, and go on
Ctrl+C   end the task, which can be resumed; once more: leave
Tab      move between the parts, arrows scroll
Esc      close a page like this one

SNIFFING: finds the tools.  RECALL: finds notes of earlier tasks.
REFLECT: checks the results, and reports.

○ to do   ◉ running   ✓ done   ✗ failed   - left out
"""


class Page(ModalScreen[None]):
    """A text above the task."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,f1,f2,f3,enter", "app.pop_screen", "Close")]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title, self._text = title, text

    def compose(self) -> ComposeResult:
        """The text in a box with its title."""
        with VerticalScroll(classes="page") as box:
            box.border_title = self._title
            yield Static(self._text, markup=False)


def figures_page(figures: Iterable[tuple[str, str]]) -> Page:
    """Names and values below each other."""
    return Page("Statistics", "\n".join(f"{name:<22}{plain(value)}" for name, value in figures))


class History(ModalScreen[str]):
    """Earlier tasks; the screen returns the id of the chosen one."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,f2", "dismiss", "Close")]

    def __init__(self, tasks: Callable[[], Sequence[tuple[str, str, str]]]) -> None:
        """`tasks` returns the id, state and words of each, the newest first."""
        super().__init__()
        self._tasks = tasks

    def compose(self) -> ComposeResult:
        """A list."""
        options = [Option(f"{state:<12} {plain(task)}", id=each) for each, state, task in self._tasks()]
        with Vertical(classes="page") as box:
            box.border_title = "Earlier tasks"
            yield OptionList(*options, markup=False, compact=True) if options else Static("there is none")

    def on_option_list_option_selected(self, chosen: OptionList.OptionSelected) -> None:
        """Close with the id of the task."""
        self.dismiss(chosen.option.id)
