"""What becomes of notes, each done once at the router's doors; gives what the audit calls it by."""

from collections.abc import Callable

from agentlink.v1 import memory_pb2 as pb

from router.domain.audit import AuditEvent
from tests.integration.router.harness import RouterUnderTest
from tests.rigs.session_program import Doors
from tests.rigs.thin_agent import session


def a_note_kept(router: RouterUnderTest) -> str:
    machine = router.machine()
    with machine.connected(sessions=[session("noting", cwd="/src")]) as link:
        link.heard()
        note = Doors(router.address, machine.worker_token("noting")).Remember(pb.RememberRequest(text="x")).note
    router.memory.Keep(pb.KeepRequest(number=note.number))
    return f"note-{note.number}"


def a_note_forgotten(router: RouterUnderTest) -> str:
    note = router.memory.Remember(pb.RememberRequest(text="x")).note
    router.memory.Forget(pb.ForgetRequest(number=note.number))
    return f"note-{note.number}"


NOTES_CHANGED: dict[AuditEvent, Callable[[RouterUnderTest], str]] = {
    AuditEvent.NOTE_KEPT: a_note_kept,
    AuditEvent.NOTE_FORGOTTEN: a_note_forgotten,
}
NOTES_LEAVE: dict[str, AuditEvent | str] = {
    "Memory/Remember": "what became of it is told by its trace",
    "Memory/Recall": "it changes nothing",
    "Memory/List": "it changes nothing",
    "Memory/Forget": AuditEvent.NOTE_FORGOTTEN,
    "Memory/Keep": AuditEvent.NOTE_KEPT,
}
