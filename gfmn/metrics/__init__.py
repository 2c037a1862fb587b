"""Scores in any network's feature space; nothing here knows how the images were made.

Each metric has a file of its own. `registry.py` lists them.
"""
