"""One knowledge base in a bucket, worked on by several homes: each has a copy, and publishes by one put."""
