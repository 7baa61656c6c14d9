"""Plain BM25 over whole documents, the baseline of the keyword search: title and text as one, English stems."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from native.tantivy_analysis import Analyzer
from native.word_forms import normal
from omni_pipelines.knowledge.quality.judged_collections import JudgedCollection

K1, B = 1.2, 0.75


def plain_bm25(collection: JudgedCollection) -> Callable[[str, int], Sequence[str]]:
    """A function that returns the keys of at most `depth` documents for a query, best first, ties in file order.

    Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009).
    """
    analyzer = Analyzer(stopwords="en")
    bags = [Counter(analyzer.analyze(normal(f"{each.title}\n{each.text}"))) for each in collection.documents]
    lengths = [bag.total() for bag in bags]
    mean = sum(lengths) / len(lengths)
    postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for number, bag in enumerate(bags):
        for term, count in bag.items():
            weight = count * (K1 + 1) / (count + K1 * (1 - B + B * lengths[number] / mean))
            postings[term].append((number, weight))

    def find(query: str, depth: int) -> Sequence[str]:
        scores: dict[int, float] = defaultdict(float)
        for term in analyzer.analyze(normal(query)):
            rarity = math.log1p((len(bags) - len(postings[term]) + 0.5) / (len(postings[term]) + 0.5))
            for number, weight in postings[term]:
                scores[number] += rarity * weight
        best = sorted(scores, key=lambda number: (-scores[number], number))[:depth]
        return [collection.documents[number].key for number in best]

    return find
