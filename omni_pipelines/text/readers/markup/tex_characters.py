"""Characters that TeX writes as commands: accents, letters of other languages, signs and Greek letters."""

import re
import unicodedata

# ruff: noqa: RUF001 - the tables are made of characters that look like others

_ACCENTS = {
    '"': "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", "=": "\u0304", ".": "\u0307",
    "c": "\u0327", "v": "\u030c", "H": "\u030b", "k": "\u0328", "r": "\u030a", "u": "\u0306", "d": "\u0323",
    "b": "\u0331",
}  # fmt: skip
_ACCENT = re.compile(
    r"\\(?:(?P<sign>[\"'`^~=.])[ \t]*|(?P<letter>[cvHkrudb])(?:[ \t]+|(?=\{)))"
    r"(?:\{[ \t]*\\?(?P<inside>[A-Za-z])(?:[ \t]*|\{\})\}|\\?(?P<bare>[A-Za-z])(?:(?<=\\[ij])(?:\{\}|[ \t]+|\b))?)"
)
_NAMED = """
    ss ß ae æ AE Æ oe œ OE Œ o ø O Ø aa å AA Å l ł L Ł i ı j ȷ dh ð th þ dots … ldots … cdots ⋯
    textellipsis … textendash – textemdash — S § P ¶ copyright © pounds £ euro € texteuro € EUR € degree
    ° textdegree ° textregistered ® texttrademark ™ textbackslash \\ textasciitilde ~ textasciicircum ^
    textbar | textless < textgreater > textquotedblleft “ textquotedblright ” textquoteleft ‘
    textquoteright ’ glqq „ grqq “ flqq « frqq » guillemotleft « guillemotright » quotedblbase „
    textbullet • textmu µ LaTeX LaTeX TeX TeX LaTeXe LaTeX2e BibTeX BibTeX times × cdot · pm ± mp ∓ leq
    ≤ le ≤ geq ≥ ge ≥ neq ≠ ne ≠ approx ≈ equiv ≡ sim ∼ infty ∞ partial ∂ nabla ∇ sum ∑ prod ∏ int ∫
    sqrt √ in ∈ notin ∉ subset ⊂ subseteq ⊆ cup ∪ cap ∩ emptyset ∅ forall ∀ exists ∃ neg ¬ land ∧ lor ∨
    to → rightarrow → leftarrow ← leftrightarrow ↔ Rightarrow ⇒ Leftarrow ⇐ mapsto ↦ langle ⟨ rangle ⟩
    alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ
    lambda λ mu μ nu ν xi ξ pi π rho ρ sigma σ tau τ upsilon υ phi φ varphi φ chi χ psi ψ omega ω Gamma
    Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Phi Φ Psi Ψ Omega Ω
""".split()
CHARACTERS = {**dict(zip(_NAMED[::2], _NAMED[1::2], strict=True)), "quad": " ", "qquad": " "}
"""Commands without an argument, by their names."""
LIGATURES = {"---": "—", "--": "–", "``": "“", "''": "”", "~": " "}


def with_accents(text: str) -> str:
    r"""The text with letters such as ü instead of `\"u`."""
    return _ACCENT.sub(_accented, text) if "\\" in text else text


def _accented(found: re.Match[str]) -> str:
    letter = found["inside"] or found["bare"]
    return unicodedata.normalize("NFC", letter + _ACCENTS[found["sign"] or found["letter"]])


def accent_at(text: str, position: int) -> tuple[str, int] | None:
    """The letter with an accent that a command at this position makes, and where it ends; None if there is none."""
    found = _ACCENT.match(text, position)
    return (_accented(found), found.end()) if found else None
