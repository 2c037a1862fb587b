"""Tests of networks run without the compiler; what it changes is tested in other processes."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest


@pytest.fixture(autouse=True)
def eager() -> Iterator[None]:
    with patch("gfmn.common.compiling.compiler_present", lambda: False):
        yield
