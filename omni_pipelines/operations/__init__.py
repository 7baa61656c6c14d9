"""Operations on a home: index jobs, scrubbing, compaction, inspection, user columns, entries."""
