"""The report's tables: typed frames of runs and scores, how a reader sees them, and their files."""
