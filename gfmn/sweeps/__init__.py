"""Runs with many values of their parameters: the points, and the jobs that train them.

What is in the extra `sweep` is imported where it is used: the commands have help without it.
"""

LOCAL, SLURM = "local", "slurm"  # where jobs run
GRID = "grid"  # every combination
SAMPLERS = {"random": "RandomSampler", "tpe": "TPESampler"}  # Optuna's
