"""The reference of the command: what every parser of `gfmn` says of itself."""

import argparse
from collections.abc import Iterator
from functools import partial
from html import escape
from textwrap import dedent

from gfmn.cli import COMMANDS, fill


def page() -> str:
    """Every command, as Markdown."""
    return "\n\n".join(part for name in COMMANDS for part in _command(name))


def _command(name: str) -> Iterator[str]:
    parser = argparse.ArgumentParser(f"gfmn {name}")
    fill(parser, name)
    parser.formatter_class = partial(argparse.HelpFormatter, width=90)  # not the terminal's
    yield f"## gfmn {name}"
    yield escape(parser.description or "", quote=False)
    usage = parser.format_usage().replace("[-h] ", "").rstrip()
    yield f"```text\n{dedent(usage.replace('usage: ', ' ' * 7, 1))}\n```"
    if rows := [_row(action) for action in parser._actions if action.dest != "help"]:
        yield "\n".join(("| argument | meaning |\n|---|---|", *rows))
    if parser.epilog:
        yield f"```text\n{parser.epilog.strip()}\n```"


def _row(action: argparse.Action) -> str:
    flags = ", ".join(action.option_strings)
    choices = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else ""
    value = "" if flags and action.nargs == 0 else str(action.metavar or choices or action.dest)
    if flags and not action.metavar and not choices:
        value = value.upper()
    text = escape((action.help or "") % vars(action), quote=False).replace("|", "&#124;")
    required = "; required" if flags and action.required else ""
    return f"| `{f'{flags} {value}'.strip()}` | {text}{required} |"
