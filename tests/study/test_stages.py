"""Which stages are to build: those that changed, and what needs them."""

import json
from pathlib import Path

import pytest
from builders.commands import gfmn
from builders.project import done

from gfmn.common import parameters, paths
from gfmn.study import Study, check, stages


@pytest.fixture
def checked(study: Path) -> Study:
    path = study / "params.yaml"
    return check(parameters.read(path), str(path))


def write_parameters(study: Path, checked: Study) -> None:
    """As check-params does."""
    for name, values in checked.dependencies().items():
        file = study / paths.parameters(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))


def test_graph_has_every_stage_and_what_it_needs(study: Path) -> None:
    needs = stages.graph(study)
    assert needs.keys() == set(done(study, "stage", "list", "--name-only").split())
    assert {"extract-stats@images-vgg16-eval", "fetch-extractor@vgg16"} <= needs["train@fast"]
    gfmn("add", "run", "slow", "lr=0.001", "--study", study)
    targets = stages.targets(parameters.read(study / "params.yaml"), ["slow"])
    assert "train@fast" not in stages.graph(study, targets)


def test_changed_parameters_reach_what_needs_them(
    study: Path, checked: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = stages.graph(study)
    assert stages.to_build(study, checked, needs) == needs.keys()  # nothing is there yet
    write_parameters(study, checked)
    answer = stages._answer
    monkeypatch.setattr(
        stages,
        "_answer",
        lambda f, *w: '{"check-params": []}' if w[0] == "status" else answer(f, *w),
    )
    assert stages.to_build(study, checked, needs) == {"check-params"}
    path = study / "params.yaml"
    gfmn("add", "run", "slow", "lr=0.001", "--study", study)
    path.write_text(path.read_text().replace("steps: 1500", "steps: 20", 1))
    needs, checked = stages.graph(study), check(parameters.read(path), str(path))
    found = stages.to_build(study, checked, needs)
    assert {"train@fast", "sample@fast", "evaluate@fast-lite2", "train@slow"} <= found
    assert not {"prepare@images", "reference@images-lite2"} & found
