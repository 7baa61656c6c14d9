"""The names of the cases for inputs that parsers are known to fail on, by kind."""

from __future__ import annotations

KINDS: dict[str, tuple[str, ...]] = {
    "text": (
        "empty.md", "zeros.md", "zero_inside.md", "utf16_without_mark.md", "broken_utf8.md", "latin1.md",
        "surrogate.md",
        "overlong.md", "cut_character.md", "utf16.md", "mark.md", "lone_cr.md", "marks_on_marks.md", "bidi.md",
        "tag_characters.md", "escapes.md", "special_tokens.md", "one_letter.txt", "carets.txt", "blanks.txt",
        "one_line.txt",
    ),
    "markdown": (
        "brackets.md", "quotes.md", "lists.md", "emphasis.md", "columns.md", "references.md", "open_fence.md",
        "newlines.md", "aliases.md", "yaml_object.md", "deep_toml.md",
    ),
    "data": (
        "deep.json", "digits.json", "twice.json", "infinite.json", "broken.jsonl", "types.ipynb", "open_quote.csv",
        "formula.csv",
    ),
    "html": (
        "deep.html", "open_tags.html", "attribute.html", "attributes.html", "scripts.html", "charset.html",
        "zeros.html",
        "hidden.html", "data_uri.html", "comments.html", "entities.html", "tables.html", "select.html",
    ),
    "xml": (
        "laughs.xml", "quadratic.xml", "outside.xml", "document_type.xml", "deep.xml", "include.xml", "picture.svg",
    ),
    "pdf": (
        "blank.pdf", "cut.pdf", "none.pdf", "bomb.pdf", "chained.pdf", "kids_loop.pdf", "states.pdf",
        "unicode_map.pdf",
        "noise.pdf", "lzw.pdf", "predictor.pdf", "no_table.pdf", "ascii85.pdf", "run_length.pdf", "count.pdf",
        "previous_loop.pdf", "deep_array.pdf", "deep_info.pdf", "box.pdf", "form_loop.pdf", "forms.pdf",
        "outline_loop.pdf", "launch.pdf", "objects.pdf", "image.pdf", "two_in_one.pdf",
    ),
    "archives": (
        "bomb.docx", "paragraphs.docx", "entries.docx", "laughs.docx", "outside.docx", "names.docx", "no_body.docx",
        "cut.docx", "nested.docx", "overlap.docx", "encrypted.docx", "old.docx", "twice.docx", "size_lie.docx",
        "external.docx", "archive.md", "packed.md", "climbing.md",
    ),
    "code": (
        "parentheses.py", "program.py", "nested.py", "zero.py", "cookie.py", "minified.js", "literal.py",
    ),
    "odd paths": (
        "link_out.md", "link_loop.md", "link_folder", "link_nowhere.md", "link_etc.md", "pipe.md", "socket.md",
        "link_zero.md", "sparse.md", "sparse.pdf", "a path of 8,000 characters", ".git/config.md", "new\nline.md",
        "a name that is no text", "a name of 255 bytes", "quote'; drop table documents; --.md", "-rf.md",
        "caf\u00e9.md", "cafe\u0301.md", "case.md", "CASE.md", "hard_link.md", "closed.md", "changing.md",
    ),
    "meaning": ("injection.md", "exfiltration.md", "secret.ini"),
}  # fmt: skip
"""Names of cases by kind. There are further cases that were found in this project."""
