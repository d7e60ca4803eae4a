"""Score files that machines read and write: records, formats, the journal, resuming."""
