"""The difference between two studies, or between two versions of one: scores and parameters."""
