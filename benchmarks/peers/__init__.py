"""Omni beside the products that people would use instead: the same files, chunk size, texts, vectors and weights.

A module in `products` is a product. To compare another one, add a file there; nothing else changes. It has a
docstring, `PACKAGES`, which are the pins that pip installs, and those of these functions that the product can serve:

    ingest(corpus, target, embed) -> int              read a folder into a new index at `target`; the number of chunks
    update(corpus, target, embed) -> int              the same, with the index that is there already
    ingest_whole(corpus, target) -> int               instead of `ingest`, for a product that loads its model itself
    embedder() -> embed                               its own way to compute all-MiniLM-L6-v2
    keyword_index(texts, target) -> search            search(query, 10) gives positions of texts, best first
    vector_index(vectors, target) -> search           search(vector, 10) gives positions of vectors, nearest first

A product that cannot be run has `NOT_RUN`, which is the reason, instead of functions.

`embed` turns texts into float32 vectors (n, 384). Packages are imported inside the functions, because `run` reads the
module in an environment without them. The docstring is shown on the page: it says what differs from other products.
"""
