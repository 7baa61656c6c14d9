"""Where documents come from: what each kind of source holds, and how its bytes are read."""
