"""Commands of `gfmn` that make, build and look at a study; `gfmn/cli.py` lists all commands."""
