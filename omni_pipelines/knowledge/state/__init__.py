"""What a home holds: releases, pins, changes, the journal, metrics, status."""
