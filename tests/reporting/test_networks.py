"""Which networks a run matches, and how an evaluator is related to them."""

from typing import Any

import pytest
from builders.synthetic_report import CONFIG, report_of
from builders.synthetic_study import folder_of, spaces

from gfmn.reporting.networks import Networks, family
from gfmn.reporting.reading import read_study
from gfmn.reporting.tables.files import markdown_table

EXTRACTORS = {
    "fetched": {
        "vgg16": {"architecture": "vgg16", "source": {"sha256": "16"}},
        "lite0": {"architecture": "efficientnet_lite0", "source": {"sha256": "10"}},
    },
    "trained": {"resnet": {"architecture": "resnet18", "dataset": "d"}},
    "with_batchnorm": {"vgg16_bn": {"extractor": "vgg16", "dataset": "d"}},
    "combined": {
        "both": {"networks": ["vgg16", "lite0"]},
        "three": {"networks": ["both", "resnet"]},
    },
}
EVALUATORS = {
    "fetched": {
        "lite2": {"architecture": "efficientnet_lite2", "source": {"sha256": "12"}},
        "copy": {"architecture": "vgg16", "source": {"sha256": "16"}},
    },
    "from_extractor": {"own": {"extractor": "resnet"}},
}
NETWORKS = Networks(EXTRACTORS, EVALUATORS)


def run(extractor: str, **parameters: Any) -> dict[str, Any]:
    return {"extractor": extractor, **parameters}


def test_combined_extractor_is_all_of_its_networks() -> None:
    assert list(NETWORKS.matched(run("three"))) == ["vgg16", "lite0", "resnet"]
    assert list(NETWORKS.matched(run("both", weights={"lite0": 0.0}))) == ["vgg16"]
    assert NETWORKS.matched(run("unknown")) == {} == Networks().matched(run("vgg16"))


def test_network_with_inserted_batch_norm_is_the_published_one_of_another_architecture() -> None:
    (matched,) = NETWORKS.matched(run("vgg16_bn")).values()
    assert matched == {**EXTRACTORS["fetched"]["vgg16"], "architecture": "vgg16_bn"}
    assert NETWORKS.is_trained_on(run("vgg16_bn"), "copy")


@pytest.mark.parametrize(
    ("extractor", "evaluator", "expected"),
    [
        ("resnet", "own", True),
        ("three", "own", True),
        ("both", "own", False),
        ("both", "lite2", False),
        ("both", "copy", True),  # the same file, fetched twice
        ("resnet", "copy", False),
        ("three", "unknown", False),
    ],
)
def test_run_is_trained_on_an_evaluators_own_network(
    extractor: str, evaluator: str, expected: bool
) -> None:
    assert NETWORKS.is_trained_on(run(extractor), evaluator) is expected


@pytest.mark.parametrize(
    ("architecture", "expected"),
    [
        ("efficientnet_lite0", "efficientnet"),
        ("resnet18", "resnet"),
        ("timm:resnet50", "resnet"),
        ("vgg19_bn", "vgg"),
        ("timm:vit_large_patch14_dinov2", "vit"),
        ("inception_v3", "inception"),
    ],
)
def test_family_is_the_first_word_of_an_architecture(architecture: str, expected: str) -> None:
    assert family(architecture) == expected


def test_related_networks_are_of_the_evaluators_family_but_not_the_same() -> None:
    assert NETWORKS.related(run("both"), "lite2", "efficientnet_lite2") == [
        "lite0 (efficientnet_lite0)"
    ]
    assert NETWORKS.related(run("vgg16"), "lite2", "efficientnet_lite2") == []
    assert NETWORKS.related(run("both"), "copy", "vgg16") == []


def test_report_says_which_spaces_are_related_to_what_is_matched() -> None:
    extractors = {
        "fetched": {
            "vgg16": {"architecture": "vgg16"},
            "lite0": {"architecture": "lite0"},
        },
        "trained": {"encoder": {"architecture": "dcgan_encoder", "dataset": "photos"}},
        "combined": {"vgg16_lite0": {"networks": ["vgg16", "lite0"]}},
    }
    evaluators = {"from_extractor": {"own": {"extractor": "encoder"}}}
    study = read_study(
        folder_of(False), CONFIG, **spaces(), extractors=extractors, evaluators=evaluators
    )
    report = report_of(study, drawn=False)
    related = (
        "The space of lite2 (lite2) may favor vgg16_lite0, for lite0 (lite0) is of the same family"
    )
    own = "The space of own (classifier) flatters encoder, trained on this very network"
    text = markdown_table(study, report.tables["table2"], "t")
    assert f"{related}." in text and f"{own}." in text
    assert "| encoder (seed 1, flattered in own) |" in text
    assert report.page.count(f"{related}.") == 2  # below the table and below all scores
    assert related not in markdown_table(study, report.tables["table3"], "t")
    frame = report.tables["table2"].frame.set_index("run")["flattered"]
    assert dict(frame.dropna()) == {"encoder": "own"}
