"""Characters of symbol fonts as Unicode.

Their fonts give letters other shapes: in Symbol, "a" is alpha, and in Wingdings "ü" is a check mark. The tables are
those of the fonts' encodings: Symbol by Adobe, Wingdings and Webdings by Unicode 7.0.
"""

# ruff: noqa: RUF001 - the tables are made of characters that look like others
_ASCII = range(0x20, 0x7F)
_UPPER = range(0xA0, 0xFF)
_PRIVATE = 0xF000
"""Where Office stores the characters of symbol fonts, because they are no letters."""

_SYMBOL = (
    " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼",
    "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…|—↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪\0〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭",
)
_WINGDINGS = (
    " ✏✂✁👓🕭🕮🕯☎✆✉🖃📪📫📬📭📁📂📄🗏🗐🗄⌛🖮🖰🖲🖳🖴🖫🖬✇✍🖎✌👌👍👎☜☞☝☟🖐☺😐☹💣☠⚐🏱✈☼💧❄🕆✞🕈✠✡☪☯ॐ☸"
    "♈♉♊♋♌♍♎♏♐♑♒♓&&●❍■□❐❑❒⬧⧫◆❖⬥⌧⍓⌘❀✿❝❞",
    "\0○⭕◯◉◎🔿▪☐🟂✦★✶✴✹✵⯐⌖⟡⌑⯑✪✰🕐🕑🕒🕓🕔🕕🕖🕗🕘🕙🕚🕛⮰⮱⮲⮳⮴⮵⮶⮷🙪🙫🙕🙔🙗🙖🙐🙑🙒🙓⌫⌦⮘➢⮙⮛⮈➲⮉⮋←→↑↓↖↗↙↘⬅➔⬆⬇⬉⬈⬋⬊⇦⇨⇧⇩⬄⇳⬁⬀⬃⬂▭▫✗✔☒☑",
)
_FEW = {
    "wingdings 2": {"O": "✗", "P": "✓", "Q": "☒", "R": "☑", "S": "☒", "T": "☒", "£": "☐", "—": "●"},
    "wingdings 3": {"f": "←", "g": "→", "h": "↑", "i": "↓", "}": "▶", "{": "◀", "p": "▲", "q": "▼"},
    "webdings": {"a": "✓", "c": "☐", "r": "✗", "g": "■", "n": "●", "4": "▶", "3": "◀", "5": "▲", "6": "▼", "=": "■"},
}


def _table(lower: str, upper: str) -> dict[str, str]:
    return {
        chr(code): character.replace("\0", "")
        for codes, characters in ((_ASCII, lower), (_UPPER, upper))
        for code, character in zip(codes, characters, strict=True)
    }


_TABLES = {"symbol": _table(*_SYMBOL), "wingdings": _table(*_WINGDINGS), **_FEW}


def is_symbol_font(font: str) -> bool:
    """Whether the font gives letters other shapes."""
    return font.strip().lower() in _TABLES


def symbols(text: str, font: str) -> str:
    """The text as a font shows it.

    Without a symbol font, only characters that Office stores for one are replaced: by those of Symbol, or by the
    letters themselves where the font is known and has them.
    """
    table = _TABLES.get(font.strip().lower())
    if table is None and not any(_PRIVATE <= ord(character) <= _PRIVATE + 0xFF for character in text):
        return text
    return "".join(_symbol(character, table, font) for character in text)


def _symbol(character: str, table: dict[str, str] | None, font: str) -> str:
    code = ord(character)
    if _PRIVATE <= code <= _PRIVATE + 0xFF:
        letter = chr(code - _PRIVATE)
        if table is None:
            return letter if font else _TABLES["symbol"].get(letter, "")
        return table.get(letter, "")
    return character if table is None or code > 0xFF else table.get(character, character)
