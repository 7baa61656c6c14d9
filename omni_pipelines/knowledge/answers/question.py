"""What a question asks: what it names, and the kind of answer that it wants."""

import re
from collections.abc import Callable, Sequence
from enum import StrEnum


class Asked(StrEnum):
    """The kind of answer that a question wants."""

    PERSON = "who"
    YEAR = "in which year"
    VERSION = "which version"
    TIME = "when"
    DURATION = "how long"
    MONEY = "how much money"
    NUMBER = "how many"
    PLACE = "where"
    DEFINED = "where defined"
    DEFAULT = "default"
    SIGNATURE = "parameters"
    REASON = "why"
    STEPS = "how to"
    ANY = "any"


_ASKED: tuple[tuple[Asked, tuple[str, ...]], ...] = (
    (
        Asked.DEFINED,
        (
            r"\bwhere\b.*\b(?:defined|implemented|declared)\b",
            r"\bwhich (?:file|module|class)\b.*\b(?:defines?|implements?|declares?|contains?)\b",
            r"\bwo\b.*\bdefiniert\b",
        ),
    ),
    (Asked.DEFAULT, (r"\bdefaults?\b", r"\b(?:standard|vorgabe)(?:wert|m\w+ig)?\b", "デフォルト|既定|默认")),
    (
        Asked.SIGNATURE,
        (
            r"\b(?:parameters?|arguments?|signature|args|kwargs|returns?|return (?:type|value))\b",
            r"\b(?:parameter|argumente?|signatur|rückgabewert)\b|引数|参数",
        ),
    ),
    (
        Asked.PERSON,
        (
            r"^(?!how (?:do|can|to)\b.*\bwho (?:can|may|has|is|are)\b).*\b(?:who|whom|whose)\b",
            r"\bwhich (?:person|author|maintainer|company|team)\b",
            r"\bwe[rmn]\b(?!n)",
            "誰|谁",
        ),
    ),
    (
        Asked.YEAR,
        (
            r"\b(?:in|since|by|from|until|of) (?:what|which) year\b|\b(?:what|which) (?:year|date)\b",
            r"\b(?:in )?welche[ms] jahr\b|\bwelches datum\b",
            "何年|哪一年|哪年",
        ),
    ),
    (
        Asked.VERSION,
        (
            r"\b(?:what|which|in which|since which) (?:\w+ ){0,2}(?:versions?|release)\b",
            r"\bwelche[rn]? version\b|\bversion of\b",
            "バージョン|版本",
        ),
    ),
    (
        Asked.TIME,
        (
            r"^when\b",
            r"\bwhen (?:is|was|were|do|does|did|will|can|must|should)\b",
            r"\b(?:what|which) (?:day|month|time|hour)\b",
            r"\bsince when\b|\bby when\b|\buntil when\b|\bwann\b",
            "いつ|什么时候",
        ),
    ),
    (
        Asked.DURATION,
        (
            r"\bhow (?:long|soon|often|old|frequently|quickly)\b",
            r"\bhow many (?:milliseconds|seconds|minutes|hours|days|weeks|months|years)\b",
            r"\bwie (?:lange|oft|alt|schnell)\b",
            r"\bwie ?viele? (?:sekunden|minuten|stunden|tage|wochen|monate|jahre)\b",
            "どのくらいの期間|何秒|何分|何日|多久|多长时间",
        ),
    ),
    (
        Asked.MONEY,
        (
            r"\bhow much\b.*\b(?:cost|costs|pay|paid|price|money|salary|budget|fee|spend|charged?)\b",
            r"\b(?:price|cost|salary|fee|budget) (?:of|for)\b|\bwhat (?:do|does|did)\b.*\bcost\b",
            r"\bwie ?viel kostet\b|\bwas kostet\b|いくらですか|多少钱",
        ),
    ),
    (
        Asked.NUMBER,
        (
            r"\bhow (?:many|much|large|big|fast|far|high|deep|tall|wide|heavy)\b",
            r"\b(?:what|which) (?:\w+ ){0,2}(?:number|port|size|limit|maximum|minimum|percentage|amount)\b",
            r"\b(?:what|which) (?:\w+ ){0,2}(?:rate|length|timeout|exit code|status|weight|height|width)\b",
            r"\bwie ?(?:viele?|gro\w+|hoch|weit|schwer)\b",
            r"\bwelche[rnms]? (?:port|nummer|gr\w+e|grenze)\b",
            "いくつ|何個|多少|几个",
        ),
    ),
    (
        Asked.PLACE,
        (
            r"\bwhere\b|\bwohin\b|\bwo\b",
            r"\bin which (?:file|directory|folder|place|city|country)\b",
            "どこ|哪里|哪儿",
        ),
    ),
    (Asked.REASON, (r"\bwhy\b|\bwarum\b|\bwieso\b|\bweshalb\b", "なぜ|为什么")),
    (
        Asked.STEPS,
        (
            r"\bhow (?:do|can|to|should|would|is|are|does one)\b",
            r"\bwie (?:kann|wird|installier\w*|macht|geht|l\w+sst)\b",
            "どうやって|方法|如何|怎么",
        ),
    ),
    (
        Asked.NUMBER,
        (r"\b(?:minimum|maximum|max|min|limit)\b", r"\b(?:mindest|höchst|maximal|minimal)\w*", "最大|最小"),
    ),
)
_PATTERNS = tuple((asked, re.compile("|".join(patterns), re.IGNORECASE)) for asked, patterns in _ASKED)
_MONTHS = (
    r"\b(?:jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|märz|apr(?:il)?|may|mai|june?|juni|july?|juli|aug(?:ust)?"
    r"|sep(?:tember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)\b"
)
_NUMERALS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|twelve|hundred|thousand|million|half|twice|once"
    "|eine?[nrms]?|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn"
)
_ANSWERS: dict[Asked, tuple[str, ...]] = {
    Asked.PERSON: (
        r"(?-i:\b[A-ZÄÖÜ][\w.-]+ (?:(?:van|von|de|der|al|bin) )?[A-ZÄÖÜ][a-z][\w-]*)",
        r"\b(?:author|maintain\w*|owner|manager|team|lead|head|officer|administrator|department|user|people|staff)s?\b",
        r"\S@\w|さん|氏",
    ),
    Asked.YEAR: (r"\b(?:1[5-9]|20)\d\d\b",),
    Asked.VERSION: (r"\b(?:versions?|release)\s+v?\d|\bv?\d+\.\d+",),
    Asked.TIME: (
        r"\b(?:19|20)\d\d\b|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\b\d{1,2}:\d\d\b",
        _MONTHS,
        r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b(?:mon|diens|donners|frei|sams|sonn)tags?\b",
        r"(?<!\S)[\"'](?:[\d*/,-]+ ){4}[\d*/,A-Z-]+[\"']",  # of cron
        r"\b(?:after|before|until|within|every|once|as soon as|during|if|when|nach|vor|bis|wenn|sobald)\b",
        r"\bversions?\s+v?\d|年|月|後|時|前",
    ),
    Asked.DURATION: (
        rf"(?:\d|\b(?:{_NUMERALS}))[\w -]{{0,12}}"
        r"(?:seconds?|secs?|minutes?|mins?|hours?|days?|weeks?|months?|years?)\b",
        r"\b(?:seconds|minutes|hours|days|weeks) ?[=:(] ?\d",
        r"(?:timeout|interval|period|delay|ttl|retention|seconds|minutes|hours|days|ms)\w*[\"']?\s*[=:]\s*[\"']?\d",
        r"\d\s?(?:ms|s|m|h|d)\b|\b(?:daily|weekly|monthly|yearly|hourly)\b",
        r"\b(?:immediately|forever|always|every|once|twice)\b",
        r"\d\s?(?:sekunden?|minuten?|stunden?|tagen?|wochen?|monaten?|jahren?)\b",
        r"\b(?:täglich|wöchentlich|monatlich)\b",
        r"\d\s?(?:秒|分|時間|日|週|年|小时|天|周|月)",
    ),
    Asked.MONEY: (
        r"(?:[€$£¥]\s?\d|\d[\d.,]*\s?(?:[€$£¥]|euros?\b|dollars?\b|eur\b|usd\b|pounds?\b|円|元)|\bfree\b)",
    ),
    Asked.NUMBER: (rf"\d|\b(?:{_NUMERALS}|no limit|unlimited|infinite)\b|[一二三四五六七八九十百千]",),
    Asked.PLACE: (
        r"[/\\]\w|\w\.\w{1,4}\b",
        r"\b(?:in|at|on|under|from|inside|im|unter|auf)\b|ディレクトリ|目录|に",
    ),
    Asked.DEFAULT: (
        r"\bdefaults?\b|=\s*\S|\botherwise\b|\bif (?:not|omitted|none)\b",
        r"\bstandard\w*\b|\bvorgabe\w*\b|デフォルト|既定|默认",
    ),
    Asked.REASON: (
        r"\b(?:because|since|so that|due to|therefore|as a result|in order to|otherwise|reason)\b",
        r"\bto (?:avoid|prevent|ensure|allow|keep)\b",
        r"\b(?:weil|da|damit|deshalb|denn|um)\b|ため|ので|因为",
    ),
}
_ANSWERED = {asked: re.compile("|".join(patterns), re.IGNORECASE) for asked, patterns in _ANSWERS.items()}
Terms = Callable[[str], Sequence[str]]
"""A text to its content words, stemmed as in an English document."""
_IDENTIFIER = re.compile(r"\w*(?:[._:]+|[a-z](?=[A-Z]))[\w.:]*\w")
"""A name that only code has: with a dot, an underscore, a colon or a capital inside."""
_DEFINED_WORDS = re.compile(
    r"where|is|are|the|an?|in|of|which|file|module|class|function|method|constant|variable|define[sd]?"
    r"|implement(?:s|ed)|declare[sd]?|contains?|code|source|parameters?|arguments?|signature|args|returns?|defaults?"
    r"|value|what|does|takes?|accepts?|all|for|has|wo|ist|wird|die|der|das|definiert|\w{1,2}",
    re.IGNORECASE,
)
_LIST = re.compile(
    r"\b(?:list|steps?|ways|which (?!\w*(?:ss|us|is)\b)\w+s"
    r"|what (?!(?:does|has|happens|\w*(?:ss|us|is|as))\b)(?:are|\w+s)\b"
    r"|what (?:do|must|should|can) (?:i|you|we)|options?"
    r"|kinds|types|differences?|differ|compared?|versus|vs"
    r"|welche \w+(?:en|er|e)|schritte|unterschiede?)\b|どのような|何がある|哪些|步骤",
    re.IGNORECASE,
)
_FIGURE = re.compile(r"(?<![\w.])\d[\d.,]*\d|(?<![\w.])\d")
_NEGATION = re.compile(r"\b(?:not|never|no|without|cannot|nicht|kein\w*|ohne|nie)\b|n't\b", re.IGNORECASE)


_MEASURE = re.compile(
    r"\b(?:how (?:many|much|often|long|soon|old|big|large|fast|far|high|frequently|quickly)"
    r"|wie (?:viele?|oft|lange|alt|groß|schnell|hoch|weit))\b",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"`[^`]+`|\"[^\"]+\""  # quoted
    r"|(?-i:[A-Z][\w-]+ \d+(?:\.\d+)*\b)"  # Python 3, Debian 12.1
    r"|(?<![\w-])--?[A-Za-z\d][\w-]*"  # --option
    r"|[\w~]*(?:[\w)](?:[._/:@]|::)[\w~])[\w./:@-]*\w(?:\(\))?"  # a.b, path/to/file, module::name
    r"|\b\w*(?:\d[a-zA-Z]|[a-zA-Z]\d)\w*\b"  # B9, utf8
    r"|(?-i:\b[a-z]+[A-Z]\w*\b|\b[A-Z]{2,}\w*\b)"  # camelCase, ACRONYM
    r"|\b\w+\(\)"  # call()
)
_VERSION = re.compile(r"(?<![\w.])v?\d+(?:\.\d+)+(?!\w)")
_SIGNS = re.compile(r"(?<!\S)[\"'`]?([!#-&(-+/:<-@\[-^{-~-]{1,3})[\"'`]?(?=[?.,;:]?(?:\s(?!\s*\d)|$))")
"""Signs between blanks or in quotes, and not before a number."""
_IN_SIGNS = r"[^\w\s\"'`(){},.;:\[\]]"
"""What a longer sign may have before or after a shorter one."""
_MENU = re.compile(r"(?<=\w) (?:>|->|=>|\|) (?=[A-Z])")
"""What separates the entries of menus: Settings > Keys."""
_PUNCTUATION = frozenset("& / + : - -- % $ ( ) :) # *".split())
_CAPITALIZED = re.compile(r"(?<=[\w,;'\")] )[A-Z][a-z][\w-]*(?: [A-Z][a-z][\w-]*)*")
"""Capitalized words inside a sentence."""
_GERMAN = re.compile(r"\b(?:der|die|das|ein|eine[nrms]?|und|ist|sind|wird|werden|wie|was|welche[rnms]?|für|nicht)\b")


def names(question: str) -> list[str]:
    """What a question names: identifiers, paths, options, quoted words, versions, acronyms and proper names.

    German writes every noun with a capital, so there capitals name nothing.
    """
    found = [_singular(match.strip('`"').removesuffix("()")) for match in _NAME.findall(question)]
    if len(_GERMAN.findall(question)) < 2:
        found += _CAPITALIZED.findall(question)
    distinct = dict.fromkeys(name for name in found if name and name not in ("e.g", "i.e"))
    return [name for name in distinct if not any(name != other and name in other for other in distinct)]


def _singular(name: str) -> str:
    """PDF for PDFs."""
    return name[:-1] if name[:-1].isupper() and name.isalpha() and name.endswith("s") else name


ABOUT_SYMBOLS = {Asked.DEFINED, Asked.DEFAULT, Asked.SIGNATURE}
"""Kinds of questions that a declaration answers."""
BY_DECLARATION = {Asked.DEFINED, Asked.SIGNATURE}
"""Kinds of questions that the declaration of what they name answers completely."""
BY_CODE = {*ABOUT_SYMBOLS, Asked.STEPS}
"""Kinds of questions that code may answer better than words."""
IN_ONE_SENTENCE = {
    Asked.PERSON,
    Asked.YEAR,
    Asked.VERSION,
    Asked.TIME,
    Asked.DURATION,
    Asked.MONEY,
    Asked.NUMBER,
    Asked.PLACE,
    Asked.DEFAULT,
}
"""Kinds of questions that one sentence answers."""


def defined_names(question: str) -> list[str]:
    """Each identifier that a question names; every word too, if a declaration may answer it."""
    found = [name for name in names(question) if _IDENTIFIER.fullmatch(name)]
    if asked_kind(question) in ABOUT_SYMBOLS:
        found += [word for word in re.findall(r"[\w.:]*\w", question) if not _DEFINED_WORDS.fullmatch(word)]
    return list(dict.fromkeys(name.rstrip(".:") for name in found))


def name_parts(name: str) -> list[str]:
    """The parts of a dotted name: `os.path.join` has three."""
    return re.split(r"[.:]+", name)


def mentions(text: str, name: str) -> bool:
    """Whether a text has a name, as whole words, in any case; an acronym also in the plural."""
    plural = "s?" if name.isupper() else ""
    return re.search(rf"(?<!\w){re.escape(name)}{plural}(?!\w)", text, re.IGNORECASE) is not None


def named_options(question: str) -> list[str]:
    """The options of a command that a question names: `-v`, `--jobs`."""
    return [name for name in names(question) if name.startswith("-") and not name[1:2].isdigit()]


def versions(question: str) -> list[str]:
    """The versions that a question names: 2.3, v1.0.4."""
    return _VERSION.findall(question)


def symbols(question: str) -> list[str]:
    """The signs that a question asks about: `>>`, `$?`, `&&`."""
    found = (sign.rstrip("?") if len(sign) > 2 else sign for sign in _SIGNS.findall(_MENU.sub(" ", question)))
    return [each for each in dict.fromkeys(found) if each.strip("?!") and each not in _PUNCTUATION]


def has_symbol(text: str, symbol: str) -> bool:
    """Whether a text has a sign by itself, not as a part of a longer one."""
    others = rf"{_IN_SIGNS}|[\[\]]" if symbol[0] in "[]" else _IN_SIGNS
    return re.search(rf"(?<!{others}){re.escape(symbol)}(?!{others})", text) is not None


def content(question: str) -> str:
    """A question without the words that only say what is asked for, such as "how often"."""
    return _MEASURE.sub(" ", question)


def wants_list(question: str) -> bool:
    """Whether a question asks for several things or steps, or compares things."""
    return _LIST.search(question) is not None


def asked_kind(question: str) -> Asked:
    """The kind of answer that the words of a question ask for."""
    return next((asked for asked, pattern in _PATTERNS if pattern.search(question)), Asked.ANY)


def answers_every_kind(question: str, text: str) -> bool:
    """Whether a text has something of every kind that a question asks for: "how long by default" asks for two."""
    asked = [kind for kind, pattern in _PATTERNS if pattern.search(question)]
    return all(answers_kind(kind, text) >= 0 for kind in asked)


def answers_kind(asked: Asked, text: str) -> float:
    """1 if a text has something of the asked kind, -1 if not, 0 if any text may answer."""
    pattern = _ANSWERED.get(asked)
    if pattern is None:
        return 0.0
    return 1.0 if pattern.search(text) else -1.0


def figures(text: str) -> set[str]:
    """The numbers of a text."""
    return set(_FIGURE.findall(text))


def is_negated(text: str) -> bool:
    """Whether a text denies something."""
    return _NEGATION.search(text) is not None
