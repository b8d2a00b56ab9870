"""All ways to type into a session: the one table of their names and traits."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from agent.backends.acp.backend import AcpBackend
from agent.backends.acp.table import KNOWN, Kind
from agent.backends.backend import Backends, Entry, Traits
from agent.backends.claude.container import Containers
from agent.backends.claude.headless import HeadlessBackend
from agent.backends.claude.launch import PROGRAM
from agent.backends.command import CommandBackend
from agent.backends.joined.backend import JoinedBackend
from agent.backends.joined.codex import Codex
from agent.backends.joined.opencode import OpenCode
from agent.backends.joined.talk import Kind as Joinable
from agent.backends.model.backend import NAME as MODEL
from agent.backends.model.backend import ModelBackend
from agent.backends.model.endpoint import Source
from agent.backends.model.history import Histories
from agent.backends.model.prompts import Prompts
from agent.backends.model.source import source
from agent.backends.observed import ObservedBackend
from agent.backends.programs import Places
from agent.backends.pty import PtyBackend
from agent.backends.record import Records
from agent.backends.terminals import nvim, tmux
from agent.backends.terminals.keyboard import Gone, Keyboard
from agent.backends.terminals.terminal import TerminalBackend
from agent.config import Model
from agent.domain.control import ControlKind
from agent.domain.session import MAX_HEADLESS, Session


def backends(
    environ: Mapping[str, str] = MappingProxyType({}),
    most: int = MAX_HEADLESS,
    trusted: Sequence[Path] = (),
    workers: Path | None = None,
    kinds: Mapping[str, Kind] = KNOWN,
    records: Path | None = None,
    containers: Containers | None = None,
    model: Model | None = None,
    histories: Path = Path("histories"),
    prompts: Path | None = None,
) -> Backends:
    """One of each. `environ` is the agent's environment, of which the programs that it starts see a part.

    It runs `most` of them without a terminal at once; what folders bring along counts in `trusted` ones. Their tokens
    are in `workers`. Beside Claude Code it runs the `kinds` that speak ACP, and writes down in `records` what they do.
    Sessions with the `model` alone are remembered in `histories`; what they and Claude Code are told first is in its
    owner's `prompts`.
    """
    places, told = Places(most), Prompts(prompts)
    acp = AcpBackend(environ, places=places, trusted=trusted, workers=workers, records=records, kinds=kinds)
    answers = source(model, environ, histories / "empty", places)
    keys: dict[str, TerminalBackend] = {"pane": tmux.TmuxBackend(), "socket": nvim.NvimBackend()}
    # The names are on disk and on the wire: a backend keeps its name for good.
    return Backends(
        {
            "tmux": Entry(keys["pane"], Traits(target_key="pane", screen=tmux.Pane)),
            "nvim": Entry(keys["socket"], Traits(target_key="socket", screen=nvim.Terminal)),
            "command": Entry(CommandBackend(environ, workers), Traits(target_key="command")),
            "headless": Entry(
                HeadlessBackend(
                    environ, places=places, trusted=trusted, workers=workers, containers=containers, told=told.of_work
                ),
                Traits(hosted=True, tells_states=True, agents=(PROGRAM,), title=lambda _: "Claude Code"),
            ),
            "acp": _speaking(acp, tuple(kinds)),
            "model": _asked(answers, Histories(histories), records, told),
            "codex": _joined(Codex(), keys, records),
            "opencode": _joined(OpenCode(), keys, records),
            "pty": Entry(PtyBackend(), Traits(attaches=True)),
            "hooks": Entry(ObservedBackend(), Traits(typed_into=False)),
        }
    )


def _speaking(acp: AcpBackend, kinds: tuple[str, ...]) -> Entry:
    """Coding agents that speak ACP."""
    traits = Traits(
        "agent",
        hosted=True,
        tells_states=True,
        agents=kinds,
        title=acp.title,
        modes=acp.modes,
        controls=(ControlKind.INTERRUPT, ControlKind.MODEL),
    )
    return Entry(acp, traits)


def _asked(answers: Source | None, histories: Histories, records: Path | None, prompts: Prompts) -> Entry:
    """A model that is asked without a program between."""
    backend = ModelBackend(answers, histories, records, prompts.of)
    traits = Traits(
        "agent",
        hosted=True,
        tells_states=True,
        in_folder=False,
        agents=(MODEL,),
        title=lambda _: backend.title,
        modes=lambda _: (),
        controls=(ControlKind.INTERRUPT, ControlKind.CLEAR),
    )
    return Entry(backend, traits)


def _joined(kind: Joinable, keys: Mapping[str, TerminalBackend], records: Path | None) -> Entry:
    """A coding agent that people open in their terminals. Its keys go to the terminal that its target names."""
    backend = JoinedBackend(
        kind, Records(records), lambda session: next((one for key, one in keys.items() if key in session.target), None)
    )
    traits = Traits(
        joins=True,
        tells_states=True,
        title=lambda _: kind.title,
        modes=lambda _: (),
        controls=(ControlKind.INTERRUPT,),
        screen=_terminal,
    )
    return Entry(backend, traits)


def _terminal(session: Session) -> Keyboard:
    """The terminal of a program that was joined. Raises Gone for one that nobody else can see."""
    if "pane" in session.target:
        return tmux.Pane(session)
    if "socket" in session.target:
        return nvim.Terminal(session)
    raise Gone("Its terminal cannot be seen from here: start it in tmux, or in nvim's terminal.")
