"""Runs with many values of their parameters: the points, and the jobs that train them."""
