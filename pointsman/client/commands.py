"""Commands: sending them, following them, deciding about those that ended badly."""

from collections.abc import Sequence
from datetime import timedelta

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2

from pointsman.client import convert
from pointsman.client.calls import LONGEST_WAIT, Calls, request_id
from pointsman.client.records import Command, CommandState, DeadLetters, Notification, Origin


class Commands(Calls):
    """Every method raises RouterError."""

    def send_text(
        self,
        session_id: str,
        text: str,
        *,
        ttl: timedelta | None = None,
        request: str | None = None,
        origin: Origin | None = None,
    ) -> Command:
        """Type a text and Enter into a session, once, behind what was sent to it before; not after `ttl` (24 h)."""
        return self._send(
            session_id, types_pb2.Action(input=types_pb2.Input(text=text, submit=True)), ttl, request, origin
        )

    def send_key(
        self, session_id: str, key: str, *, request: str | None = None, origin: Origin | None = None
    ) -> Command:
        """Press a key by its name: "esc", "enter", "ctrl-c", … (`pointsman key --help` lists them)."""
        return self._send(session_id, types_pb2.Action(key=types_pb2.KeyPress(name=key)), None, request, origin)

    def keep(self, session_id: str, *, request: str | None = None, origin: Origin | None = None) -> Command:
        """Let a session that was started from afar go on when its 24 hours are over."""
        return self._send(session_id, types_pb2.Action(keep_session=types_pb2.KeepSession()), None, request, origin)

    def control(
        self,
        session_id: str,
        signal: str,
        value: str = "",
        *,
        ttl: timedelta | None = None,
        request: str | None = None,
        origin: Origin | None = None,
    ) -> Command:
        """Change how the program in a session works: its "mode" or "model" to `value`, "interrupt", "compact", "clear".

        DONE once the program shows or says that it is so; the command's detail says what came of it.
        """
        changed = types_pb2.ControlSignal(kind=convert.control_kind(signal), value=value)
        return self._send(session_id, types_pb2.Action(control=changed), ttl, request, origin)

    def _send(
        self,
        session_id: str,
        action: types_pb2.Action,
        ttl: timedelta | None,
        request: str | None,
        origin: Origin | None,
    ) -> Command:
        asked = pb.SendCommandRequest(
            session_id=session_id, action=action, request_id=request_id(request), ttl=convert.duration(ttl),
            origin=self._sender(origin),
        )  # fmt: skip
        return convert.command(self._call(self._stub.SendCommand, asked).command)

    def command(self, command_id: str, wait: timedelta = timedelta()) -> Command:
        """One command, by its id or a part of it; with `wait` (20 s at most) as soon as it has ended."""
        wait = min(wait, LONGEST_WAIT)
        asked = pb.GetCommandRequest(command_id=command_id, wait=convert.duration(wait))
        return convert.command(self._call(self._stub.GetCommand, asked, wait=wait).command)

    def follow(self, command_id: str) -> Command:
        """One command, once it has ended. A router that restarts meanwhile is waited for."""
        return self._once_over(lambda: self.command(command_id, LONGEST_WAIT), lambda found: found.state.ended)

    def commands(
        self, session_id: str = "", states: Sequence[CommandState] = (), limit: int = 0, before: str = ""
    ) -> list[Command]:
        """Newest first, `limit` of them (100; at most 1,000); only those older than the command `before`, if given."""
        wanted = [types_pb2.CommandState.Value(f"COMMAND_STATE_{state.name}") for state in states]
        asked = pb.ListCommandsRequest(session_id=session_id, states=wanted, limit=limit, before_command_id=before)
        return [convert.command(each) for each in self._call(self._stub.ListCommands, asked).commands]

    def cancel(self, command_id: str, *, request: str | None = None) -> Command:
        """Take a command back: at once while it is queued, else the machine decides."""
        asked = pb.CancelCommandRequest(command_id=command_id, request_id=request_id(request))
        return convert.command(self._call(self._stub.CancelCommand, asked).command)

    def redrive(self, command_id: str, session_id: str = "", *, request: str | None = None) -> Command:
        """A new command from one that ended badly, for the same session or another."""
        asked = pb.RedriveRequest(command_id=command_id, session_id=session_id, request_id=request_id(request))
        return convert.command(self._call(self._stub.Redrive, asked).command)

    def dead_letters(self, limit: int = 1000) -> DeadLetters:
        """What waits for a person, newest first."""
        answer = self._call(self._stub.ListDeadLetters, pb.ListDeadLettersRequest(limit=limit))
        commands = [convert.command(each) for each in answer.commands]
        return DeadLetters(commands, convert.read_all(Notification, answer.notifications))

    def drop(self, command_id: str, *, request: str | None = None) -> Command:
        """Take a dead letter off that list without repeating it."""
        asked = pb.DropDeadLetterRequest(command_id=command_id, request_id=request_id(request))
        return convert.command(self._call(self._stub.DropDeadLetter, asked).command)
