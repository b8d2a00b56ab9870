"""The chat shows that a session works on what was written there."""

from pathlib import Path

from agentlink.v1 import types_pb2 as types

from tests.integration.router.work import working
from tests.integration.router.work.working import Worker
from tests.integration.telegram.scene import ADA, GROUP, Scene, playing
from tests.rigs.thin_agent import ThinLink, session

BUSY, IDLE = types.SESSION_STATE_BUSY, types.SESSION_STATE_IDLE


def works(scene: Scene, link: ThinLink, seq: int, state: types.SessionState.ValueType) -> None:
    """Its machine says what it does; on the router's disk."""
    link.frame(session_update=session(scene.session, upstream_seq=seq, label="api", state=state))
    link.acked(seq)


def test_a_reply_that_a_session_works_on_is_seen_to_be_worked_on(data_dir: Path) -> None:
    with playing(data_dir) as scene, scene.linked() as link:
        scene.router.notify(scene.session, text="ready")
        scene.replies(scene.sees("ready"), "go on", ADA)
        [command] = link.commands(1)
        works(scene, link, 1, BUSY)
        link.result(2, command.command_id)

        scene.telegram.wait_for(lambda: scene.telegram.world.chat_actions)
        works(scene, link, 3, IDLE)

    assert set(scene.telegram.world.chat_actions) == {(GROUP, "typing")}


def test_what_a_session_does_by_itself_is_not_shown(data_dir: Path) -> None:
    with playing(data_dir) as scene, scene.linked() as link:
        works(scene, link, 1, BUSY)
        scene.router.notify(scene.session, text="all by myself")
        scene.sees("all by myself")

    assert scene.telegram.calls("sendChatAction") == []


def test_where_turns_are_shown_so_is_that_a_session_works(data_dir: Path) -> None:
    with playing(data_dir) as scene, scene.linked() as link:
        scene.telegram.user_writes("/settings progress", chat_id=GROUP, user_id=ADA)
        scene.telegram.wait_for_message("Progress", chat_id=GROUP)
        works(scene, link, 1, BUSY)
        worker = Worker(scene.router, link, scene.session)
        worker.does(working.BUSY)

        worker.until(lambda: scene.telegram.world.chat_actions)
