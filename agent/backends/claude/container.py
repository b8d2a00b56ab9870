"""Claude Code in a container, for what strangers bring: it sees its workspace there, and nothing else of this machine.

The container is started by the docker or podman that is here, in the foreground: what the program says comes through it
as if it ran here. What may be stolen from inside is what is given in: the account's key, which the program needs.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("docker", "podman")
LABEL = "pointsman.ws"
_LIMITS = (
    "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pids-limit", "512", "--memory", "4g", "--init",
)  # fmt: skip
_SECRETS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")
_PLAIN = (
    "ANTHROPIC_BASE_URL", "ANTHROPIC_MODEL", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "CLAUDE_CONFIG_DIR",
    "CLAUDE_CODE_PROJECT_DIR_NAME", "CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS", "HTTPS_PROXY", "https_proxy", "NO_PROXY",
    "no_proxy",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Containers:
    """By what they are run, and of which image; it has to have `claude` on its PATH."""

    program: str
    image: str

    def command(self, name: str, home: Path, tree: Path, argv: Sequence[str], environ: Mapping[str, str]) -> list[str]:
        """The command line that runs `argv` there. Secrets come from the environment of that, and stand in no list."""
        given = [f"--env={each}={environ[each]}" for each in _PLAIN if each in environ]
        given += [f"--env={each}" for each in _SECRETS if each in environ]
        who = ["--user", f"{os.getuid()}:{os.getgid()}"]
        if self.program == "podman":  # without root, whoever runs it is somebody else inside
            who.append("--userns=keep-id")
        return [
            self.program, "run", "--rm", "--interactive", "--name", name, "--label", f"{LABEL}={home.name}", *_LIMITS,
            *who, "--volume", f"{home}:{home}", "--workdir", str(tree), f"--env=HOME={home / 'state'}", *given,
            self.image, *argv,
        ]  # fmt: skip

    def removal(self, name: str) -> list[str]:
        """What ends one that is left, and does no harm where there is none."""
        return [self.program, "rm", "--force", name]


def found(image: str, path: str | None) -> Containers | None:
    """What runs them here; None where nothing does."""
    there = [each for each in PROGRAMS if shutil.which(each, path=path)]
    return Containers(there[0], image) if there and image else None
