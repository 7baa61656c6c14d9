"""Definitions: the declarations of what a question names are found, and are its answer if it asks for them."""

from __future__ import annotations

import pytest

from omni_pipelines.knowledge.answers.composing import UnitKind
from omni_pipelines.knowledge.answers.definitions import (
    declares,
    defines,
    describes_option,
    find_constants,
    find_definitions,
    find_options,
)
from omni_pipelines.knowledge.answers.extraction import DECLARED_EVIDENCE, MAX_UNITS
from omni_pipelines.knowledge.answers.units import answer_units
from omni_pipelines.knowledge.search.hits import Hit
from tests.unit.knowledge.answering import ask, hit

DUMP = 'def dump(obj, fp):\n    """Write an object to a file."""\n'
CALL = "def save(path):\n    # writes with dump\n    dump({}, open(path))\n"


def code(text: str, path: str, heading: str = "") -> Hit:
    """A passage of source code."""
    return hit(text, path, kind="code", heading=heading)


@pytest.mark.parametrize(
    ("declaration", "name", "is_declared"),
    [
        (DUMP, "dump", True),
        (DUMP, "json.dump", True),
        (DUMP, "pickle.dump", False),
        (DUMP, "dumps", False),
        ("class Basket:\n    pass\n", "Basket", True),
        ("LIMIT = 30\n", "LIMIT", True),
        ("Arguments = namedtuple('Arguments', 'first')\n", "namedtuple", False),
    ],
)
def test_declaration_is_of_its_own_name_in_the_module_that_is_named(
    declaration: str, name: str, is_declared: bool
) -> None:
    passage = code(declaration, "json/files.py")
    first = next(unit for unit in answer_units(passage) if unit.kind is UnitKind.SIGNATURE)
    assert declares(first, name) is is_declared
    assert defines(passage, name) is is_declared


def test_constructor_is_a_declaration_of_its_class() -> None:
    passage = code("def __init__(self, size=3):\n    self.size = size\n", "a.py", heading="class Basket")
    assert defines(passage, "Basket")
    assert not defines(passage, "Bag")


def test_passage_with_the_declaration_is_found_where_the_hits_have_only_calls() -> None:
    declaring = code(DUMP, "json/files.py")
    found = find_definitions(
        "signature of json.dump", [code(CALL, "b.py")], lambda query: [declaring] if "def dump" in query else []
    )
    assert found == [declaring]


def test_hit_with_the_declaration_is_not_found_again() -> None:
    declaring = code(DUMP, "json/files.py")
    assert find_definitions("signature of json.dump", [declaring], lambda _: [declaring]) == []


def test_declaration_under_a_heading_that_repeats_it_is_searched_by_that_heading() -> None:
    heading = "Basic use > json.dump(obj, fp, *, indent=None)"
    declaring = code(DUMP, "json/files.py")
    found = find_definitions(
        "signature of json.dump",
        [hit("It is fast.", heading=heading)],
        lambda query: [declaring] if query == '"json.dump(obj"' else [],
    )
    assert found == [declaring]


@pytest.mark.parametrize("question", ["Where is dump defined?", "Which parameters does json.dump take?"])
def test_declaration_is_the_answer_of_a_question_for_it(question: str) -> None:
    answer = ask(question, [code(CALL, "b.py"), code(DUMP, "json/files.py")])
    assert [sentence.citations[0].path for sentence in answer.sentences] == ["json/files.py"]
    assert answer.evidence >= DECLARED_EVIDENCE


def test_declarations_inside_another_one_come_after_the_outermost() -> None:
    inner = [code(f"class {each}:\n    def dump(self, {each}):\n        pass\n", f"{each}.py") for each in "abc"]
    answer = ask("Where is dump defined?", [*inner, code(DUMP, "json/files.py")])
    assert answer.sentences[0].citations[0].path == "json/files.py"
    assert len(answer.sentences) == MAX_UNITS


def test_question_for_more_than_the_declaration_is_not_answered_by_it_for_sure() -> None:
    answer = ask("What does dump return if no disk space can be allocated on Windows?", [code(DUMP, "json/files.py")])
    assert answer.evidence < DECLARED_EVIDENCE


def test_default_of_a_parameter_is_answered_by_the_signature_that_has_it() -> None:
    watch = code("def watch(path, debounce=1_600):\n    pass\n", "watching.py")
    other = code("# The default of debounce changed often in the years before.\n", "notes.py")
    answer = ask("default debounce of watching.watch", [other, watch])
    assert "debounce=1_600" in answer.answer
    assert answer.evidence >= DECLARED_EVIDENCE


@pytest.mark.parametrize("parameter", ["debounce", "debounce=_DEBOUNCE"])
def test_default_that_no_signature_has_is_not_answered_by_one_for_sure(parameter: str) -> None:
    watch = code(f"def watch(path, {parameter}):\n    pass\n", "watching.py")
    assert ask("default debounce of watching.watch", [watch]).evidence < DECLARED_EVIDENCE


@pytest.mark.parametrize(
    ("text", "heading", "is_definition"),
    [
        ("def wait(seconds):\n    pass\n", "", True),
        ("class Heron:\n    def wait(self): ...\n", "Heron > wait(self)", True),
        ("wait = wait_for(3)\n", "", False),
        ("def watch(wait):\n    pass\n", "", False),
        ("await_it()\n", "", False),
    ],
)
def test_passage_defines_what_it_declares(text: str, heading: str, is_definition: bool) -> None:
    assert defines(code(text, "a.py", heading), "wait") is is_definition


LIMITED = "class Reader:\n    def __init__(self, limit=_DEFAULT_LIMIT, loop=None):\n        self.limit = limit\n"
CONSTANT = "_DEFAULT_LIMIT = 2 ** 16  # 64 KiB\n"


def test_default_that_is_a_constant_is_answered_with_the_value_of_the_constant() -> None:
    question = "what is the default limit of a Reader?"
    hits = [code(LIMITED, "streams.py", heading="Reader")]
    elsewhere = code(CONSTANT, "other.py")
    declaring = hit(CONSTANT, "streams.py", kind="code", start_byte=500)
    found = find_constants(question, hits, lambda query: [elsewhere, declaring] if "_DEFAULT_LIMIT" in query else [])
    assert found == [declaring]
    answer = ask(question, [*hits, *found])
    assert any("2 ** 16" in sentence.text for sentence in answer.sentences)
    assert answer.evidence >= DECLARED_EVIDENCE


@pytest.mark.parametrize("question", ["where is Reader defined?", "what is the default loop of a Reader?"])
def test_constant_is_not_searched_for_what_does_not_ask_for_its_value(question: str) -> None:
    assert (
        find_constants(question, [code(LIMITED, "streams.py", heading="Reader")], lambda _: pytest.fail("searched"))
        == []
    )


@pytest.mark.parametrize(
    ("question", "is_answer"),
    [("default pickle protocol", True), ("which default has the protocol?", True), ("default loop", False)],
)
def test_constant_whose_name_the_question_spells_out_is_its_answer(question: str, is_answer: bool) -> None:
    passage = code("HIGHEST_PROTOCOL = 5\n\nDEFAULT_PROTOCOL = 4\n", "pickle.py")
    answer = ask(question, [passage])
    assert (answer.evidence >= DECLARED_EVIDENCE) is is_answer
    assert not is_answer or any("DEFAULT_PROTOCOL = 4" in sentence.text for sentence in answer.sentences)


MOOR = hit(
    "-V, --version\n\nShow which version of moor this is.\n\n-v, --verbose\n\nName each boat. It is off in winter.\n",
    "moor.1",
    title="MOOR(1)",
    heading="OPTIONS > -V, --version; -v, --verbose",
)


def test_option_that_a_question_names_is_answered_by_its_description() -> None:
    other = hit("With -v, moor writes more of what moor does with boats.\n", "b.1", title="BOATS(1)")
    for option in ("-v", "--verbose"):
        answer = ask(f"what does moor {option} do?", [other, MOOR])
        first = answer.sentences[0]
        assert (first.label, first.text) == ("-v, --verbose", "Name each boat. It is off in winter.")
        assert answer.evidence >= DECLARED_EVIDENCE
    assert ask("what does moor -V do?", [other, MOOR]).sentences[0].label == "-V, --version"


@pytest.mark.parametrize(
    "question", ["what does sail -v do?", "what is the default of moor -v?", "what does moor -w do?"]
)
def test_option_of_another_command_or_another_question_is_not_answered_by_it_for_sure(question: str) -> None:
    assert ask(question, [MOOR]).evidence < DECLARED_EVIDENCE


@pytest.mark.parametrize(
    ("heading", "option", "is_described"),
    [
        ("-j <n>, --jobs=<n>", "--jobs", True),
        ("-j <n>, --jobs=<n>", "-j", True),
        ("-j <n>, --jobs=<n>", "-J", False),
        ("-j <n>, --jobs=<n>", "--job", False),
        ("``--jobs``", "--jobs", True),
        ("make --jobs", "--jobs", True),
        ("--no-jobs", "-jobs", False),
    ],
)
def test_option_is_described_under_its_own_name(heading: str, option: str, is_described: bool) -> None:
    [unit] = answer_units(hit("How many boats leave at once.", heading=heading))
    assert describes_option(unit, option) is is_described


def test_description_of_an_option_is_found_that_of_the_named_command_first() -> None:
    ship = hit("Name each ship.", "ship.1", title="SHIP(1)", heading="OPTIONS > -v")
    question = "what does moor -v do?"
    assert find_options(question, [ship], lambda _: [ship, MOOR]) == [MOOR]
    assert find_options(question, [MOOR], lambda _: [ship, MOOR]) == []
    assert find_options("what does moor do?", [], lambda _: [MOOR]) == []


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("class Heron extends Bird {\n", "Heron"),
        ("public final class Heron implements Bird {\n", "Heron"),
        ("type Heron struct {\n", "Heron"),
        ("func (h *Heron) Wait() error {\n", "Wait"),
        ("pub(crate) fn wait(hours: u8) {\n", "wait"),
        ("static struct heron *find(int age) {\n", "find"),
        ("export const WAIT_HOURS = 3;\n", "WAIT_HOURS"),
        ("const WaitHours = 3\n", "WaitHours"),
    ],
)
def test_declaration_of_another_language_declares_its_name(code: str, name: str) -> None:
    declared = [unit for unit in answer_units(hit(code, kind="code")) if declares(unit, name)]
    assert len(declared) == 1


def test_constant_that_a_comment_names_as_the_default_is_shown_too() -> None:
    field = "interface Nest {\n  /** Idle time. Defaults to TTL_MS. */\n  idle?: number;\n}\n"
    code = f"export const TTL_MS = 1800;\n\n{field}"
    assert "TTL_MS = 1800" in ask("What is the default idle time?", [hit(code, "a.ts", kind="code")]).answer


def test_option_is_found_whatever_the_case_of_the_command() -> None:
    other = MOOR.model_copy(update={"chunk_id": "other", "title": "Ship", "path": "ship.1"})
    assert find_options("what does MOOR -v do?", [], lambda _: [other, MOOR]) == [MOOR]


def test_usage_of_a_command_does_not_describe_its_options() -> None:
    text = "`moor log [-f]`\n: Show the log of the boat.\n\n`-f`\n: Keep on printing.\n"
    described = [unit.quotes[0] for unit in answer_units(hit(text)) if describes_option(unit, "-f")]
    assert described == ["`-f`\n: Keep on printing."]


def test_answer_about_an_option_has_no_other_option() -> None:
    text = "-v\n: Moor prints more words about boats.\n\n-V\n: Moor prints which release of moor it is.\n"
    answer = ask("what does moor -v do?", [hit(text, "moor.1", title="MOOR(1)")]).answer
    assert "more words" in answer
    assert "which release" not in answer
