"""A failure here may never come again: its report says what the product knew."""

from collections.abc import Generator
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    report = yield
    if call.when == "call" and report.failed:
        for name, given in getattr(item, "funcargs", {}).items():
            if account := getattr(given, "account", None):
                report.sections.append((f"what `{name}` knew", account()))
    return report
