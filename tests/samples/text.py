"""Small files of text formats, with a sample of each element."""

from __future__ import annotations

import json

_CELLS = [
    {"cell_type": "markdown", "source": ["# River\n", "\n", "Herons wait."]},
    {"cell_type": "code", "source": "import math", "outputs": []},
    {"cell_type": "markdown", "source": "## Otters\n\nThey swim."},
    {
        "cell_type": "code",
        "source": "print(7)",
        "outputs": [
            {"output_type": "stream", "text": ["7\n"]},
            {"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo="}},
        ],
    },
]
NOTEBOOK = json.dumps({"cells": _CELLS, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()
XML = b"""<?xml version="1.0"?>
<article>
  <title>River</title>
  <para>Herons wait
    &amp; fish.</para>
  <animal kg="7">otter</animal>
  <link href="http://x/"/>
</article>
"""
RTF = (
    rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\info{\title Animals}{\author me}}"
    rb"\pard\outlinelevel0 River\par"
    rb"\pard D\'e9j\'e0 vu \emdash  \ldblquote \u220?n\u239?code\rdblquote  \u-10179?\u-8704? stays.\par"
    rb"\trowd\pard\intbl otter\cell 7\cell\row\pard {\*\generator x}{\pict 89504e47}The end.\par}"
)
MAIL = "\r\n".join(
    [
        "From: Ann <ann@example.org>",
        "To: bob@example.org",
        "Subject: =?utf-8?q?Otters_=E2=80=93_news?=",
        "MIME-Version: 1.0",
        "Content-Type: multipart/mixed; boundary=x",
        "",
        "--x",
        "Content-Type: multipart/alternative; boundary=y",
        "",
        "--y",
        "Content-Type: text/plain; charset=utf-8",
        "",
        "They swim.",
        "--y",
        "Content-Type: text/html",
        "",
        "<p>They <b>swim</b>.</p>",
        "--y--",
        "--x",
        "Content-Type: image/png",
        "Content-Disposition: attachment; filename=otter.png",
        "Content-Transfer-Encoding: base64",
        "",
        "iVBORw0KGgo=",
        "--x--",
        "",
    ]
).encode()
