"""The command `gfmn`: its table of commands, its help, its errors."""

import subprocess
import sys
from importlib import import_module, metadata
from pathlib import Path

import pytest
from builders.commands import gfmn, refused

from gfmn import cli

ROOT = Path(__file__).resolve().parents[1]


def test_script_gfmn_is_this_command() -> None:
    (script,) = metadata.entry_points(group="console_scripts", name="gfmn")
    assert script.load() is cli.main


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_lists_every_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    gfmn(*words)
    text = capsys.readouterr().out
    for name, (what, _) in cli.COMMANDS.items():
        assert f"\n  {name} " in text and what in text


def test_help_and_unknown_commands_do_not_import_torch() -> None:
    code = "import sys; from gfmn.cli import main\ntry: main(sys.argv[1:])\n"
    code += "finally: assert 'torch' not in sys.modules, 'torch'"
    for word, status in (("--help", 0), ("--version", 0), ("sampel", 1)):
        command = [sys.executable, "-c", code, word]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == status and "AssertionError" not in done.stderr


def test_module_is_the_same_command() -> None:
    command = [sys.executable, "-m", "gfmn", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == f"gfmn {metadata.version('gfmn')}\n"


def test_unknown_command_is_one_line_with_a_suggestion() -> None:
    assert refused("sampel") == "error: no command 'sampel'; did you mean 'sample'?"
    assert "error: no command '--sample'; " in refused("--sample")


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        gfmn(name, "--help")
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: gfmn {name} ")


def test_commands_of_the_documentation_are_accepted() -> None:
    pages = [(ROOT / f"docs/{name}.md").read_text() for name in ("using", "own-images")]
    pages.append(cli.EXAMPLES)
    lines = [line.strip() for page in pages for line in page.splitlines()]
    lines = [part.strip() for line in lines for part in line.split("&&")]
    commands = [line.split("#")[0].split()[1:] for line in lines if line.startswith("gfmn ")]
    assert {name for name, *_ in commands} == set(cli.COMMANDS)
    for name, *words in commands:
        assert cli.parse(name, words)


def test_options_may_stand_between_positional_arguments() -> None:
    arguments = cli.parse("export", ["model", "--values", "unit", "a.onnx"])
    assert (str(arguments.model), str(arguments.out)) == ("model", "a.onnx")


def test_interrupt_and_closed_pipe_end_without_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(import_module("gfmn.inference.check"), "run", interrupt)
    with pytest.raises(SystemExit) as ended:
        gfmn("check")
    assert ended.value.code == 130
    # A text longer than the buffer of a pipe, whose reader has gone.
    code = "from gfmn import cli; cli.help_text = lambda: 'x\\n' * 99999; cli.main([])"
    command = f'{sys.executable} -c "{code}" | head -n 1'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "x\n" and not done.stderr
