"""Bad input and its one line."""

from collections.abc import Callable
from typing import Any

import pytest

from gfmn.common.errors import InputError


def line(call: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    """The message of the InputError that a call ends in; it must be one line."""
    with pytest.raises(InputError) as caught:
        call(*arguments, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)
