"""Plain BM25 over whole documents, the baseline of the keyword search: title and text in one field, English stems."""

from collections.abc import Callable, Sequence

import tantivy

from omni_pipelines.knowledge.quality.judged_collections import JudgedCollection


def plain_bm25(collection: JudgedCollection) -> Callable[[str, int], Sequence[str]]:
    """A function that returns the keys of at most `depth` documents for a query, best first: k1 1.2, b 0.75."""
    english = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    for step in (tantivy.Filter.lowercase(), tantivy.Filter.stopword("english"), tantivy.Filter.stemmer("english")):
        english = english.filter(step)
    analyzer = english.build()
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("number", stored=True)
    builder.add_text_field("text", tokenizer_name="plain", index_option="freq")
    index = tantivy.Index(builder.build())
    index.register_tokenizer("plain", analyzer)
    writer = index.writer(50_000_000, 1)
    for number, document in enumerate(collection.documents):
        writer.add_document(tantivy.Document(number=number, text=f"{document.title}\n{document.text}"))
    writer.commit()
    index.reload()
    searcher = index.searcher()

    def find(query: str, depth: int) -> Sequence[str]:
        terms = analyzer.analyze(query)
        words = [(tantivy.Occur.Should, tantivy.Query.term_query(index.schema, "text", term)) for term in terms]
        hits = searcher.search(tantivy.Query.boolean_query(words), depth, count=False).hits if words else []
        return [collection.documents[searcher.doc(address)["number"][0]].key for _, address in hits]

    return find
