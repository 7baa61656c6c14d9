"""Search in one release: filters, ranking, fusion, reranking, explanations."""
