"""A knowledge pipeline: documents in, releases out, cited answers from them."""
