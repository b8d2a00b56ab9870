"""How a program that speaks ACP is run: which, where, with what arguments, and what it may see."""

import asyncio
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.backends.acp import retention
from agent.backends.acp.check import asks, has_login, lacking
from agent.backends.acp.table import KNOWN, Kind
from agent.backends.claude import registry_file
from agent.backends.folders import leads_into
from agent.backends.spawning import shown, version_of
from agent.domain.command import Reason
from agent.domain.errors import Refusal
from agent.domain.program import Program
from agent.domain.session import Session
from agent.token_files import environment as of_session

_FAR_UP = 4  # folders above a program in which its package may say its version
_STRANGE = (
    "{title} is not one of the programs of which Pointsman knows what they use of a folder before anybody is asked."
    " It runs in and below POINTSMAN_TRUSTED_FOLDERS alone."
)
_BRINGS = (
    "{folder} holds {name}, which {title} would use before anybody is asked. If you trust what stands there, name the"
    " folder in POINTSMAN_TRUSTED_FOLDERS and restart the agent; else move it away."
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run."""

    argv: tuple[str, ...]
    folder: str
    environ: Mapping[str, str]
    mode: str = ""  # chosen from afar for each program of the session, by our name
    model: str = ""


class Launcher:
    """Knows the programs of this machine. Of the agent's environment they see a part."""

    def __init__(
        self,
        environ: Mapping[str, str],
        trusted: Sequence[Path] = (),
        workers: Path | None = None,
        kinds: Mapping[str, Kind] = KNOWN,
    ) -> None:
        self.environ = shown(environ)
        self.kinds = kinds
        self._trusted = tuple(trusted)
        self._workers = workers
        self._known: dict[str, tuple[tuple[str, int], str]] = {}  # which file has which version

    def kind(self, session: Session) -> Kind:
        """What runs in a session. Raises Refusal where that is not known here."""
        name = session.target.get("agent", "")
        if name not in self.kinds:
            text = f"This machine knows no agent {name[:40]!r}; it knows {', '.join(sorted(self.kinds))}."
            raise Refusal(Reason.UNSUPPORTED, text)
        return self.kinds[name]

    def path(self, kind: Kind) -> str | None:
        """Where its program is; None where it is not installed."""
        return shutil.which(kind.program, path=self.environ.get("PATH", ""))

    async def version(self, kind: Kind) -> str:
        """Which version is there; empty where it does not say. Asked anew only once the file is another."""
        path = self.path(kind)
        if path is None:
            return ""
        key = (path, (await asyncio.to_thread(os.stat, path)).st_mtime_ns)
        known = self._known.get(kind.name)
        if known is None or known[0] != key:
            # Starting some of them takes longer than the router waits for us.
            version = await asyncio.to_thread(packaged_version, Path(path)) or await version_of(path, self.environ)
            known = self._known[kind.name] = (key, version)
        return known[1]

    async def standing(self, kind: Kind) -> Program:
        """What is known of one that is here. Its login is looked for, and not read."""
        version, path = await self.version(kind), self.path(kind)
        lacks = await lacking(path, self.environ) if path else ""
        return Program(kind.name, version, asks(kind), lacks, await asyncio.to_thread(has_login, kind, self.environ))

    async def plan(self, session: Session) -> Plan:
        """How to run it for a session. Raises Refusal where it may not, or cannot."""
        kind = self.kind(session)
        folder = await asyncio.to_thread(os.path.realpath, session.cwd)  # what is judged is what it runs in
        if not await asyncio.to_thread(os.path.isdir, folder):  # some of them would not mind
            raise Refusal(Reason.BACKEND_ERROR, f"{kind.title} does not start: there is no folder {folder}")
        await asyncio.to_thread(self._check_folder, kind, Path(folder))
        path = self.path(kind)
        if path is None:
            where = f": {kind.install}" if kind.install else ""
            why = f"{kind.program} is not installed here, or not on the PATH of Pointsman's agent{where}"
            raise Refusal(Reason.BACKEND_ERROR, f"{kind.title} does not start: {why}")
        self._check_free(kind, session)
        environ = self.environ | dict(kind.environ) | of_session(session.session_id, self._workers)
        chosen = session.target
        return Plan((path, *kind.argv[1:]), folder, environ, chosen.get("mode", ""), chosen.get("model", ""))

    def tidy(self, kind: Kind, conversation_id: str) -> None:
        """Before it starts, and once it has taken a conversation up. Looks at the disk; may block."""
        if kind.leaves and conversation_id:
            retention.tidy(Path(self.environ.get("HOME") or "/nonexistent"), kind.leaves, conversation_id)

    def _check_free(self, kind: Kind, session: Session) -> None:
        """Raises Refusal where its own registry says that somebody has the conversation open."""
        earlier = conversation_of(session)
        if not (kind.is_listed and earlier):
            return
        config = Path(self.environ.get("CLAUDE_CONFIG_DIR") or f"{self.environ.get('HOME', '')}/.claude")
        if (holder := registry_file.holder(config, earlier)) is not None:
            raise Refusal(Reason.CONVERSATION_OPEN, f"This conversation is open in another program, process {holder}.")

    def _check_folder(self, kind: Kind, folder: Path) -> None:
        if leads_into(folder, self._trusted):
            return
        if kind.brings is None:
            raise Refusal(Reason.FOLDER_NOT_ALLOWED, _STRANGE.format(title=kind.title))
        for each in self._from(folder):
            for name in kind.brings:
                if os.path.lexists(each / name):
                    text = _BRINGS.format(folder=each, name=name, title=kind.title)
                    raise Refusal(Reason.FOLDER_NOT_ALLOWED, text)

    def _from(self, folder: Path) -> Iterator[Path]:
        """The folder and those above it, where such programs look, up to the person's own."""
        home = Path(os.path.realpath(self.environ.get("HOME") or "/"))
        for each in (folder, *folder.parents):
            if each == home:
                return
            yield each


def conversation_of(session: Session) -> str:
    """The conversation that a session goes on with; empty where it begins one."""
    talk = session.conversation
    return talk.conversation_id if talk else session.target.get("resume", "")


def packaged_version(program: Path) -> str:
    """What the package says that a program is a part of; empty where there is none. Looks at the disk; may block."""
    try:
        real = program.resolve()
        for folder in list(real.parents)[:_FAR_UP]:
            file = folder / "package.json"
            if file.is_file():
                about = json.loads(file.read_bytes()[:1_000_000])
                version = about.get("version") if isinstance(about, dict) else None
                return version[:40] if isinstance(version, str) and version.isprintable() else ""
    except (OSError, ValueError):
        return ""
    return ""
