"""The prepared data set on disk."""
