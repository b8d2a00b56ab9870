"""A backend that nobody has heard of: one record says what it is, and everything treats it by that."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from agent.backends.backend import Entry, Traits
from agent.domain.command import Command, Input, Lane, Reason, StopSession
from agent.domain.errors import Refusal
from agent.domain.frames import CommandMark, Notify
from agent.domain.hook import HookEvent
from agent.domain.session import Conversation, Session, SessionState
from agent.processes import identify
from agent.services.session_lookup import SessionLookup
from tests.fakes.hook_caller import Program, program
from tests.rigs.agent_rig import Rig, Rigs, eventually
from tests.rigs.recording_backend import RecordingBackend

NOBODY = "127.0.0.1:1"


@asynccontextmanager
async def telex(rigs: Rigs, **traits: Any) -> AsyncIterator[Rig]:
    """An agent that has one backend more, with these traits."""
    entry = Entry(RecordingBackend(rigs.data_dir / "telex"), Traits(**traits))
    async with rigs.running(NOBODY, more={"telex": entry}) as rig:
        yield rig


async def register(rig: Rig, claude: Program, state: SessionState = SessionState.UNKNOWN) -> Session:
    """The program talks in a session of that backend."""
    process = identify(claude.pid)
    assert process is not None
    talk = Conversation(claude.conversation_id, process, "/nowhere")
    return await rig.agent.sessions.register(Session("s1", "telex", state=state, process=process, conversation=talk))


def event(claude: Program, name: str) -> HookEvent:
    return HookEvent(name, claude.pid, claude.variables(), {"session_id": claude.conversation_id}, "user", "1")


async def test_its_target_must_name_what_it_says(rigs: Rigs) -> None:
    async with telex(rigs, target_key="number") as rig:
        refused = await rig.ask(op="register", backend="telex", target={"line": "1"})
        taken = await rig.ask(op="register", backend="telex", target={"number": "1"})

    assert refused["error"] == "target.number is missing; a telex session needs it."
    assert taken["ok"]


async def test_without_a_trait_it_is_registered_typed_into_and_left_alone(rigs: Rigs) -> None:
    async with telex(rigs) as rig:
        with program(rig.data_dir) as claude:
            session = await register(rig, claude)
            traits = rig.agent.sessions.traits(session)
            with pytest.raises(Refusal) as refused:
                await rig.agent.starts.stop(Command("c1", "s1", 0, 1, Lane.URGENT, StopSession()))

    assert traits == Traits()
    assert refused.value.reason is Reason.UNSUPPORTED


async def test_one_whose_host_attaches_is_not_registered_by_others_and_outlives_a_restart(rigs: Rigs) -> None:
    async with telex(rigs, attaches=True) as rig:
        refused = await rig.ask(op="register", backend="telex", target={})
        with program(rig.data_dir) as claude:
            await register(rig, claude)
            rig.agent.sessions.backends.get("telex").dead.add("s1")  # type: ignore[union-attr] -- a fake's own
            await rig.agent.sessions.load()
            left = rig.agent.sessions.live()

    assert "opened by `pointsman run`" in refused["error"]
    assert [session.session_id for session in left] == ["s1"]


async def test_one_that_the_agent_hosts_can_be_ended_from_afar(rigs: Rigs) -> None:
    async with telex(rigs, hosted=True) as rig:
        await rig.agent.sessions.register(Session("s1", "telex"))
        await rig.agent.inbox.store((stop := Command("c1", "s1", 0, 1, Lane.URGENT, StopSession()),), 0.0)
        await rig.agent.starts.stop(stop)

        assert rig.agent.sessions.live() == ()


async def test_what_one_that_the_agent_hosts_had_under_way_ended_with_the_agent(rigs: Rigs) -> None:
    async with telex(rigs, hosted=True) as rig:
        await rig.agent.sessions.register(Session("s1", "telex", state=SessionState.BUSY))
        await rig.agent.headless_listener.recover()
        words = [row.item for row in await rig.agent.outbox.after(0, 100)]
        (session,) = rig.agent.sessions.live()

    assert session.state is SessionState.IDLE
    assert [word.text for word in words if isinstance(word, Notify)]


@pytest.mark.parametrize("tells", [False, True])
async def test_hooks_and_looks_add_nothing_to_one_that_tells_itself(rigs: Rigs, *, tells: bool) -> None:
    async with telex(rigs, tells_states=tells) as rig:
        with program(rig.data_dir) as claude:
            await register(rig, claude)
            heard = await SessionLookup(rig.agent.sessions).attend(event(claude, "Stop"))
        await rig.agent.states.look()  # its program has ended: a look sees it
        left = rig.agent.sessions.live()

    assert (heard is None) is tells
    assert len(left) == tells


@pytest.mark.parametrize("typed_into", [False, True])
async def test_a_better_place_is_taken_for_a_program_only_where_its_own_cannot_be_typed_into(
    rigs: Rigs, *, typed_into: bool
) -> None:
    async with telex(rigs, typed_into=typed_into) as rig:
        with program(rig.data_dir) as claude:
            session = await register(rig, claude)
            better = Session("s2", "command", target={"command": "cat"}, process=session.process)
            await rig.agent.sessions.register(better)
            claude.environ["POINTSMAN_SESSION_ID"] = "s2"
            heard = await SessionLookup(rig.agent.sessions).attend(event(claude, "SessionStart"))

    assert heard is not None
    assert heard.session_id == ("s1" if typed_into else "s2")


class Screen:
    """As much of a terminal as people look at."""

    def __init__(self, session: Session) -> None:
        self._words = f"this is \x1b[1m{session.session_id}\x1b[0m\n\n"

    async def check(self) -> None:
        """It is there."""

    async def screen(self) -> str:
        return self._words


async def test_what_its_screen_shows_goes_with_the_word_that_a_text_was_not_taken(rigs: Rigs) -> None:
    async with telex(rigs, screen=Screen) as rig:
        rig.agent.prompts.patience = 0.01
        with program(rig.data_dir) as claude:
            await register(rig, claude)
            await rig.agent.link_handler.store((Command("c1", "s1", 0, 1, Lane.NORMAL, Input("go on")),))
            mark = await eventually(lambda: said(rig))

    assert mark.shown == "this is s1"


async def said(rig: Rig) -> CommandMark | None:
    """The latest word on a command that has ended."""
    return next((row.item for row in await rig.agent.outbox.after(0, 100) if isinstance(row.item, CommandMark)), None)
