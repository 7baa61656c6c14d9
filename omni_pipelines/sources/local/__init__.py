"""Sources on this machine: folders, archives, git revisions."""
