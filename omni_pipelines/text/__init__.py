"""Text to data: readers, chunks, sentences, vectors. Functions of values, without tables."""
