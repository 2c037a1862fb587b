"""Published weights: pinned, fetched, verified, read without running them, converted."""
