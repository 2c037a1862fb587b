"""The report's pages: one file that holds everything, and a page a run."""
