"""Taps of frozen networks, and their moments and statistics."""
