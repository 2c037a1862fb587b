"""The command `gfmn`, called as from a shell."""

from typing import Any

import pytest

from gfmn import cli


def gfmn(*words: Any) -> None:
    """Run a command."""
    cli.main([*map(str, words)])


def refused(*words: Any) -> str:
    """The one-line error that a command ends with; its exit code is 1."""
    with pytest.raises(SystemExit) as ended:
        gfmn(*words)
    message = ended.value.code
    assert isinstance(message, str) and message.startswith("error: ") and "\n" not in message
    return message
