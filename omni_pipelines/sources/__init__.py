"""Where documents come from: listing and reading each kind of source."""
