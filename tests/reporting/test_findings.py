"""The findings: sentences that say what the tables say, and no more."""

import shutil
from pathlib import Path
from typing import Any

from builders.synthetic_report import (
    CONFIG,
    edit_scores,
    finished_report,
    make_report,
    report_of,
)
from builders.synthetic_study import folder_of, spaces

from gfmn.reporting.config import ReportConfig
from gfmn.reporting.findings import MOST, Finding, find
from gfmn.reporting.reading import read_study


def set_distances(folder: Path, run: str, values: dict[int, float]) -> None:
    """The distance of each seed of a run."""

    def change(record: dict[str, Any]) -> None:
        first = record["seeds"][0]
        score = first["scores"]["fd_lite2_5k"]
        record["seeds"] = [
            {
                **first,
                "seed": k,
                "scores": {**first["scores"], "fd_lite2_5k": {**score, "value": v}},
            }
            for k, v in values.items()
        ]

    edit_scores(folder, f"{run}-lite2", change)


def found(folder: Path) -> list[Finding]:
    report = make_report(folder, drawn=False)
    return find(report.study, report.tables)


def test_first_is_the_nearest_run_with_the_real_images_distance() -> None:
    report = finished_report()
    first, *others = find(report.study, report.tables)
    distances = {
        name: scores.means.loc["fd_lite2_5k", "value"]
        for name, run in report.study.runs.items()
        if (scores := run.scores("lite2"))
    }
    assert first.runs[0] == min(distances, key=lambda name: distances[name])
    assert "other real images have 20" in first.text and first.verdict == "one seed"
    assert 0 < len(others) < MOST


def test_there_are_at_most_five_each_with_a_section_of_the_page() -> None:
    report = finished_report()
    findings = find(report.study, report.tables)
    sections = {*CONFIG.tables, "training", "memorization"}
    assert 3 <= len(findings) <= MOST and {one.section for one in findings} <= sections
    assert all(
        set(one.runs) <= set(report.study.runs) and one.text.endswith(".") for one in findings
    )


def test_order_of_three_seeds_beyond_two_deviations_is_decided(tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    rows = {"taps3": {1: 100.0, 4: 102.0}, "taps1": {1: 150.0, 4: 152.0}}
    config = ReportConfig.parse(
        {"tables": {"t": {"title": "Layers", "rows": {"taps1": {}, "taps3": {}}}}}, "report"
    )
    sections = spaces()
    sections["runs"]["taps1"]["seeds"] = [1, 4]
    for run, values in rows.items():
        set_distances(folder, run, values)
    study = read_study(folder, config, **sections)
    report = report_of(study, drawn=False)
    (finding,) = [
        one for one in find(study, report.tables) if one.section == "t" and "Layers" in one.text
    ]
    assert finding.verdict == "decided" and finding.runs == ("taps3", "taps1")
    assert "taps3 is better than taps1 by 50" in finding.text
    # deviations of 1.414 each, 2 of the difference
    assert "n = 2 seeds each, 25.0 deviations" in finding.text


def test_order_of_one_seed_is_never_called_decided() -> None:
    report = finished_report()
    assert not [one for one in find(report.study, report.tables) if one.verdict == "decided"]


def test_nothing_is_found_without_scores_but_how_the_loss_fell(tmp_path: Path) -> None:
    assert found(tmp_path) == []
    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    shutil.rmtree(folder / "data/scores")
    assert [one.section for one in found(folder)] == ["training"]


def test_samples_near_their_training_images_are_called_copies(tmp_path: Path) -> None:
    def copies(record: dict[str, Any]) -> None:
        for seed in record["seeds"]:
            for key, score in seed["scores"].items():
                if key.startswith("memorised_lite2"):
                    score["value"] = 0.97

    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    edit_scores(folder, "moment_matching-lite2", copies)
    texts = [one.text for one in found(folder) if one.section == "memorization"]
    assert texts and "look like copies: memorized probability 0.97" in texts[0]
