"""Words that a question needs as a sentence, and that say nothing about its subject.

Tantivy has lists of stop words, but only some of them contain question words. In a collection of statements, question
words are rare, so that BM25 would rank by them first.
"""

ENGLISH = (
    "how what when where which who whom whose why do does did done can could shall should will would may might must "
    "i me my we us our you your am is are was were be been being has have had s t there here from about so than "
    "don doesn didn isn aren wasn weren hasn haven hadn won wouldn shouldn couldn"
).split()

_LATIN = {
    "da": "hvad hvem hvor hvordan hvorfor hvilken hvilket hvilke hvornår",
    "de": "wie was wann wo wer wen wem wessen welche welcher welches welchen welchem warum wieso weshalb wozu womit "
    "wofür woher wohin wodurch worauf wieviel wieviele gibt kann können muss müssen darf dürfen wird werden",
    "es": "qué cómo cuándo dónde quién quiénes cuál cuáles cuánto cuánta cuántos cuántas por hay puede",
    "fi": "mitä mikä miten milloin missä kuka miksi kuinka montako onko",
    "fr": "comment quand où pourquoi quel quelle quels quelles combien qui que quoi lequel laquelle est peut faut",
    "hu": "mi mit hogyan mikor hol ki miért melyik mennyi hány",
    "it": "come quando dove perché quale quali quanto quanta quanti quante chi che cosa può",
    "nb": "hva hvem hvor hvordan hvorfor hvilken hvilket hvilke når",
    "nl": "hoe wat wanneer waar wie waarom welke welk hoeveel kan kunnen moet wordt worden",
    "nn": "kva kven kvar korleis kvifor kva når",
    "pt": "como quando onde porque quê qual quais quanto quanta quantos quantas quem pode",
    "ro": "ce cum când unde cine care cât câte câți",
    "sv": "vad vem var hur varför vilken vilket vilka när kan",
    "tr": "ne nasıl nerede kim neden niçin hangi kaç mi mı mu mü",  # noqa: RUF001
}
"""Question words of languages that share an alphabet: "die" is English too. They count when the language is known."""

OTHER_SCRIPTS = (
    "что кто как когда где почему какой какая какое какие сколько чем зачем "  # Russian
    "क्या कब कहाँ कहां कौन कौनसा कैसे कैसा क्यों कितने कितना कितनी किस किसने किसके किसकी किसका किन "  # Hindi
    "का की के को में ने से है हैं था थी थे "
    "ما ماذا متى اين كيف لماذا هل كم من اي "  # Arabic
    "πως ποτε που ποιος ποια ποιο ποιοι γιατι ποσο ποσα ποσοι "  # Greek
    "מה מי איך מתי איפה למה איזה כמה "  # Hebrew
    "무엇 언제 어디 누가 누구 어떻게 왜 어떤 몇"  # Korean
).split()
"""Question words, and the particles of Hindi, in scripts of their own."""

PAIRS = frozenset(
    (
        "什么 甚么 怎么 怎样 如何 哪些 哪里 哪个 哪一 哪种 哪年 多少 为什 几个 是否 谁的 何时 何地 是什 么时 "
        "です ます した すか でし まし たか るか 何で は何 何と いつ どこ だれ 誰が 誰で どの どう どん なぜ "
        "どれ いく のは ったか"
    ).split()
)
"""Pairs of characters that questions in Chinese and Japanese end or begin with."""


def question_words(language: str) -> list[str]:
    """The question words of a language, an ISO 639-1 code, and of all scripts that no other language shares."""
    return [*(_LATIN[language].split() if language in _LATIN else ENGLISH), *OTHER_SCRIPTS]
