"""`make gpu-check`: whether the project works on this machine's GPU, in less than ten minutes."""
