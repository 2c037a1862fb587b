"""The study `studies/paper` has the paper's rows: its features, networks, rates and seeds."""

import copy
from typing import Any

import pytest
from builders.project import ROOT, parameters

from gfmn.common.errors import InputError
from gfmn.common.runs import run_row
from gfmn.features.extractor import select_taps
from gfmn.networks import describe
from gfmn.reporting.paper import paper_tables
from gfmn.study import check

PAPER = parameters("studies/paper")
RUNS = {name: run_row(PAPER, name, "params.yaml")[0] for name in PAPER["runs"]}
TABLES = PAPER["report"]["tables"]
CLASSIFIERS = ("vgg19", "resnet18", "both")


def features(run: str) -> int:
    """How many features a run matches, from the shapes of its networks' taps alone."""
    row, extractors = RUNS[run], PAPER["extractors"]
    combined = extractors["combined"].get(row["extractor"])
    parts = combined["networks"] if combined else [row["extractor"]]
    size = PAPER["datasets"][row["dataset"]].get("image_size", 32)
    networks = {}
    for part in parts:
        trained = extractors["trained"][part]
        is_encoder = trained["task"] == "autoencoder"
        arguments = {"image_size": size, "latent": trained["latent"]} if is_encoder else {}
        networks[part] = describe(trained["architecture"], **arguments)
    names = {name: network.tap_names for name, network in networks.items()}
    selected = select_taps(names, row["taps"], run)
    return sum(
        channels * height * width
        for name, network in networks.items()
        for tap, (channels, height, width) in zip(
            network.tap_names, network.tap_shapes(size), strict=True
        )
        if tap in selected[name]
    )


@pytest.mark.parametrize("study", sorted(path.name for path in (ROOT / "studies").iterdir()))
def test_check_accepts_every_study(study: str) -> None:
    params = parameters(f"studies/{study}")
    check(params, "params.yaml")
    assert params["root"] == "../.."


def test_runs_of_tables_2_and_3_have_the_printed_number_of_features() -> None:
    published = paper_tables()
    for table in ("table2", "table3"):
        rows = {row["paper"]: run for run, row in TABLES[table]["rows"].items()}
        assert sorted(rows) == list(range(len(published[table])))
        for place, run in rows.items():
            printed = int(str(published[table][place]["paper_features"]).removesuffix("K"))
            assert features(run) // 1024 == printed, run


def test_vgg19_and_resnet18_leave_out_the_last_tap_of_resnet18() -> None:
    names = {n: describe(n).tap_names for n in ("vgg19_bn", "resnet18")}
    selected = select_taps(names, RUNS["both"]["taps"], "x")
    assert [len(taps) for taps in selected.values()] == [16, 16]
    assert "block4_2b" not in selected["resnet18"]
    assert features("both") == 851_968


def test_runs_have_the_papers_rates_minibatches_and_seeds() -> None:
    for name, run in RUNS.items():
        assert run["lr"] in (1e-4, 5e-5) and run["ama"]["rate"] in (5e-5, 1e-5)
        assert run["latent"] == 100 and run["batch"] == (512 if name == "ma512" else 64)
        assert run["lr"] == (1e-4 if run["extractor"] in CLASSIFIERS else 5e-5)
        assert len(run["seeds"]) == (5 if name == "both_resnet" else 1)
        assert run["objective"] == ("ma" if name.startswith("ma") else "ama")


def test_runs_follow_the_published_code_where_the_paper_is_silent() -> None:
    code = {"beta1": 0.5, "beta2": 0.999, "eps": 1e-8, "reduction": "mean", "init": "uniform"}
    for run in RUNS.values():
        assert code.items() <= run["ama"].items() and run["ama"]["normalize"] == "none"
        assert (run["beta1"], run["beta2"], run["batchnorm"]) == (0.5, 0.999, "batch")
        assert (run["warmup"], run["grad_clip_norm"], run["ema"]) == (0, 0.0, 0.0)
        assert run["lr_hold_fraction"] == 1.0
    assert all(row["batch"] == 64 for row in PAPER["statistics"].values())


def test_report_has_every_figure_and_the_rows_of_stl10() -> None:
    figures = PAPER["report"]["figures"]
    shown = {figures[name]["paper"]: figures[name]["runs"] for name in figures}
    seen = {
        figure: [(RUNS[run]["dataset"], RUNS[run]["extractor"], RUNS[run]["generator"])]
        for figure, (run, *_) in shown.items()
    }
    assert seen["figure3"] == [("celeba128", "vgg19", "resnet")]
    assert seen["figure5"] == [("celeba64", "faces_encoder", "dcgan")]
    assert [RUNS[run]["dataset"] for run in shown["figure2"]] == ["cifar10", "stl10", "bedrooms"]
    assert list(TABLES["figure4"]["rows"]) == ["ma64", "ma512", "ama64"]
    published = paper_tables()
    for table in ("table4_cifar10", "table4_stl10"):
        compared = [
            published[table][row["paper"]]["paper_row"] for row in TABLES[table]["rows"].values()
        ]
        assert compared == ["GFMN, VGG + ResNet", "GFMN, VGG + ResNet (ResNet G)"]
    stl10 = TABLES["table4_stl10"]["rows"]
    assert [RUNS[run]["generator"] for run in stl10] == ["dcgan", "resnet"]
    assert all(RUNS[run]["dataset"] == "stl10" for run in stl10)


def test_evaluations_score_every_run_in_two_spaces() -> None:
    scored = {(row["run"], row["evaluator"]) for row in PAPER["evaluations"].values()}
    assert scored == {(run, name) for run in RUNS for name in ("inception", "dinov2")}
    assert PAPER["metrics"]["counts"] == [5000, 50000]
    assert PAPER["sampling"]["count"] == 50000


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("both.weights", {"vgg16": 1.0}, "runs.both.weights: no 'vgg16'; did you mean 'vgg19'?"),
        ("both.weights", {"vgg19": -1.0}, "runs.both.weights.vgg19: expected greater than or"),
        ("vgg19.batchnorm", "eval", "statistics: no 'cifar10-vgg19-eval'"),
        ("vgg19.decoder", "resnet18", "runs.vgg19.decoder: no 'resnet18'; known: "),
        ("vgg19.decoder", "encoder", "expected dcgan, latent 100, 32 px, as the run has"),
        ("vgg19.taps", 0, "runs.vgg19.taps: expected 'all', the first n taps, the last n as -n"),
        ("vgg19.taps", -17, "runs.vgg19.taps: expected 1 to 16 taps"),
        ("encoder.dataset", "celeba64", "statistics: no 'celeba64-encoder-batch'"),
    ],
)
def test_check_refuses_runs_that_do_not_fit_in_one_line(path: str, value: Any, line: str) -> None:
    params = copy.deepcopy(PAPER)
    name, _, key = path.partition(".")
    params["runs"][name][key] = value
    with pytest.raises(InputError) as error:
        check(params, "params.yaml")
    assert line in str(error.value) and "\n" not in str(error.value)


def test_check_accepts_a_start_from_a_decoder_with_the_last_taps() -> None:
    params = copy.deepcopy(PAPER)
    params["runs"]["vgg19"] |= {"decoder": "encoder", "latent": 128, "taps": -4}
    check(params, "params.yaml")
