"""Parameters of pretrainings."""

from typing import Any

import pytest
from builders.pretraining import CLASSIFIER

from gfmn import pretraining
from gfmn.common.errors import InputError


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"task": "clasifier"}, "x.task: no 'clasifier'; did you mean 'classifier'?"),
        ({"architecture": "vgg16"}, "x.architecture: expected 'vgg11_bn'"),
        ({"holdout": 0}, "x.holdout: expected greater than 0"),
        ({"steps": 3}, "x.steps: unknown key"),
    ],
)
def test_wrong_parameter_is_one_line(change: dict[str, Any], part: str) -> None:
    with pytest.raises(InputError) as error:
        pretraining.parse({**CLASSIFIER, **change}, "x")
    assert part in str(error.value)
