"""The command `gfmn`.

A command is a module with `add_arguments(parser)` and `run(arguments)`, which returns a `Result`
(or its text alone). It is imported when the command is called and not before: torch takes seconds
to import.
"""

import argparse
import errno
import json
import os
import sys
from contextlib import ExitStack, redirect_stderr
from importlib import import_module, metadata
from itertools import takewhile
from pathlib import Path
from typing import NoReturn

from gfmn.commands.table import COMMANDS, EXAMPLES, WITHOUT_JSON
from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.inference.extras import optional_packages
from gfmn.inference.output import STDOUT, Result, paint

SHELLS = "bash, zsh, tcsh"
FLAGS = {  # of every command, before or after its name
    ("-q", "--quiet"): "nothing but errors, and what --json asks for",
    ("-v", "--verbose"): "more: what DVC says, where an unexpected error was",
    ("--no-color",): "no colors; so does NO_COLOR in the environment",
}
JSON = "--json"
NOTES = f"""\
MODEL is the folder of a trained seed, data/models/<run>/seed-<k>, or that of a run with one seed.
Existing files are overwritten only with --force; --out - writes to standard output.
Every command takes {", ".join(flags[-1] for flags in FLAGS)}, and {JSON} where it has a result.
Completion: `gfmn completion bash > ~/.local/share/bash-completion/completions/gfmn` (zsh, tcsh).
"""


class Parser(argparse.ArgumentParser):
    """One whose errors are a line, as all others."""

    def error(self, message: str) -> NoReturn:
        """Raise `InputError`."""
        raise InputError(f"{self.prog}: {message}")


def main(words: list[str] | None = None) -> None:
    """Run the command line; bad input is one line on standard error and exit code 1."""
    words = sys.argv[1:] if words is None else words
    known = [JSON, *(flag for flags in FLAGS for flag in flags)]
    flags = [*takewhile(known.__contains__, words)]
    name, *rest = words[len(flags) :] or ["--help"]
    rest = [*flags, *rest] if name in COMMANDS else rest
    try:
        if nul := next((word for word in (name, *rest) if "\0" in word), None):
            raise InputError(f"expected arguments without NUL characters, found {nul!r:.100}")
        if name in ("-h", "--help", "help"):
            print(help_text())
        elif name == "--version":
            print(version())
        elif name in ("completion", "stage", *COMMANDS):
            with optional_packages(f"gfmn {name}"):
                dispatch(name, rest)
        elif name.startswith("-"):
            hint = suggest(name, ["--help", "--version", *known])
            raise InputError(f"no option {name!r}; {hint}")
        else:
            raise InputError(f"no command {name!r}; {suggest(name, [*COMMANDS, 'completion'])}")
    except InputError as error:
        sys.exit(f"{paint('error:', 'red', sys.stderr)} {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # of `gfmn compare A B | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if name == "stage" or {"-v", "--verbose"} & {*rest}:
            raise
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:  # of any path
            found = f"{error.filename}: expected shorter names, found: {error.strerror}"
        else:
            found = " ".join(f"unexpected {type(error).__name__}: {error}".split())
            found += "; --verbose shows where"
        sys.exit(f"{paint('error:', 'red', sys.stderr)} {found}")


def dispatch(name: str, words: list[str]) -> None:
    """Run what is no help: a command, `completion`, or `stage`, which a study's dvc.yaml calls."""
    if name == "completion":
        print(completion(*words))
    elif name == "stage":
        import_module("gfmn.common.scripts").run_stage(words)
    else:
        call(name, parse(name, words))


def call(name: str, arguments: argparse.Namespace) -> None:
    """Run a command and print what it returns."""
    if arguments.no_color:
        os.environ["NO_COLOR"] = "1"
    with ExitStack() as stack:
        if arguments.quiet:  # progress too
            stack.enter_context(redirect_stderr(stack.enter_context(Path(os.devnull).open("w"))))
        answer = import_module(COMMANDS[name][1]).run(arguments)
    text, data = answer if isinstance(answer, Result) else Result(answer, None)
    asked = getattr(arguments, "json", False)
    if asked and data is not None:
        text = json.dumps(data, indent=2)
    if text and (asked or not arguments.quiet):
        print(text, file=sys.stderr if _writes_stdout(arguments) else sys.stdout)


def parse(name: str, words: list[str]) -> argparse.Namespace:
    """The arguments of a command; options may stand between its positional arguments."""
    parser = Parser(
        prog=f"gfmn {name}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    fill(parser, name)
    known = parser._option_string_actions
    for word in takewhile("--".__ne__, words):
        option = word.partition("=")[0]
        if option.startswith("--") and option not in known:
            raise InputError(f"gfmn {name}: no option {option!r}; {suggest(option, known)}")
    arguments = parser.parse_intermixed_args(words)
    if getattr(arguments, "json", False) and _writes_stdout(arguments):
        raise InputError(f"{JSON}: expected a file as --out, found -, which is standard output too")
    return arguments


def _writes_stdout(arguments: argparse.Namespace) -> bool:
    return getattr(arguments, "out", None) == STDOUT


def fill(parser: argparse.ArgumentParser, name: str) -> None:
    """A command's own arguments, those of all commands, and its examples."""
    what, module = COMMANDS[name]
    import_module(module).add_arguments(parser)
    parser.description = parser.description or f"{what[0].upper()}{what[1:]}."
    lines = "".join(f"\n  {line}" for line in EXAMPLES[name].splitlines())
    parser.epilog = f"{parser.epilog or ''}\nexamples:{lines}\n".lstrip("\n")
    add_flags(parser)
    if name not in WITHOUT_JSON and JSON not in parser._option_string_actions:
        parser.add_argument(JSON, action="store_true", help="the result for programs, as JSON")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The options of all commands."""
    for names, text in FLAGS.items():
        parser.add_argument(*names, action="store_true", help=text)
    parser.add_argument("--version", action="version", version=version(), help="the version")


def version() -> str:
    """The installed one."""
    return f"gfmn {metadata.version('gfmn')}"


def completion(shell: str = "", *more: str) -> str:
    """A shell's completion of all commands and options, to be sourced."""
    import shtab

    if shell not in shtab.SUPPORTED_SHELLS or more:
        raise InputError(f"gfmn completion: expected one of {SHELLS}, found {shell!r}")
    parser = argparse.ArgumentParser(prog="gfmn")
    add_flags(parser)
    commands = parser.add_subparsers()
    for name, (what, _) in COMMANDS.items():
        fill(commands.add_parser(name, help=what), name)
    shells = commands.add_parser("completion", help="a shell's completion")
    shells.add_argument("shell", choices=SHELLS.split(", "))
    return str(shtab.complete(parser, shell))


def help_text() -> str:
    """What `gfmn --help` prints."""
    width = max(map(len, COMMANDS))
    rows = "\n".join(f"  {name:{width}}  {what}" for name, (what, _) in COMMANDS.items())
    examples = "\n".join(f"  {lines.splitlines()[0]}" for lines in EXAMPLES.values())
    return (
        "usage: gfmn COMMAND ...; gfmn COMMAND --help; gfmn --version\n\n"
        f"Generative Feature Matching Networks.\n\ncommands:\n{rows}\n\n"
        f"examples:\n{examples}\n\n{NOTES}"
    )
