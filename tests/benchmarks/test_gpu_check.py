"""The command: all parts on a CPU, the report, limits, and what a broken part does to them."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

from benchmarks.gpu_check import __main__ as command
from benchmarks.gpu_check import parts
from benchmarks.gpu_check.check import Check, expect
from benchmarks.gpu_check.parts import PARTS, in_own_process, in_this_process
from benchmarks.gpu_check.setting import Setting


def test_all_parts_pass_on_a_cpu(tmp_path: Path) -> None:
    words = ["--device", "cpu", "--quick", "--minutes", "0.05", "--out", str(tmp_path)]
    with pytest.raises(SystemExit) as ended:
        command.main(words, launch=in_this_process)
    report = json.loads((tmp_path / "report.json").read_text())
    results = {
        f"{name}: {check['text']}": check["status"]
        for name, part in report["parts"].items()
        for check in part["checks"]
    }
    skipped = [text for text, status in results.items() if status == "SKIP"]
    assert "FAIL" not in results.values(), results
    assert ended.value.code == 0 and report["passed"]
    assert report["parts"].keys() == PARTS.keys()
    assert "graphs: CUDA graphs need a GPU" in skipped
    assert any("kernels run eagerly" in text for text in skipped)
    assert any("RANDOM weights" in text for text in results)
    for objective in ("moment_matching", "ama"):  # real images on the left, samples on the right
        with Image.open(tmp_path / f"{objective}.png") as image:
            assert image.size == (8 * 32 + 16 + 8 * 32, 8 * 32)


def test_without_a_gpu_one_line_says_what_runs_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit) as ended:
        command.main(["--out", str(tmp_path / "out")])
    line = str(ended.value.code)
    assert "\n" not in line and "found none" in line and "`--device cpu`" in line
    assert not (tmp_path / "out").exists()


def test_missing_weights_are_one_line_and_no_other_part_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--device", "cpu", "--quick", "--out", str(tmp_path), "--weights", "no.ckpt"]
    with pytest.raises(SystemExit) as ended:
        command.main(words, launch=in_this_process)
    assert ended.value.code == 1
    output = capsys.readouterr().out.splitlines()
    assert "FAIL  inputs     no.ckpt: expected a file of weights, found: No such file" in output[-2]
    assert "not run: agreement, graphs, speed, resume, training" in output[-1]
    assert not json.loads((tmp_path / "report.json").read_text())["passed"]


@pytest.mark.parametrize("minutes", [0.1, 1, 5])
def test_all_parts_end_in_time_even_if_each_hangs(minutes: float) -> None:
    elapsed = 0.0
    for name in PARTS:
        elapsed += max(0.0, command.limit(name, minutes, elapsed))
    assert elapsed <= 60 * minutes + 290
    # Where none takes longer than half of its limit, the training has all of its minutes.
    used = sum(command.LIMITS.values()) / 2
    assert command.limit("training", minutes, used) >= 60 * minutes + command.STARTING


def test_part_without_time_or_without_a_result_fails(tmp_path: Path) -> None:
    setting = Setting(out=str(tmp_path))
    passing = [expect(True, "fine")]
    assert command.run_part("speed", setting, 60, lambda *_: passing) == passing
    for seconds, results in ((2.0, passing), (60.0, [])):
        found = command.run_part("speed", setting, seconds, lambda *_, r=results: r)
        assert command.failed(found)


def test_exception_fails_its_part_and_keeps_what_was_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(setting: Setting, deadline: float) -> Iterator[Check]:
        yield expect(True, "before")
        raise RuntimeError("CUDA error: an illegal memory access\nmore")

    monkeypatch.setitem(PARTS, "speed", broken)
    results = in_this_process("speed", Setting(out=str(tmp_path)), 60)
    assert [result.status for result in results] == ["PASS", "FAIL"]
    assert results[1].text == "RuntimeError: CUDA error: an illegal memory access"


@pytest.mark.parametrize(("code", "text"), [(None, "did not end within 60 s"), (-11, "code -11")])
def test_part_that_hangs_or_crashes_fails(
    code: int | None, text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    setting = Setting(out=str(tmp_path))

    def run(command: list[str], seconds: float, log: Path) -> int | None:
        parts.show("speed", setting, expect(True, "before"))
        return code

    monkeypatch.setattr(parts, "run", run)
    results = in_own_process("speed", setting, 60)
    assert [result.status for result in results] == ["PASS", "FAIL"] and text in results[1].text


def test_process_is_ended_at_its_limit(tmp_path: Path) -> None:
    start = time.monotonic()
    hanging = [sys.executable, "-c", "import time; time.sleep(600)"]
    assert parts.run(hanging, 0.2, tmp_path / "log") is None
    assert time.monotonic() - start < 60
    assert parts.run([sys.executable, "-c", "raise SystemExit(3)"], 60, tmp_path / "log") == 3
