"""Training a generator: objectives, one update, a run."""
