"""Several homes that share one store of releases in a bucket."""
