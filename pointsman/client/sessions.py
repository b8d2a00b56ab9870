"""Sessions: what there is, starting one on a machine, ending one."""

from collections.abc import Sequence
from datetime import timedelta

from agentlink.v1 import control_pb2 as pb

from pointsman.client import convert, workspaces
from pointsman.client.calls import Calls, request_id
from pointsman.client.records import Chat, Command, Origin, Session
from pointsman.client.workspaces import Place


class Sessions(Calls):
    """Every method raises RouterError."""

    def sessions(
        self,
        machine_id: str = "",
        *,
        include_ended: bool = False,
        reachable: bool = False,
        patience: float | None = None,
    ) -> list[Session]:
        """In the order of their registration; of one machine, if it is given.

        `reachable`: for the program in a session also those that it may send to without anybody being asked.
        """
        request = pb.ListSessionsRequest(machine_id=machine_id, include_ended=include_ended, reachable=reachable)
        return convert.read_all(Session, self._call(self._stub.ListSessions, request, patience).sessions)

    def register_session(self, session_id: str, machine_id: str, label: str = "") -> Session:
        """Make a session known, or move and refresh it. Not seen for 30 days, it ends."""
        request = pb.RegisterSessionRequest(session_id=session_id, machine_id=machine_id, label=label)
        return convert.read(Session, self._call(self._stub.RegisterSession, request).session)

    def unregister_session(self, session_id: str) -> None:
        """End a session; its queued commands become dead letters."""
        self._call(self._stub.UnregisterSession, pb.UnregisterSessionRequest(session_id=session_id))

    def start(
        self,
        prompt: str,
        machine_id: str = "",
        folder: str = "",
        *,
        agent: str = "",
        conversation_id: str = "",
        workspace: Place | None = None,
        keep: bool = False,
        ttl: timedelta | None = None,
        request: str | None = None,
        origin: Origin | None = None,
    ) -> Command:
        """Start a coding agent on a machine, without a terminal; the command is the session's first.

        `agent` is the name of one of the machine's programs, Claude Code where it is empty. Without `machine_id` the
        only machine, without `folder` the first that it allows; with a `workspace` in that, which is made where it is
        not there. `keep` lets it go on beyond 24 hours. Not begun after
        `ttl`, it is not begun any more.
        """
        asked = pb.StartSessionRequest(
            machine_id=machine_id, folder=folder, prompt=prompt, conversation_id=conversation_id, keep=keep,
            request_id=request_id(request), ttl=convert.duration(ttl), origin=self._sender(origin), agent=agent,
            workspace=workspaces.message(workspace) if workspace else None,
        )  # fmt: skip
        return convert.command(self._call(self._stub.StartSession, asked).command)

    def rename(self, session_id: str, label: str, *, request: str | None = None) -> Session:
        """Give a session a name that its machine does not change; by an empty one it is called as its machine does."""
        asked = pb.RenameSessionRequest(session_id=session_id, label=label, request_id=request_id(request))
        return convert.read(Session, self._call(self._stub.RenameSession, asked).session)

    def follow_session(self, session_id: str, chats: Sequence[Chat] = (), *, request: str | None = None) -> list[Chat]:
        """Let chats hear of a session, or those that hear of all; everybody who hears of it now."""
        asked = pb.FollowRequest(
            session_id=session_id, chats=map(convert.chat_ref, chats), request_id=request_id(request)
        )
        return convert.read_all(Chat, self._call(self._stub.Follow, asked).audience)

    def unfollow_session(
        self, session_id: str, chats: Sequence[Chat] = (), *, request: str | None = None
    ) -> list[Chat]:
        """Let chats hear of a session no more; everybody who still does."""
        asked = pb.UnfollowRequest(
            session_id=session_id, chats=map(convert.chat_ref, chats), request_id=request_id(request)
        )
        return convert.read_all(Chat, self._call(self._stub.Unfollow, asked).audience)

    def audience(self, session_id: str) -> tuple[list[Chat], list[Chat]]:
        """Who hears of a session, and which chats that want messages do not."""
        # The call that changes it tells it as well: so both are said in the same words.
        told = self._call(self._stub.Follow, pb.FollowRequest(session_id=session_id, only_tell=True))
        return convert.read_all(Chat, told.audience), convert.read_all(Chat, told.others)

    def mute(
        self, session_id: str, chat: Chat, until: str = "", *, off: bool = False, request: str | None = None
    ) -> str:
        """Let a session make no sound in a chat, for good or until a time; or be heard again. Told in words."""
        asked = pb.MuteRequest(
            session_id=session_id, chat=convert.chat_ref(chat), until=until, off=off, request_id=request_id(request)
        )
        return self._call(self._stub.Mute, asked).told

    def stop(self, session_id: str, *, request: str | None = None, origin: Origin | None = None) -> Command:
        """End a session that its machine runs without a terminal; one that has not begun is not begun any more."""
        asked = pb.StopSessionRequest(
            session_id=session_id, request_id=request_id(request), origin=self._sender(origin)
        )
        return convert.command(self._call(self._stub.StopSession, asked).command)
