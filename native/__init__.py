"""Engine bindings: Lance, Tantivy, DuckDB, tiktoken, onnxruntime. They import none of our packages."""
