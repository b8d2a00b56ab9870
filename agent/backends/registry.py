"""All ways to type into a session, by name."""

from collections.abc import Mapping
from types import MappingProxyType

from agent.backends.backend import Backend
from agent.backends.command import CommandBackend
from agent.backends.headless import HeadlessBackend
from agent.backends.hooks import HooksBackend
from agent.backends.nvim import NvimBackend
from agent.backends.pty import PtyBackend
from agent.backends.tmux import TmuxBackend


def backends(environ: Mapping[str, str] = MappingProxyType({})) -> dict[str, Backend]:
    """One of each. `environ` is the agent's environment, of which the programs that it starts see a part."""
    every: tuple[Backend, ...] = (
        TmuxBackend(),
        NvimBackend(),
        CommandBackend(environ),
        HeadlessBackend(environ),
        PtyBackend(),
        HooksBackend(),
    )
    return {backend.name: backend for backend in every}
