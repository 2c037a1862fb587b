"""The report of a study: tables that compare with the paper's, figures, and a page in one file."""
