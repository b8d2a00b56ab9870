"""Coroutine tests, and agents for them."""

import asyncio
import inspect
from pathlib import Path

import pytest

from tests.rigs.agent_rig import Rigs


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run coroutine tests of this folder, each in a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture
def rigs(data_dir: Path) -> Rigs:
    return Rigs(data_dir)
