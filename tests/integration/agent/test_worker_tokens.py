"""Tokens for the programs of sessions: made with the session, renewed in time, gone with it."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.backends.claude.launch import Launcher
from agent.backends.command import CommandBackend
from agent.config import Config
from agent.domain.command import Input, Outcome
from agent.domain.session import Session, SessionState
from agent.link.identity import Identity
from agent.link.machine_key import MachineKey
from agent.services.worker_tokens import WorkerTokens
from agent.token_files import token_path
from tests.rigs.agent_rig import MACHINE, Rig, Rigs, eventually

NOBODY = "127.0.0.1:1"
COMMAND = {"backend": "command", "target": {"command": "cat"}}
SESSION = Session("s-1", "command")
HALF = 1800.0


class Signer:
    """A machine whose key and time the test has in its hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 1_800_000_000.0
        self.key = MachineKey(folder, Identity("devbox", "router-1", NOBODY, Ed25519PrivateKey.generate()))
        self.tokens = WorkerTokens(folder, self.key, lambda: self.now)

    def change_key(self) -> None:
        self.key.identity = replace(self.key.identity, key=Ed25519PrivateKey.generate())
        self.key.changed.set()

    def held(self, session_id: str = "s-1") -> dict[str, Any]:
        return claims(self.folder, session_id)

    async def goes_on(self, session: Session = SESSION) -> bool:
        """Whether the session gets another token now."""
        before = self.held(session.session_id)["jti"]
        await self.tokens.follow(session)
        return bool(self.held(session.session_id)["jti"] != before)


def claims(folder: Path, session_id: str) -> dict[str, Any]:
    """What the token of a session says; empty where there is none."""
    path = token_path(folder, session_id)
    return jwt.decode(path.read_text().strip(), options={"verify_signature": False}) if path.exists() else {}


def workers(data_dir: Path) -> Path:
    return Config(data_dir).workers


@pytest.fixture
def signer(data_dir: Path) -> Signer:
    return Signer(workers(data_dir))


async def test_a_token_says_which_session_and_for_how_long(signer: Signer) -> None:
    await signer.tokens.follow(SESSION)

    held = signer.held()
    assert held.pop("jti")
    assert held == {
        "iss": "devbox", "sub": "devbox", "aud": "router-1", "role": "worker", "session": "s-1", "generation": 1,
        "iat": 1_800_000_000, "exp": 1_800_003_600,
    }  # fmt: skip


async def test_it_is_signed_by_the_machine(signer: Signer) -> None:
    await signer.tokens.follow(SESSION)

    token, key = token_path(signer.folder, "s-1").read_text().strip(), signer.key.identity.key.public_key()
    assert jwt.decode(token, key, algorithms=["EdDSA"], audience="router-1", options={"verify_iat": False})


async def test_it_is_its_owners_alone(signer: Signer) -> None:
    await signer.tokens.follow(SESSION)

    path = token_path(signer.folder, "s-1")
    modes = [one.stat().st_mode & 0o777 for one in (path, path.parent, signer.folder)]
    assert modes == [0o600, 0o700, 0o700]


CHANGES: dict[str, tuple[bool, Callable[[Signer], object]]] = {
    "before half of its time": (False, lambda s: setattr(s, "now", s.now + HALF - 1)),
    "at half of its time": (True, lambda s: setattr(s, "now", s.now + HALF)),
    "when the router's clock proves to be behind": (True, lambda s: setattr(s, "now", s.now - 1)),
    "with another key": (True, lambda s: s.change_key()),
}


@pytest.mark.parametrize(("renewed", "change"), CHANGES.values(), ids=CHANGES)
async def test_it_is_renewed(signer: Signer, renewed: bool, change: Callable[[Signer], object]) -> None:
    await signer.tokens.follow(SESSION)

    change(signer)

    assert await signer.goes_on() is renewed
    assert signer.held()["iat"] == int(signer.now) or not renewed


async def test_with_another_key_it_is_renewed_at_once(signer: Signer) -> None:
    await signer.tokens.follow(SESSION)
    first, running = signer.held()["jti"], asyncio.create_task(signer.tokens.run(lambda: [SESSION]))

    signer.change_key()

    async def renewed() -> bool:
        return bool(signer.held()["jti"] != first)

    await eventually(renewed)
    running.cancel()


async def test_another_generation_gets_another(signer: Signer) -> None:
    await signer.tokens.follow(SESSION)

    assert await signer.goes_on(Session("s-1", "command", generation=2))
    assert signer.held()["generation"] == 2


async def test_a_session_that_only_changes_keeps_it(signer: Signer) -> None:
    await signer.tokens.follow(SESSION)

    assert not await signer.goes_on(Session("s-1", "command", state=SessionState.BUSY, label="api"))


async def test_it_ends_with_its_session(signer: Signer) -> None:
    await signer.tokens.follow(SESSION)
    await signer.tokens.follow(Session("s-2", "command"))

    await signer.tokens.follow(Session("s-1", "command", state=SessionState.ENDED))

    assert (signer.held("s-1"), bool(signer.held("s-2"))) == ({}, True)
    assert len(list(signer.folder.iterdir())) == 1


@pytest.mark.parametrize("session_id", ["..", ".", "a/b", "../../machine", "@:@"])
async def test_whatever_it_is_called_it_stays_in_its_folder(signer: Signer, session_id: str) -> None:
    await signer.tokens.follow(Session(session_id, "command"))

    assert [path.parent.parent for path in signer.folder.rglob("token")] == [signer.folder]


async def test_what_an_earlier_agent_left_is_gone(signer: Signer) -> None:
    await signer.tokens.follow(SESSION)
    await signer.tokens.follow(Session("s-2", "command"))

    await Signer(signer.folder).tokens.begin([SESSION])

    assert (bool(signer.held("s-1")), signer.held("s-2")) == (True, {})


async def test_what_the_disk_does_not_take_is_told_and_made_later(
    signer: Signer, caplog: pytest.LogCaptureFixture
) -> None:
    signer.folder.parent.mkdir(parents=True)
    signer.folder.touch()  # in place of the folder
    with caplog.at_level(logging.WARNING):
        await signer.tokens.follow(SESSION)
    signer.folder.unlink()
    await signer.tokens.follow(SESSION)

    assert "no worker token session_id=s-1" in caplog.text
    assert signer.held()["session"] == "s-1"


# In an agent.


def of(rig: Rig, session_id: str) -> dict[str, Any]:
    return claims(workers(rig.data_dir), session_id)


async def test_a_session_has_one_from_its_registration_to_its_end(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.ask(op="register", session_id="s-1", **COMMAND)
        begun = of(rig, "s-1")
        await rig.ask(op="unregister", session_id="s-1")
        ended = of(rig, "s-1")
        await rig.ask(op="register", session_id="s-1", **COMMAND)
        again = of(rig, "s-1")

    assert (begun["sub"], begun["session"], begun["generation"]) == (MACHINE, "s-1", 1)
    assert ended == {}
    assert again["generation"] == 2


async def test_it_is_there_again_when_the_agent_is(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.ask(op="register", session_id="s-1", **COMMAND)
        first = of(rig, "s-1")
    assert of(rig, "s-1") == first, "what was given stays good while the agent is away"

    async with rigs.running(NOBODY) as rig:
        await eventually(lambda: of(rig, "s-1")["jti"] != first["jti"])


async def test_a_command_finds_out_where_its_token_is(data_dir: Path) -> None:
    backend = CommandBackend({}, workers(data_dir))
    told = Session("s-1", "command", target={"command": "echo $POINTSMAN_WORKER_TOKEN_FILE"})

    assert await backend.deliver(told, Input("")) == Outcome.done(str(token_path(workers(data_dir), "s-1")))


async def test_so_does_a_coding_agent_without_a_terminal(data_dir: Path) -> None:
    program, seen = data_dir / "claude", data_dir / "seen"
    program.write_text(f'#!/bin/sh\necho "$POINTSMAN_SESSION_ID $POINTSMAN_WORKER_TOKEN_FILE" > {seen}\n')
    program.chmod(0o700)
    launcher = Launcher({"PATH": "/usr/bin:/bin"}, (), workers(data_dir))
    session = Session("s-1", "headless", cwd=str(data_dir), target={"program": str(program)})

    async def deaf(_: object) -> None: ...

    started = await launcher.start(session, deaf)
    await started.ended

    assert seen.read_text() == f"s-1 {token_path(workers(data_dir), 's-1')}\n"
