"""The command `gfmn`: its table of commands, its help, its errors."""

import io
import json
import re
import subprocess
import sys
from importlib import import_module, metadata
from pathlib import Path

import pytest
from builders.commands import gfmn, refused

from gfmn import cli
from gfmn.inference.output import paint

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
    assert refused("--verson") == "error: no option '--verson'; did you mean '--version'?"


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        gfmn(name, "--help")
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: gfmn {name} ")
    for option in ("--quiet", "--verbose", "--no-color", "--version"):
        assert option in text
    assert ("\n  --json " in text) == (name not in cli.WITHOUT_JSON)
    assert f"examples:\n  gfmn {name}" in text


def test_commands_of_the_documentation_are_accepted() -> None:
    pages = [(ROOT / f"docs/{name}.md").read_text() for name in ("using", "own-images")]
    pages += cli.EXAMPLES.values()
    lines = [line.strip() for page in pages for line in page.splitlines()]
    lines = [part.strip() for line in lines for part in line.split("&&")]
    commands = [
        re.split(" #| > ", line)[0].split()[1:] for line in lines if line.startswith("gfmn ")
    ]
    assert {name for name, *_ in commands} == set(cli.COMMANDS)
    for name, *words in commands:
        assert cli.parse(name, words)
    assert cli.EXAMPLES.keys() == cli.COMMANDS.keys()


def test_options_may_stand_between_positional_arguments() -> None:
    arguments = cli.parse("export", ["model", "--values", "unit", "a.onnx"])
    assert (str(arguments.model), str(arguments.out)) == ("model", "a.onnx")


def test_unknown_option_is_one_line_with_a_suggestion() -> None:
    message = "error: gfmn sample: no option '--cuont'; did you mean '--count'?"
    assert refused("sample", "model", "--cuont=3") == message
    assert refused("run", "--forze").startswith("error: gfmn run: no option '--forze'; known: ")
    assert "--count: invalid int value: 'x'" in refused("sample", "m", "--out", "a", "--count", "x")
    assert refused("sample", "m").endswith("arguments are required: --out")


@pytest.mark.parametrize(
    "words", [("--json", "check"), ("check", "--json"), ("-q", "check", "--json")]
)
def test_flags_stand_before_or_after_the_command(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    gfmn(*words, "--study", ROOT)
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] and "kl_mmd" in found["runs"]


@pytest.mark.parametrize("has", [False, True])
def test_check_warns_of_bf16_where_the_processor_emulates_it(
    has: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gfmn.common.devices.has_bf16", lambda device: has)
    gfmn("check", "--study", ROOT / "studies/objectives")
    first, *others = capsys.readouterr().out.splitlines()
    assert ": ok, " in first
    found = [line.partition(": expected auto or fp32 on this machine")[0] for line in others]
    assert found == ([] if has else ["warning: extractors.trained.resnet18.precision"])


def test_quiet_prints_errors_alone(capsys: pytest.CaptureFixture[str]) -> None:
    gfmn("check", "--quiet", "--study", ROOT)
    assert capsys.readouterr() == ("", "")
    assert "no/params.yaml" in refused("check", "--quiet", "--study", "no")


def test_unexpected_error_is_one_line_and_verbose_says_where(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: object) -> str:
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr(import_module("gfmn.inference.check"), "run", fail)
    expected = "error: unexpected ZeroDivisionError: by zero; --verbose shows where"
    assert refused("check") == expected
    with pytest.raises(ZeroDivisionError):
        gfmn("check", "-v")


def test_color_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert paint("a", "red", Terminal()) == "\033[31ma\033[0m"
    assert paint("a", "red", io.StringIO()) == "a"
    monkeypatch.setenv("NO_COLOR", "")
    gfmn("check", "--no-color", "--study", ROOT)
    assert paint("a", "red", Terminal()) == "a"


def test_standard_output_is_not_shared_with_json() -> None:
    assert "--json: expected a file as --out" in refused("card", "x", "--out", "-", "--json")


@pytest.mark.parametrize("shell", cli.SHELLS.split(", "))
def test_completion_has_every_command_and_option(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    gfmn("completion", shell)
    text = capsys.readouterr().out
    for word in (*cli.COMMANDS, "completion", "--no-color", "--json", "--resize", "--quiet"):
        assert word.lstrip("-") in text, word
    assert "expected one of bash, zsh, tcsh" in refused("completion", "cmd")


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
