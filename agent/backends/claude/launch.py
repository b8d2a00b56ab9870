"""How Claude Code is run without a terminal: which program, with what arguments, and what it may see."""

import asyncio
import json
import mmap
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from agent.backends.claude import registry_file, stream_asides, stream_json
from agent.backends.claude.container import Containers
from agent.backends.claude.process import ClaudeProcess, Heard
from agent.backends.folders import leads_into
from agent.backends.spawning import exit_code, shown, unavailable, version_of
from agent.domain.command import Reason
from agent.domain.control import MODES
from agent.domain.errors import Refusal
from agent.domain.session import Session
from agent.token_files import environment as of_session
from agent.token_files import folder_name

PROGRAM = "claude"
STATE = "state"  # of a target: where the program of a session in a workspace keeps everything
CONTAINER = "container"  # of a target: it runs in one, or not at all
PROJECT = "workspace"  # the folder's name then, wherever the workspace is
_LOGIN = "CLAUDE_SECURESTORAGE_CONFIG_DIR"  # its login stays where its person's is: copies would break each other
_OURS = "pointsman"
_KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")
_NO_LOGIN = (
    "In a workspace this Claude Code does not find your login: update it, or set ANTHROPIC_API_KEY or"
    " CLAUDE_CODE_OAUTH_TOKEN for the agent."
)
_REMOVAL = 30.0  # seconds
_NO_CONTAINERS = (
    "A stranger's branch runs in a container here, and nothing runs one: install docker or podman, and name an image"
    " with Claude Code in POINTSMAN_FOREIGN_IMAGE."
)


class Launcher:
    """Starts it with a part of the agent's environment; what folders bring along runs in `trusted` ones alone.

    `workers` is where the tokens of sessions are; `told` is what its owner says to a session first, and may block.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        trusted: Sequence[Path],
        workers: Path | None = None,
        containers: Containers | None = None,
        told: Callable[[Session], str] = lambda _: "",
    ) -> None:
        self._containers = containers
        self._told = told
        self._workers = workers
        self._environ = environment(environ)
        self._trusted = tuple(trusted)
        self._known: tuple[tuple[str, int], str] = (("", 0), "")  # the file whose version was asked for, and that

    def is_installed(self) -> bool:
        """Whether the program is there."""
        return shutil.which(PROGRAM, path=self._environ.get("PATH")) is not None

    async def version(self) -> str:
        """Which version is there; empty where it does not say. Asked anew only once the file is another."""
        path = shutil.which(PROGRAM, path=self._environ.get("PATH"))
        if path is None:
            return ""
        found = await asyncio.to_thread(os.stat, path)
        key = (path, found.st_mtime_ns)
        if self._known[0] != key:
            self._known = (key, await version_of(path, self._environ))
        return self._known[1]

    @property
    def config(self) -> Path:
        """The folder in which it keeps its configuration."""
        return Path(self._environ.get("CLAUDE_CONFIG_DIR") or f"{self._environ.get('HOME', '')}/.claude")

    def config_of(self, session: Session) -> Path:
        """The same for one session: one in a workspace has its own."""
        return Path(session.target[STATE]) if session.target.get(STATE) else self.config

    async def _surroundings(self, session: Session) -> dict[str, str]:
        """What a program sees. One in a workspace keeps its talks there, and its login where its person's is."""
        environ = self._environ | of_session(session.session_id, self._workers)
        if not session.target.get(STATE):
            return environ
        own = {"CLAUDE_CONFIG_DIR": session.target[STATE], "CLAUDE_CODE_PROJECT_DIR_NAME": PROJECT}
        return environ | await self._login() | own

    async def _login(self) -> dict[str, str]:
        """What lets a program with a folder of its own log in as its person. Raises Refusal where nothing does."""
        program = shutil.which(PROGRAM, path=self._environ.get("PATH")) or ""
        if await asyncio.to_thread(_finds_login, program):
            return {_LOGIN: str(self.config)}
        has_login = await asyncio.to_thread((self.config / ".credentials.json").exists)
        if has_login and not any(self._environ.get(name) for name in _KEYS):
            raise Refusal(Reason.WORKSPACE_FAILED, _NO_LOGIN)
        return {}

    async def _contained(self, session: Session, tree: Path, argv: list[str], environ: Mapping[str, str]) -> list[str]:
        """The same in a container, in which nothing else of this machine is. Raises Refusal where none can be."""
        if self._containers is None:
            raise Refusal(Reason.WORKSPACE_FAILED, _NO_CONTAINERS)
        await self.end_left(session)
        name = container_name(session)
        return self._containers.command(name, tree.parent, tree, argv, environ)

    async def end_left(self, session: Session) -> None:
        """End the container of a session that outlived whoever ran it."""
        if self._containers is not None and CONTAINER in session.target:
            silent = subprocess.DEVNULL
            with suppress(OSError, TimeoutError):
                removal = self._containers.removal(container_name(session))
                await exit_code(removal, _REMOVAL, stdout=silent, stderr=silent)

    def _own_tools(self) -> list[str]:
        """Our own MCP server, where its person has installed it: with their settings all others are left out."""
        home = self._environ.get("CLAUDE_CONFIG_DIR") or self._environ.get("HOME", "")
        try:
            settings = json.loads(Path(home, ".claude.json").read_bytes())
            servers = {_OURS: settings["mcpServers"][_OURS]}
        except (OSError, ValueError, KeyError, TypeError):
            return []
        return ["--mcp-config", json.dumps({"mcpServers": servers})]

    async def start(self, session: Session, heard: Heard) -> ClaudeProcess:
        """The program of a session, in the conversation that it had. Raises Refusal when it cannot be."""
        talk = session.conversation
        earlier = talk.conversation_id if talk else session.target.get("resume", "")
        # Two on one conversation would make a silent branch of it, which one of them never shows.
        if earlier and (holder := registry_file.holder(self.config_of(session), earlier)) is not None:
            why = f"This conversation is open in another Claude Code, process {holder}. Go on there, or end it first."
            raise Refusal(Reason.CONVERSATION_OPEN, why)
        folder = await asyncio.to_thread(os.path.realpath, session.cwd)  # what is judged is what it runs in
        # What is checked out may be anybody's: in a workspace nothing of it counts, whatever folders are trusted.
        trusted = STATE not in session.target and await asyncio.to_thread(leads_into, Path(folder), self._trusted)
        argv = [
            session.target.get("program") or PROGRAM,
            *stream_json.FLAGS,
            stream_asides.FLAG,
            *(() if trusted else [*stream_json.OWN_SETTINGS_ONLY, *await asyncio.to_thread(self._own_tools)]),
            *(["--resume", earlier] if earlier else []),
            # What was chosen from afar holds for each program of the session.
            *(["--permission-mode", mode] if (mode := session.target.get("mode")) in MODES else []),
            *(["--append-system-prompt", words] if (words := await asyncio.to_thread(self._told, session)) else []),
            *(["--model", model] if (model := session.target.get("model")) else []),
        ]
        environ = await self._surroundings(session)
        if CONTAINER in session.target:
            argv = await self._contained(session, Path(folder), argv, environ)
        try:
            return await ClaudeProcess.start(argv, folder, environ, session.session_id, heard)
        except OSError as error:
            raise Refusal(Reason.BACKEND_ERROR, _why_not(argv[0], folder, error)) from None


def _finds_login(program: str) -> bool:
    """Whether a program knows of the setting, which nobody documents: then its name stands in it. Blocks."""
    try:
        return _knows(program, Path(program).stat().st_mtime_ns)
    except (OSError, ValueError):  # ValueError: it is empty
        return False


@lru_cache(4)
def _knows(program: str, _changed: int) -> bool:
    with Path(program).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(_LOGIN.encode()) >= 0


def container_name(session: Session) -> str:
    """Of the one that a session runs in."""
    return f"pointsman-{folder_name(session.session_id)}"


def _why_not(program: str, folder: str, error: OSError) -> str:
    # Both a folder and a program that are not there are the same error.
    if not Path(folder).is_dir():
        return f"there is no folder {folder}"
    return unavailable(program, "Claude Code (npm install -g @anthropic-ai/claude-code)", error)


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What the program gets to see of the agent's environment."""
    return shown(environ) | stream_json.ENVIRON
