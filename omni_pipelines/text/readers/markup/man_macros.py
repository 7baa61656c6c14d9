"""The requests, macros and characters of roff, as pages of manuals use them."""

# ruff: noqa: RUF001 - the tables are made of characters that look like others


def pairs(text: str) -> dict[str, str]:
    """Names and what they stand for, in turn, with blanks between them."""
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


CHARACTERS = pairs(r"""
    em — en – hy - aq ' dq " oq ‘ cq ’ lq “ rq ” bu • co © rg ® tm ™ de ° mu × +- ± <= ≤ >= ≥ != ≠ -> →
    <- ← ha ^ ti ~ rs \ sq □ ss ß ga ` aa ´ Fo « Fc » Eu € Po £ at @ sh # Do $ ul _ ba | or | sl / lB [
    rB ] lC { rC } mi − *m µ :a ä :o ö :u ü :A Ä :O Ö :U Ü
""")
"""Characters with a name: `\\(em` or `\\[em]`."""
SIGNS = pairs(r"""
    - - e \ ' ´ ` ` \ \ . .
""")
SIGNS |= {
    "&": "",
    "%": "",
    "|": " ",
    "^": "",
    "~": " ",
    " ": " ",
    "0": " ",
    "/": "",
    ",": "",
    "c": "",
    ":": "",
    "p": "",
    "t": "\t",
}
"""What a backslash and one sign stand for."""
FONTS = frozenset({"B", "I", "R", "SM", "SB"})
MIXED_FONTS = frozenset({"BR", "RB", "BI", "IB", "IR", "RI"})
HEADINGS = {"SH": 1, "Sh": 1, "SS": 2, "Ss": 2}
NEW_PARAGRAPH = frozenset(
    """
    Bd Bl D1 Dl Ed El HP IP It LP Lp Nd P PP Pp RE RS TP TQ br sp
""".split()
)
WITH_TEXT = frozenset({"IP", "It", "D1", "Dl", "Nd"})
"""Those of them whose arguments are text."""
OPENING, CLOSING = frozenset({"RS", "Bl"}), frozenset({"RE", "El"})
"""What begins and ends a list inside a description, or a list of mdoc."""
TO_MARGIN = frozenset({"HP", "LP", "P", "PP"})
"""What goes back to the margin, where no tag describes anything."""
CALLABLE = frozenset(
    """
    Ac Ad An Ao Ap Aq Ar At Bc Bo Bq Brq Bx Cd Cm Dc Do Dq Dv Em Er Ev Fa Fl Fn Ft Fx Ic Li Lk Ms Mt Nm
    No Ns Nx Oc Oo Op Ox Pa Pc Po Pq Qc Ql Qo Qq Re Rs Sc So Sq St Sx Sy Ta Tn Ux Va Vt Xc Xo Xr
""".split()
)
"""Macros of mdoc that may stand between the words of a line."""
AROUND = {
    "Fl": "-{}", "Dq": "“{}”", "Sq": "‘{}’", "Pq": "({})", "Aq": "<{}>", "Brq": "{{{}}}", "Bq": "[{}]", "Qq": '"{}"',
}  # fmt: skip
"""What they write around the next word."""
ALONE = pairs(r"""
    Do “ Dc ” So ‘ Sc ’ Po ( Pc ) Bo [ Bc ] Ao < Ac > Qo " Qc " Ap ' Ux UNIX Oo [ Oc ]
""")
"""What others of them stand for."""
