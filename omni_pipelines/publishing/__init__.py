"""From built tables to a release: the gate, publishing, rollback, bundles."""
