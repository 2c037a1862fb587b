"""The study `studies/paper` has the paper's rows: its features, networks, rates and seeds."""

import copy
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from gfmn.common.errors import InputError
from gfmn.features.extractor import select_taps
from gfmn.networks import describe
from gfmn.reporting.paper import paper_tables
from gfmn.study import check

STUDIES = Path(__file__).resolve().parents[2] / "studies"
PAPER: dict[str, Any] = YAML(typ="safe").load((STUDIES / "paper/params.yaml").read_text())
RUNS, TABLES = PAPER["runs"], PAPER["report"]["tables"]
CLASSIFIERS = ("vgg19", "resnet18", "both")


def features(run: str) -> int:
    """How many features a run matches, from the shapes of its networks' taps alone."""
    row, extractors = RUNS[run], PAPER["extractors"]
    parts = extractors["bundled"].get(row["extractor"], {"only": row["extractor"]}).values()
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


@pytest.mark.parametrize("study", sorted(path.name for path in STUDIES.iterdir()))
def test_every_study_is_accepted_and_shares_the_pipeline(study: str) -> None:
    params = YAML(typ="safe").load((STUDIES / study / "params.yaml").read_text())
    check(params, "params.yaml")
    assert params["root"] == "../.."
    copy, shared = STUDIES / study / "dvc.yaml", STUDIES.parent / "dvc.yaml"
    assert not copy.is_symlink() and copy.read_bytes() == shared.read_bytes()


def test_every_row_of_tables_2_and_3_has_a_run_of_as_many_features_as_the_paper_prints() -> None:
    published = paper_tables()
    for table in ("table2", "table3"):
        rows = {row["paper"]: run for run, row in TABLES[table]["rows"].items()}
        assert sorted(rows) == list(range(len(published[table])))
        for place, run in rows.items():
            printed = int(str(published[table][place].features).removesuffix("K"))
            assert features(run) // 1024 == printed, run


def test_the_papers_pair_leaves_out_resnet18s_last_tap() -> None:
    names = {n: describe(n).tap_names for n in ("vgg19_bn", "resnet18")}
    selected = select_taps(names, RUNS["both"]["taps"], "x")
    assert [len(taps) for taps in selected.values()] == [16, 16]
    assert "block4_2b" not in selected["resnet18"]
    assert features("both") == 851_968


def test_rates_minibatches_and_seeds_are_the_papers() -> None:
    for name, run in RUNS.items():
        assert run["lr"] in (1e-4, 5e-5) and run["ama"]["rate"] in (5e-5, 1e-5)
        assert run["latent"] == 100 and run["batch"] == (512 if name == "ma512" else 64)
        assert run["lr"] == (1e-4 if run["extractor"] in CLASSIFIERS else 5e-5)
        assert len(run["seeds"]) == (5 if name == "both_resnet" else 1)
        assert run["objective"] == ("ma" if name.startswith("ma") else "ama")


def test_what_the_paper_leaves_open_is_as_in_its_published_code() -> None:
    code = {"beta1": 0.5, "beta2": 0.999, "eps": 1e-8, "reduction": "mean", "initial": "uniform"}
    for run in RUNS.values():
        assert code.items() <= run["ama"].items() and run["ama"]["units"] == "feature"
        assert (run["beta1"], run["beta2"], run["batchnorm"]) == (0.5, 0.999, "batch")
        assert (run["warmup"], run["hold"], run["clip"], run["ema"]) == (0, 1.0, 0.0, 0.0)
    assert all(row["batch"] == 64 for row in PAPER["statistics"].values())


def test_every_figure_and_the_rows_of_stl10_are_there() -> None:
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
        beside = [published[table][row["paper"]].label for row in TABLES[table]["rows"].values()]
        assert beside == ["GFMN, VGG + ResNet", "GFMN, VGG + ResNet (ResNet G)"]
    stl10 = TABLES["table4_stl10"]["rows"]
    assert [RUNS[run]["generator"] for run in stl10] == ["dcgan", "resnet"]
    assert all(RUNS[run]["dataset"] == "stl10" for run in stl10)


def test_every_run_is_scored_in_inceptions_space_and_in_another() -> None:
    scored = {(row["run"], row["evaluator"]) for row in PAPER["evaluations"].values()}
    assert scored == {(run, eye) for run in RUNS for eye in ("inception", "dinov2")}
    assert PAPER["metrics"]["counts"] == [5000, 50000]
    assert all(run["sample"]["count"] == 50000 for run in RUNS.values())


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
def test_what_does_not_fit_is_one_line(path: str, value: Any, line: str) -> None:
    params = copy.deepcopy(PAPER)
    name, _, key = path.partition(".")
    params["runs"][name][key] = value
    with pytest.raises(InputError) as error:
        check(params, "params.yaml")
    assert line in str(error.value) and "\n" not in str(error.value)


def test_a_run_can_start_from_a_decoder_and_match_the_last_taps_alone() -> None:
    params = copy.deepcopy(PAPER)
    params["runs"]["vgg19"] |= {"decoder": "encoder", "latent": 128, "taps": -4}
    check(params, "params.yaml")
