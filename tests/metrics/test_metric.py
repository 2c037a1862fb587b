"""Names of scores, and how their values are written."""

import json

from gfmn.metrics.metric import FeatureSpace, Metric, thousands
from gfmn.metrics.registry import MODULES

METRICS = {metric.name: metric for module in MODULES for metric in module.METRICS}


def test_score_name_is_fids_own_only_in_inceptions_space() -> None:
    space, canonical = FeatureSpace("lite2"), FeatureSpace("inception", canonical=True)
    names = [METRICS[name].score_name(space, 5000) for name in ("fd", "kd", "score", "recall")]
    assert names == ["fd_lite2_5k", "kd_lite2_5k", "score_lite2_5k", "recall_lite2_5k"]
    names = [METRICS[name].score_name(canonical, 50000) for name in ("score", "kd")]
    assert names == ["is_50k", "kid_50k"]
    assert METRICS["fd"].score_name(canonical, None) == "fid_inf"
    assert METRICS["precision"].score_name(canonical, 5000) == "precision_inception_5k"
    assert (thousands(50000), thousands(1797)) == ("50k", "1797")


def test_measurement_has_the_kind_and_title_of_its_space() -> None:
    metric = Metric("kd", "Kernel distance", "lower", inception=("kid", "KID"))
    for canonical, expected in ((False, ("kd", "Kernel distance")), (True, ("kid", "KID"))):
        score = metric.measurement(FeatureSpace("x", canonical), 5000, 1.0)
        assert (score.kind, score.title) == expected and score.count == 5000


def test_measurement_to_json_has_six_digits_and_nothing_absent() -> None:
    space = FeatureSpace("x")
    score = METRICS["score"].measurement(space, 5000, 1234.56789, 0.5, "10 splits").to_json()
    assert score == {"value": 1234.57, "std": 0.5, "over": "10 splits"}
    plain = METRICS["fd"].measurement(space, 5000, 2.0).to_json()
    assert json.loads(json.dumps(plain)) == {"value": 2.0}
