"""The command line without the script: `python -m gfmn`."""

from gfmn.cli import main

if __name__ == "__main__":
    main()
