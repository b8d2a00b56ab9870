"""All ways to type into a session, by name."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from agent.backends.backend import Backend
from agent.backends.claude.headless import HeadlessBackend
from agent.backends.command import CommandBackend
from agent.backends.observed import ObservedBackend
from agent.backends.pty import PtyBackend
from agent.backends.terminals.nvim import NvimBackend
from agent.backends.terminals.tmux import TmuxBackend
from agent.domain.session import MAX_HEADLESS


def backends(
    environ: Mapping[str, str] = MappingProxyType({}), most: int = MAX_HEADLESS, trusted: Sequence[Path] = ()
) -> dict[str, Backend]:
    """One of each. `environ` is the agent's environment, of which the programs that it starts see a part.

    It runs `most` of them without a terminal at once; what folders bring along counts in `trusted` ones.
    """
    every: tuple[Backend, ...] = (
        TmuxBackend(),
        NvimBackend(),
        CommandBackend(environ),
        HeadlessBackend(environ, most=most, trusted=trusted),
        PtyBackend(),
        ObservedBackend(),
    )
    return {backend.name: backend for backend in every}
