"""Search in one release: options, ranking, fusion, reranking, hits, citations, contexts, explanations."""
