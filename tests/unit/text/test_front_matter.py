"""Settings at the head of a Markdown file: YAML, TOML and JSON in the forms that these languages allow."""

from __future__ import annotations

import pytest

from omni_pipelines.steps.chunks import chunk_properties
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.markup import markdown
from omni_pipelines.text.readers.markup.front_matter import front_matter
from omni_pipelines.text.secrets.masking import Masking, mask_document


def _read(text: str) -> Parsed:
    return markdown.read(text.encode(), "page.md")


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ("---\n# a remark\ntitle: Ferry times\nowner: ops\n---\n", "Ferry times"),
        ("---\n\ntitle: Tug times\nowner: ops\n---\n", "Tug times"),
        ('---\n"title": Barge times\n---\n', "Barge times"),
        ("---\ntitle: >-\n  Pilot boat\n  handbook\nowner: ops\n---\n", "Pilot boat handbook"),
        ("---\ntitle: |\n  Pilot\n  boat\n---\n", "Pilot boat"),
        ("---\ntitle: 'Captain''s log'\n---\n", "Captain's log"),
        ('---\ntitle: "tab\\tand \\u00fc" # remark\n---\n', "tab and ü"),
        ("---\nowner: &who ops\ntitle: *who\n---\n", "ops"),
        ("---\ntitle:\n  Over a line\n---\n", "Over a line"),
        ("---\n{title: Flow, tags: [a]}\n---\n", "Flow"),
        ("---\nTitle: Upper\n---\n", "Upper"),
        ("---\ntitle: 007\n---\n", "007"),
        ("---\nbroken: [\ntitle: 'Still read'\n---\n", "Still read"),
        ("---\ntitle: {{ page.title }}\n---\n", "{{ page.title }}"),
        ("---\r\ntitle: Windows\r\n...\r\n", "Windows"),
        ("---yaml\ntitle: Named\n---\n", "Named"),
        ("\n\n---\ntitle: Later\n---\n", "Later"),
        ('+++\ntitle = "Harbour rules"\ndate = 2026-01-02\n[params]\nx = 1\n+++\n', "Harbour rules"),
        ("+++\ntitle = '''\nTwo\nlines'''\n+++\n", "Two lines"),
        ('{\n  "title": "Braces",\n  "tags": []\n}\n', "Braces"),
        (';;;\n{"title": "Semicolons"}\n;;;\n', "Semicolons"),
        ("% A title\n  of two lines\n% Ann\n% 2026\n", "A title of two lines"),
    ],
)
def test_front_matter_gives_the_title_in_every_form(head: str, title: str) -> None:
    parsed = _read(f"{head}\n# Heading\n\ntext\n")
    assert (parsed.title, [section.path for section in parsed.sections]) == (title, [("Heading",)])
    assert parsed.verbatim


@pytest.mark.parametrize(
    "text",
    [
        "---\n\n# A\n\n---\n",
        "---\nOnly a sentence between rules.\n---\n",
        "---\nThis is a long sentence with a colon: and more\n---\n",
        "+++\nno toml\n+++\n",
        "{\n  no json\n}\n",
        "---\n- a list\n---\n",
        "%comment without a title\n",
        "---\n" + "[" * 500 + "\n---\n",
    ],
)
def test_text_between_rules_is_no_front_matter(text: str) -> None:
    assert front_matter(text).end == 0


@pytest.mark.parametrize(
    "tags",
    [
        "tags: [harbour, '#ferry']",
        "tags:\n- harbour\n- ferry",
        "tags: harbour, ferry",
        "keywords: harbour; ferry",
        "categories: [harbour]\ntag: x\ntags: ferry",
    ],
)
def test_tags_and_aliases_of_front_matter_are_properties(tags: str) -> None:
    properties = _read(f"---\n{tags}\naliases: [Quay]\n---\ntext").properties
    assert {"harbour", "ferry"} <= set(properties["tags"])
    assert properties["aliases"] == ["Quay"]


def test_tags_and_links_between_brackets_in_the_text_are_properties() -> None:
    text = "# See [[Crane list]]\n\n- #work/urgent [[a/b#part|shown]] ![[map.png]] `[[no]] #no`\n\n"
    properties = _read(f"{text}```\n[[no]] #no\n```\n#1 a#b\n").properties
    assert properties == {"tags": ["work/urgent"], "links": ["Crane list", "a/b", "map.png"]}


def test_chunk_has_the_tags_of_its_document_and_its_own_links() -> None:
    properties = {"tags": ["work"], "links": ["Crane list", "Quay"]}
    assert chunk_properties(properties, "see [[Quay]]") == {"tags": ["work"], "links": ["Quay"]}
    assert chunk_properties({}, "see") == {}


def test_secret_in_a_property_is_masked() -> None:
    token = "ghp_" + "a1B2" * 9
    masked = mask_document(_read(f"---\ntags: [{token}]\n---\ntext"), Masking()).parsed
    assert token not in str(masked.properties)
    assert token not in masked.text
