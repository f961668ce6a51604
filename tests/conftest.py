"""What all tests share: the flag that renews golden files, and examples that are the same at every run.

``pytest --hypothesis-profile=default`` makes new examples each time: what a nightly job runs.
"""

from __future__ import annotations

import hypothesis
import pytest

hypothesis.settings.register_profile("repeatable", derandomize=True)
hypothesis.settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="write tests/golden anew from what is generated now")
