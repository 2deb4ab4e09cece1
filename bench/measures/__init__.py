"""One measure per file; each returns rows of figure, reference and ratio."""
