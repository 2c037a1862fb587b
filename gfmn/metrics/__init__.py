"""Scores in any network's feature space; nothing here knows how the images were made."""
