"""Tools: described by a schema, checked before every call, answered in one envelope."""
