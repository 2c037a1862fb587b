"""How a computation runs: checkpoints, signals, several processes."""
