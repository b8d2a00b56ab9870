"""Events of a coding agent's hooks, through the real client and socket: which session they make or mean."""

import asyncio
import json
import os
import re
import uuid
from dataclasses import replace
from typing import Any

from agent.domain.frames import Notify
from agent.domain.session import Session, SessionState
from agent.hooks.forward import MOST_UNHEARD, UNHEARD
from tests.fakes.hook_caller import program
from tests.rigs.agent_rig import Rig, Rigs

NOBODY = "127.0.0.1:1"
OTHER_TALK = "99999999-2222-3333-4444-555555555555"


def only(rig: Rig) -> Session:
    (session,) = rig.agent.sessions.live()
    return session


async def shown(rig: Rig) -> list[dict[str, Any]]:
    sessions: list[dict[str, Any]] = (await rig.ask(op="sessions"))["sessions"]
    return sessions


async def test_a_program_that_starts_becomes_a_session(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as claude:
            await claude.says("SessionStart", source="startup", transcript_path="/t.jsonl")

            (session,) = await shown(rig)

            assert session["session_id"] == f"session_{claude.conversation_id}"
            assert (session["label"], session["cwd"], session["generation"]) == ("api", "/srv/api", 1)
            talk = only(rig).conversation
            assert talk is not None
            assert (talk.process.pid, talk.folder, talk.transcript) == (claude.pid, "/srv/me/.claude", "/t.jsonl")


async def test_a_program_that_was_open_before_the_hooks_becomes_one_with_its_next_event(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as claude:
            await claude.says("UserPromptSubmit", prompt="hi")

            assert only(rig).session_id == f"session_{claude.conversation_id}"


async def test_clearing_the_talk_keeps_the_session(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as claude:
            await claude.says("SessionStart", source="startup")
            before = only(rig)
            await claude.says("SessionEnd", reason="clear")
            claude.conversation_id = OTHER_TALK
            await claude.says("SessionStart", source="clear")

            after = only(rig)

            assert (after.session_id, after.generation) == (before.session_id, 1)
            assert after.conversation is not None
            assert after.conversation.conversation_id == OTHER_TALK


async def test_talks_that_came_and_went_while_no_agent_was_there_are_known_once_there_is_one(rigs: Rigs) -> None:
    talks = [str(uuid.UUID(int=number)) for number in range(3)]
    with program(rigs.data_dir) as claude:
        async with rigs.running(NOBODY):
            await claude.says("SessionStart", source="startup", transcript_path="/first.jsonl")
        for claude.conversation_id in talks:
            await claude.says("SessionStart", source="clear", transcript_path=f"/{claude.conversation_id}.jsonl")
            await claude.says("Stop", last_assistant_message="of which nobody is told afterwards")

        async with rigs.running(NOBODY) as rig:
            talk = only(rig).conversation

            assert talk is not None
            assert talk.conversation_id == talks[-1]
            assert talk.earlier == ("/first.jsonl", *(f"/{name}.jsonl" for name in talks[:-1]))
            assert list(rigs.data_dir.rglob(UNHEARD)) == []


async def test_what_another_program_of_that_number_said_is_nobodys(rigs: Rigs) -> None:
    with program(rigs.data_dir) as claude:
        async with rigs.running(NOBODY):
            pass
        await claude.says("SessionStart", source="startup")
        (kept,) = rigs.data_dir.rglob(UNHEARD)
        kept.write_text(re.sub(r'"at": \d+', '"at": 1000000000', kept.read_text()) + "[] half a li")

        async with rigs.running(NOBODY) as rig:
            assert list(rig.agent.sessions.live()) == []


async def test_what_is_kept_for_an_agent_that_stays_away_is_bounded(rigs: Rigs) -> None:
    with program(rigs.data_dir) as claude:
        async with rigs.running(NOBODY):
            pass
        (folder,) = {path.parent for path in rigs.data_dir.rglob("agent.db")}
        (folder / UNHEARD).write_bytes(b"\n" * MOST_UNHEARD)

        await claude.says("SessionStart", source="startup")

        assert (folder / UNHEARD).stat().st_size == MOST_UNHEARD


async def test_the_session_survives_a_restart_of_the_agent(rigs: Rigs) -> None:
    with program(rigs.data_dir) as claude:
        async with rigs.running(NOBODY) as rig:
            await claude.says("SessionStart", source="startup")
            before = only(rig)
        async with rigs.running(NOBODY) as rig:
            await claude.says("SubagentStop")

            assert only(rig) == before


async def test_the_end_of_the_program_ends_its_session(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as claude:
            await claude.says("SessionStart", source="startup")
            await claude.says("SessionEnd", reason="prompt_input_exit")

            assert await shown(rig) == []


async def test_a_talk_taken_up_again_has_its_session_back_as_the_next_generation(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as claude:
            await claude.says("SessionStart", source="startup")
            first = only(rig)
            await claude.says("SessionEnd", reason="prompt_input_exit")
        with program(rig.data_dir, cwd="/elsewhere") as claude:
            await claude.says("SessionStart", source="resume")

            again = only(rig)

            assert (again.session_id, again.generation) == (first.session_id, 2)


async def test_a_second_program_on_the_same_talk_is_a_session_of_its_own(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as one, program(rig.data_dir) as other:
            await one.says("SessionStart", source="startup")
            await other.says("SessionStart", source="resume")
            await one.says("Stop")

            found = {session.process.pid: session for session in rig.agent.sessions.live() if session.process}

            assert set(found) == {one.pid, other.pid}
            assert found[one.pid].session_id == f"session_{one.conversation_id}"
            assert found[one.pid].generation == 1


async def test_a_script_that_asks_for_one_answer_is_no_session(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir, environ={"CLAUDE_CODE_ENTRYPOINT": "sdk-cli"}) as claude:
            await claude.says("SessionStart", source="startup")
            await claude.says("Stop", last_assistant_message="42")

            assert await shown(rig) == []
            assert await rig.outbox() == []


async def test_a_program_in_pointsman_run_is_that_terminals_session(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        host = {"label": "mine", "cwd": "/srv", "pid": os.getpid()}  # the sleeping program is our child
        await rig.ask(op="attach_pty", session_id="terminal", **host)
        session = only(rig)
        with program(rig.data_dir, environ={"POINTSMAN_SESSION_ID": "terminal"}) as claude:
            await claude.says("SessionStart", source="startup")

            now = only(rig)

            assert (now.session_id, now.backend, now.label, now.generation) == ("terminal", "pty", "mine", 1)
            assert now.conversation is not None
            await claude.says("SessionEnd", reason="prompt_input_exit")
            assert only(rig) == session


async def test_an_inherited_name_of_a_terminal_that_is_elsewhere_is_not_believed(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as stranger:
            await rig.ask(op="attach_pty", session_id="terminal", cwd="/srv", pid=stranger.pid)
            with program(rig.data_dir, environ={"POINTSMAN_SESSION_ID": "terminal"}) as claude:
                await claude.says("SessionStart", source="startup")

                names = {session.session_id for session in rig.agent.sessions.live()}

                assert names == {"terminal", f"session_{claude.conversation_id}"}


async def test_a_program_whose_terminal_has_not_come_yet_waits_for_it_under_its_name(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir, environ={"POINTSMAN_SESSION_ID": "terminal"}) as claude:
            await claude.says("SessionStart", source="startup")
            await rig.ask(op="attach_pty", session_id="terminal", cwd="/srv", pid=os.getpid())
            await claude.says("UserPromptSubmit", prompt="hi")

            assert (only(rig).session_id, only(rig).backend) == ("terminal", "pty")


async def told(rig: Rig) -> list[str]:
    """What people are told, in order."""
    rows = await rig.sql("SELECT payload FROM outbox WHERE kind = 'notify' ORDER BY upstream_seq")
    return [json.loads(payload)[2] for (payload,) in rows]


async def test_the_end_of_a_turn_is_told_once_with_the_last_words(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as claude:
            await claude.says("UserPromptSubmit", prompt="hi", prompt_id="1")
            await claude.says("Stop", last_assistant_message="Hello!", prompt_id="1")
            await claude.says("Notification", message="Claude is waiting", notification_type="idle_prompt")
            await claude.says("Notification", message="Claude needs you", notification_type="permission_prompt")

            assert await told(rig) == ["✅ Finished.\n\nHello!", "❗ Claude needs you"]


async def test_what_a_coding_agent_said_is_markdown_and_only_the_end_of_a_turn_ends_it(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as claude:
            await claude.says("UserPromptSubmit", prompt="hi", prompt_id="1")
            await claude.says("SubagentStop", agent_type="explorer", last_assistant_message="*Found*")
            await claude.says("Notification", message="Claude needs you", notification_type="permission_prompt")
            await claude.says("Stop", last_assistant_message="Hello!", prompt_id="1")

            said = [row.item for row in await rig.agent.outbox.after(0, 100) if isinstance(row.item, Notify)]
            assert [(one.is_markdown, one.ends_turn) for one in said] == [(True, False), (False, False), (True, True)]


async def test_a_reminder_is_told_when_the_end_itself_was_missed(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as claude:
            await claude.says("Stop", last_assistant_message="One", prompt_id="1")
            await claude.says("UserPromptSubmit", prompt="hi", prompt_id="2")
            await claude.says("Notification", message="Waiting", notification_type="idle_prompt", prompt_id="2")
            await claude.says("Notification", message="Waiting", notification_type="idle_prompt", prompt_id="2")

            assert await told(rig) == ["✅ Finished.\n\nOne", "❗ Waiting"]


async def test_hooks_in_two_settings_tell_an_event_once(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as claude:
            await asyncio.gather(
                claude.says("Stop", last_assistant_message="Hello!"),
                replace(claude, scope="project").says("Stop", last_assistant_message="Hello!"),
            )

            assert await told(rig) == ["✅ Finished.\n\nHello!"]


async def test_two_ends_with_the_same_words_are_both_told(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as claude:
            await claude.says("Stop", last_assistant_message="Done.")
            await claude.says("Stop", last_assistant_message="Done.")

            assert await told(rig) == ["✅ Finished.\n\nDone."] * 2


async def test_what_the_hooks_say_of_no_program_changes_nothing(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as claude:
            claude.pid = 2**22 + 1  # higher than any pid
            await claude.says("Stop", last_assistant_message="done")

            assert await shown(rig) == []


async def test_a_program_killed_without_a_word_is_found_gone(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        with program(rig.data_dir) as claude:
            await claude.says("SessionStart", source="startup")
        await rig.agent.sessions.close_gone()

        found = rig.agent.sessions.find(f"session_{claude.conversation_id}")

        assert found is not None
        assert found.state is SessionState.ENDED
