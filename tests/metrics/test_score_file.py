"""A file of scores: the same bytes for the same scores, read back as it was written."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gfmn.common.errors import InputError
from gfmn.metrics import score_file
from gfmn.metrics.evaluation import EvaluationResult
from gfmn.metrics.metric import FeatureSpace, Metric
from gfmn.metrics.registry import MODULES
from gfmn.reporting.records import RunScores
from gfmn.reporting.score_files import COLUMNS, read_frame

SPACE = FeatureSpace("net")
FD, INFINITY, SCORE = (module.METRICS[0] for module in MODULES[:3])
FACTS = {
    **{"run": "a", "dataset": "photos", "evaluator": "net", "evaluator_digest": "cd"},
    **{"architecture": "vgg16", "resizer": "none", "canonical": False, "in_domain": False},
    **{"n_generated": 400, "n_reference": 900, "settings": {"counts": [400]}},
    "sampling": {"count": 400, "seed": 3, "batchnorm": "batch"},
}


def result(value: float) -> EvaluationResult:
    scores = [
        FD.measurement(SPACE, 400, value),
        INFINITY.measurement(SPACE, None, value / 3, over="8 sizes from 200"),
        SCORE.measurement(SPACE, 400, 9.5, 0.1, "10 splits"),
    ]
    classes = {"names": ["a", "b"], "real": [0.5, 0.5], "generated": [0.25, 0.75]}
    return EvaluationResult({score.name: score for score in scores}, classes)


def write(path: Path) -> Path:
    score_file.write(path, FACTS, {0: result(1 / 3), 4: result(12345.678)})
    return path


def test_score_file_has_a_row_for_each_seed_and_score(tmp_path: Path) -> None:
    rows = pq.read_table(write(tmp_path / "scores/a.parquet")).to_pylist()
    assert [(row["run"], row["seed"], row["score"]) for row in rows] == [
        ("a", seed, name)
        for seed in (0, 4)
        for name in ("fd_net_400", "fd_net_inf", "score_net_400")
    ]
    assert rows[0] == {
        **{"run": "a", "seed": 0, "score": "fd_net_400", "value": 0.333333, "deviation": None},
        **{"over": None, "kind": "fd", "count": 400, "title": "Fréchet distance"},
        **{"direction": "lower", "decimals": None, "main": True, "order": 0},
    }
    assert rows[1]["count"] is None and rows[2]["decimals"] == 2 and rows[3]["value"] == 12345.7


def test_score_file_has_the_same_bytes_for_the_same_scores(tmp_path: Path) -> None:
    a, b = (write(tmp_path / name).read_bytes() for name in ("a.parquet", "b.parquet"))
    assert a == b


def test_record_has_the_facts_and_scores_that_were_written(tmp_path: Path) -> None:
    record = RunScores.parse(read_frame(write(tmp_path / "a.parquet"), COLUMNS), "$")
    assert (record.run, record.n, record.settings) == ("a", 400, {"counts": [400]})
    assert record.sampling.batchnorm == "batch"
    assert [seed.seed for seed in record.seeds] == [0, 4]
    scores = record.rows[record.rows["seed"] == 0].set_index("score")
    assert list(scores.index) == ["fd_net_400", "fd_net_inf", "score_net_400"]
    expected = (9.5, 0.1, "10 splits", "score", "higher", 2)
    keys = ["value", "std", "over", "kind", "direction", "decimals"]
    assert tuple(scores.loc["score_net_400", keys]) == expected
    assert record.seeds[1].classes is not None and record.seeds[1].classes.generated == (0.25, 0.75)


def test_every_column_but_the_run_is_read() -> None:
    assert set(score_file.SCHEMA.names) == {"run", *COLUMNS}


def test_another_parquet_file_is_a_one_line_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet")
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({}), path)
    with pytest.raises(InputError, match="expected a record of seeds in the metadata, found none"):
        read_frame(path, COLUMNS)
    pq.write_table(table.drop_columns(["direction"]), path)
    with pytest.raises(InputError, match=r"a\.parquet: expected a column 'direction', found run"):
        read_frame(path, COLUMNS)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(InputError, match=r"a\.parquet: expected parquet, found another or a brok"):
        read_frame(path, COLUMNS)


def test_order_is_that_of_the_metrics_name() -> None:
    extra = Metric("kd", "Kernel distance", "lower")
    orders = [score_file.row(m.measurement(SPACE, 5, 1.0))["order"] for m in (FD, INFINITY, extra)]
    assert orders == [0, 0, 2]
