"""The stage `evaluate-snapshots`: loss and distance by step, and their rank correlation."""

import json
from pathlib import Path
from typing import Any

import evaluate
import evaluate_snapshots
import pyarrow.parquet as pq
import pytest
import reference
import sample
import torch
from builders.extractor_files import line, record
from builders.generator_files import saved
from builders.score_files import read_record
from scipy.stats import spearmanr

from gfmn import generators, sources
from gfmn.common import paths, stage
from gfmn.networks.extractor_file import save_extractor

COUNT, SEEDS, STEPS = 60, (0, 7), (10, 20, 30, 40)
LOSSES = {10: 8.0, 15: 7.5, 20: 4.0, 30: 5.0, 40: 1.0}


@pytest.fixture(params=["running", "batch"])
def study(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """A study of digits with a run of two seeds and four snapshots, sampled and scored."""
    monkeypatch.chdir(tmp_path)
    row = {"source": "digits", "image_size": 32, "count": 120}
    sources.prepare(sources.parse(row, "digits"), "digits", paths.prepared("digits"))
    save_extractor(paths.evaluator("net"), [record("net")])
    paths.model("a").mkdir(parents=True)
    paths.history("a").mkdir(parents=True)
    for seed in SEEDS:
        write_run(seed)
    pair = {"dataset": "digits", "evaluator": "net"}
    params = {
        "references": {"digits-net": {**pair, "held_out": "digits"}},
        "evaluations": {"a-net": {**pair, "run": "a"}},
        "snapshots": {"a-net": {**pair, "run": "a", "count": COUNT}},
        "sampling": {"count": COUNT, "seed": 5, "batchnorm": request.param},
    }
    Path("params.yaml").write_text(json.dumps(params))
    stage.write_json(paths.parameters("sampling/a"), params["sampling"])
    reference.main("digits-net")
    return params


def write_run(seed: int) -> None:
    """A seed's generator, four of its training, farther from it the earlier, and its losses."""
    generator, folder = saved(paths.model("a", seed)), paths.model("a", seed)
    torch.manual_seed(seed)
    noise = {key: torch.randn(value.shape) for key, value in generator.named_parameters()}
    weights = {key: value.detach().clone() for key, value in generator.named_parameters()}
    (folder / "snapshots").mkdir()
    for step in STEPS:
        scale = (STEPS[-1] - step) / 200
        with torch.no_grad():
            for key, value in generator.named_parameters():
                value.copy_(weights[key] + scale * noise[key])
        generators.save(generator, folder / f"snapshots/step-{step:06d}.safetensors")
    rows = "".join(f"{step}\t{8 * step}\t0.1\t{loss}\n" for step, loss in LOSSES.items())
    paths.history("a", seed).write_text(f"step\timages\tlr\tloss\n{rows}")


def test_last_snapshot_has_the_distance_of_the_ordinary_evaluation(study: dict[str, Any]) -> None:
    sample.main("a")
    evaluate.main("a-net")
    evaluate_snapshots.main("a-net")
    rows = pq.read_table(paths.scores("snapshots-a-net")).to_pylist()
    assert [(row["seed"], row["step"]) for row in rows] == [(k, n) for k in SEEDS for n in STEPS]
    assert all(row["loss"] == LOSSES[row["step"]] and row["count"] == COUNT for row in rows)
    for seed in read_record(paths.scores("a-net"))["seeds"]:
        found = [row["distance"] for row in rows if row["seed"] == seed["seed"]]
        assert found[-1] == pytest.approx(seed["scores"]["fd_net_60"]["value"], rel=1e-5)
        assert len(set(found)) == len(STEPS)


def test_stage_writes_the_rank_correlation_of_every_seed_and_their_mean(
    study: dict[str, Any],
) -> None:
    evaluate_snapshots.main("a-net")
    path = paths.scores("snapshots-a-net")
    rows = pq.read_table(path).to_pylist()
    expected = {}
    for seed in SEEDS:
        own = [row for row in rows if row["seed"] == seed]
        expected[str(seed)] = spearmanr(
            [row["loss"] for row in own], [row["distance"] for row in own]
        ).statistic
    summary = json.loads(paths.metrics("snapshots-a-net").read_text())
    assert summary["rank_correlation_by_seed"] == pytest.approx(expected, abs=1e-5)
    assert summary["rank_correlation"] == pytest.approx(sum(expected.values()) / 2, abs=1e-5)
    assert summary["snapshots"] == len(STEPS)
    facts = json.loads(pq.read_schema(path).metadata[b"gfmn"])
    assert (
        facts["sampling"] == {**study["sampling"], "truncation": 0} and facts["n_reference"] == 120
    )
    assert (facts["run"], facts["evaluator"], facts["score"]) == ("a", "net", "fd_net_60")
    before = path.read_bytes()
    evaluate_snapshots.main("a-net")
    assert path.read_bytes() == before
    left = [path for path in paths.scratch().iterdir() if path.suffix != ".lock"]
    assert not left  # nothing of the samples stays


def test_missing_snapshots_and_losses_are_a_one_line_error(study: dict[str, Any]) -> None:
    history = paths.history("a", 7)
    history.write_text(history.read_text().replace("30\t240", "31\t248"))
    message = line(evaluate_snapshots.main, "a-net")
    assert message == "reports/history/a/seed-7.tsv: expected a row of step 30, found none"
    for path in paths.snapshot_files("a", 0).values():
        path.unlink()
    message = line(evaluate_snapshots.main, "a-net")
    folder = "data/models/a/seed-0/snapshots"
    assert message == f"{folder}: expected generators step-<n>.safetensors, found none"
