"""`gfmn doctor`: what is there and what is missing, as text and as JSON."""

import json

import pytest
from builders.commands import gfmn

from gfmn.commands import doctor


def test_finds_what_this_machine_has(capsys: pytest.CaptureFixture[str]) -> None:
    gfmn("doctor", "--json")
    found = {one["subject"]: one for one in json.loads(capsys.readouterr().out)}
    assert found["python"]["state"] == found["torch"]["state"] == "ok"
    assert {"cores", "bf16", "memory", "disk", "GPU", "git"} <= found.keys()
    gfmn("doctor")
    assert len(capsys.readouterr().out.splitlines()) == len(found)


def test_missing_extra_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "EXTRAS", {"onnx": "no_such_module"})
    gfmn("doctor")
    assert "optional  onnx       not installed: pip install 'gfmn[onnx]'" in capsys.readouterr().out
