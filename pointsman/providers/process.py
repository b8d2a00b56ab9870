"""Machines that are processes, each with a folder of its own: here, or where ssh leads.

There is no wall around them: what runs in one may read what its user may.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pointsman.providers.program import Run, run
from pointsman.providers.provider import Provided, ProviderError, State, Unsure, Wanted, checked_key

COMMAND = "machine-process"
_PATIENCE = 90.0  # seconds of a call: an agent may take 30 to leave, and 30 more to be made to
_MOST = 1024 * 1024  # characters of an answer that are looked at
SSH_FAILED = 255  # ssh's own: it did not connect, or lost the other end
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@:-]{0,254}")
_PROGRAM = re.compile(r"[A-Za-z0-9/._~-]{1,255}")
_KEY_LINE = re.compile(r"[a-z0-9@.-]{1,64} [A-Za-z0-9+/=]{16,8192}")


@dataclass(frozen=True, slots=True)
class ProcessProvider:
    """`carrier` runs our own command there: `pointsman machine-process` behind nothing, or behind ssh."""

    carrier: tuple[str, ...]
    folder: str
    environ: Mapping[str, str] = field(default_factory=dict)
    run: Run = run

    def ensure(self, wanted: Wanted) -> Provided:
        environ = {**self.environ, **wanted.environ}
        return self._one("ensure", wanted.key, join_token=wanted.join_token, environ=environ)

    def start(self, key: str) -> Provided:
        return self._one("start", key, environ=dict(self.environ))

    def stop(self, key: str) -> Provided:
        return self._one("stop", key)

    def destroy(self, key: str) -> None:
        self._said("destroy", key=checked_key(key))

    def listed(self) -> list[Provided]:
        found = self._said("listed")
        if not isinstance(found, list):
            raise ProviderError("the other end answered with something that is no list")
        return [_provided(each) for each in found]

    def _one(self, verb: str, key: str, **more: object) -> Provided:
        return _provided(self._said(verb, key=checked_key(key), **more))

    def _said(self, verb: str, **given: object) -> object:
        # On its standard input: a command line is seen by everybody there.
        asked = json.dumps({"verb": verb, "folder": self.folder, **given})
        result = self.run([*self.carrier, COMMAND], _PATIENCE, asked)
        # Before it connected nothing was done; after that it may have been, and ssh tells neither from the other.
        if result.code == SSH_FAILED and verb != "listed":
            raise Unsure(f"ssh failed, and it may have been done: {_words(result.error)}")
        if result.code:
            raise ProviderError(_words(result.error) or f"it ended with {result.code}")
        try:
            return json.loads(result.out[:_MOST])
        except (ValueError, RecursionError):
            raise Unsure("the other end answered with something that is no JSON") from None


def over_ssh(
    host: str, known_hosts: str, program: str = "pointsman", port: int = 22, identity: str = ""
) -> tuple[str, ...]:
    """How to run a command there. Raises ValueError for what could pass for an option, or for several words.

    `known_hosts` is a file with the one key that is believed, by the name "pointsman"; `identity` is one with ours.
    """
    if not _HOST.fullmatch(host) or not _PROGRAM.fullmatch(program) or not 0 < port < 65536:
        raise ValueError(f"{host[:80]!r} and {program[:80]!r} are no host and no program that ssh could run")
    options = {
        "BatchMode": "yes", "StrictHostKeyChecking": "yes", "UserKnownHostsFile": f'"{known_hosts}"',
        "GlobalKnownHostsFile": "none", "HostKeyAlias": "pointsman", "ForwardAgent": "no", "ForwardX11": "no",
        "ClearAllForwardings": "yes", "ControlPath": "none", "ConnectTimeout": "10", "ServerAliveInterval": "5",
        "ServerAliveCountMax": "3", "LogLevel": "ERROR",
    }  # fmt: skip
    # Else each key of an agent is tried, and the host may hang up before the right one.
    if identity:
        options |= {"IdentityFile": f'"{identity}"', "IdentitiesOnly": "yes"}
    said = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return ("ssh", "-T", *said, "-p", str(port), "--", host, program)


def known_hosts_line(host_key: str) -> str:
    """A line for that file, of "ssh-ed25519 AAAA…". Raises ValueError."""
    if not _KEY_LINE.fullmatch(host_key):
        raise ValueError("host_key is the type and the key of the host, such as: ssh-ed25519 AAAA…")
    return f"pointsman {host_key}\n"


def _provided(said: object) -> Provided:
    if isinstance(said, dict) and isinstance(said.get("key"), str):
        state = said.get("state")
        known = {each.value: each for each in State}
        return Provided(said["key"], known.get(str(state), State.BROKEN), str(said.get("reference", "")))
    raise ProviderError("the other end answered with something that is no machine")


def _words(error: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in error).split())[-300:]
