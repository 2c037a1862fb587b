"""`gfmn track`: what TensorBoard then has is what the study has."""

import json
from pathlib import Path

import numpy as np
import pytest
from builders.commands import gfmn, refused
from PIL import Image

from gfmn.commands import track


@pytest.fixture
def trained(study: Path) -> Path:
    """With the history, a grid and the scores of a run of 20 updates."""
    (study / "reports/history/fast").mkdir(parents=True)
    rows = ["step\timages\tlr\tloss\tgap", "10\t320\t0.01\t90\t1.5", "20\t640\t0.01\t30\t0.5"]
    (study / "reports/history/fast/seed-0.tsv").write_text("\n".join(rows) + "\n")
    (study / "reports/metrics").mkdir()
    (study / "reports/metrics/fast-lite2.json").write_text(json.dumps({"fd_lite2_5k": 321.0}))
    (study / "data/models/fast/seed-0/grids").mkdir(parents=True)
    grid = np.full((8, 8, 3), 128, np.uint8)
    Image.fromarray(grid).save(study / "data/models/fast/seed-0/grids/step-000020.png")
    return study


def test_tensorboard_has_histories_grids_and_scores(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    gfmn("track", trained, "--to", "tensorboard")
    assert capsys.readouterr().out.endswith("2 rows sent to tensorboard\n")
    events = EventAccumulator(str(trained / "data/tensorboard/fast-seed-0"))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss")] == [(10, 90), (20, 30)]
    assert [(e.step, e.value) for e in events.Scalars("gap")] == [(10, 1.5), (20, 0.5)]
    assert events.Scalars("fd_lite2_5k")[0].value == 321
    assert events.Images("samples")[0].step == 20


def test_follow_sends_each_row_once_until_interrupted(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sent: list[int] = []

    class Recorder:
        def __init__(self, *_: object) -> None: ...

        def numbers(self, _: object, step: int) -> None:
            sent.append(step)

        def close(self) -> None:
            sent.append(-1)

    looks = iter([True, True, False])

    def sleep(_: float) -> None:
        with (trained / "reports/history/fast/seed-0.tsv").open("a") as file:
            file.write(f"{10 * len(sent) + 10}\t0\t0\t0\t0\n40\t0")  # the last row is not whole
        if not next(looks):
            raise KeyboardInterrupt

    monkeypatch.setitem(track.TRACKERS, "tensorboard", Recorder)
    monkeypatch.setattr(track.time, "sleep", sleep)
    gfmn("track", trained, "--to", "tensorboard", "--follow")
    assert sent[:3] == [10, 20, 30] and sent[-1] == -1 and len(sent) == len(set(sent))


def test_study_without_histories_and_tracker_that_is_not_there_are_one_line(study: Path) -> None:
    message = refused("track", study, "--to", "tensorboard")
    assert message.endswith("expected histories of runs, found none")


def test_missing_tracker_names_what_installs_it(trained: Path) -> None:
    message = refused("track", trained, "--to", "trackio")
    assert message.endswith("pip install 'gfmn[trackio]'")
