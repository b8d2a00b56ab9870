"""What people are told and asked: notifications, permission questions."""

from collections.abc import Sequence
from datetime import timedelta

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2

from pointsman.client import convert
from pointsman.client.calls import LONGEST_WAIT, Calls, request_id
from pointsman.client.people_records import Answer
from pointsman.client.permission_records import FormAnswer, Permission
from pointsman.client.records import Button, Chat, Notification, Origin


class Notifications(Calls):
    """Every method raises RouterError."""

    def notify(
        self,
        session_id: str,
        text: str,
        *,
        buttons: Sequence[Button] = (),
        chats: Sequence[Chat] = (),
        request: str | None = None,
    ) -> list[Notification]:
        """Tell a session's people something: one notification for each chat, by default those that it is told to."""
        asked = pb.NotifyRequest(
            session_id=session_id,
            text=text,
            buttons=[types_pb2.Button(label=each.label, action=each.action) for each in buttons],
            targets=map(convert.chat_ref, chats),
            request_id=request_id(request),
        )
        return convert.read_all(Notification, self._call(self._stub.Notify, asked).notifications)

    def notification(self, notification_id: str, wait: timedelta = timedelta()) -> Notification:
        """One notification; with `wait` as soon as it is delivered, refused or dead."""
        asked = pb.GetNotificationRequest(notification_id=notification_id, wait=convert.duration(wait))
        return convert.read(Notification, self._call(self._stub.GetNotification, asked, wait=wait).notification)

    def notifications(self, session_id: str = "", limit: int = 0, before: str = "") -> list[Notification]:
        """Newest first, `limit` of them (100; at most 1,000); only those older than `before`, if given."""
        return self._list(session_id=session_id, limit=limit, before_notification_id=before)

    def words(self, session_id: str = "", limit: int = 0, before: str = "") -> list[Notification]:
        """As notifications, of what was said alone: without the receipts of commands."""
        return self._list(session_id=session_id, limit=limit, before_notification_id=before, without_receipts=True)

    def last_words(self) -> list[Notification]:
        """The beginning of the last thing each session said."""
        return self._list(last_words=True, limit=1000)

    def open_questions(self, session_id: str) -> list[Notification]:
        """What shows the open permission questions of a session, on all platforms."""
        return self._list(session_id=session_id, open_questions=True)

    def _list(self, **wanted: object) -> list[Notification]:
        asked = pb.ListNotificationsRequest(**wanted)  # type: ignore[arg-type]  # each caller names its fields
        return convert.read_all(Notification, self._call(self._stub.ListNotifications, asked).notifications)

    def permissions(
        self, session_id: str = "", permission_id: str = "", limit: int = 0, *, closed: bool = False
    ) -> list[Permission]:
        """Questions, newest first; those that are over only if `closed`, or if it is the one that is named."""
        asked = pb.ListPermissionsRequest(
            session_id=session_id, permission_id=permission_id, include_closed=closed, limit=limit
        )
        return convert.read_all(Permission, self._call(self._stub.ListPermissions, asked).permissions)

    def ask(
        self,
        session_id: str,
        text: str,
        options: Sequence[str] = (),
        *,
        own_words: bool = False,
        ttl: timedelta | None = None,
        request: str | None = None,
    ) -> Answer:
        """Ask a session's people and wait until one answers, or it is over: by itself after `ttl` (24 h), or with the
        session.

        Without options they answer in their own words. Asked again under the same request, it waits on.
        """
        asked = _asked(session_id, text, options, own_words=own_words, ttl=ttl, request=request, wait=LONGEST_WAIT)
        found = self._once_over(
            lambda: self._call(self._stub.Ask, asked, wait=LONGEST_WAIT),
            lambda found: found.permission.state != types_pb2.PERMISSION_STATE_OPEN,
        )
        return Answer(found.answer, convert.read(Permission, found.permission))

    def ask_for_a_while(
        self,
        session_id: str,
        text: str,
        options: Sequence[str],
        *,
        own_words: bool,
        ttl: timedelta,
        request: str,
        waits: bool = True,
    ) -> Answer:
        """As `ask`, but it returns with an open question where nobody answers soon; at once, unless it `waits`."""
        wait = LONGEST_WAIT if waits else timedelta()
        asked = _asked(session_id, text, options, own_words=own_words, ttl=ttl, request=request, wait=wait)
        found = self._call(self._stub.Ask, asked, wait=wait)
        return Answer(found.answer, convert.read(Permission, found.permission))

    def answer(
        self,
        seen: Permission,
        option_id: str,
        text: str = "",
        *,
        updated_input: str = "",
        answers: Sequence[FormAnswer] = (),
        request: str | None = None,
        origin: Origin | None = None,
    ) -> Permission:
        """Decide about a question as it was `seen`; the first answer counts, later ones are refused.

        `updated_input` is what it is allowed with in the place of what was asked, a JSON object. `answers` are one for
        each question of a form, with no option.
        """
        return self.respond(
            seen.permission_id, seen.input_digest, option_id, text, updated_input=updated_input, answers=answers,
            request=request, origin=origin,
        )  # fmt: skip

    def respond(
        self,
        permission_id: str,
        input_digest: str,
        option_id: str,
        text: str = "",
        *,
        updated_input: str = "",
        answers: Sequence[FormAnswer] = (),
        request: str | None = None,
        origin: Origin | None = None,
    ) -> Permission:
        """As `answer`, for whoever has seen the question elsewhere: by its id and its digest."""
        # With the digest of what was seen: the router refuses a yes to anything else.
        asked = pb.RespondPermissionRequest(
            permission_id=permission_id, input_digest=input_digest, option_id=option_id, text=text,
            request_id=request_id(request), origin=self._sender(origin), updated_input=updated_input,
            answers=map(convert.form_answer, answers),
        )  # fmt: skip
        return convert.read(Permission, self._call(self._stub.RespondPermission, asked).permission)


def _asked(
    session_id: str,
    text: str,
    options: Sequence[str],
    *,
    own_words: bool,
    ttl: timedelta | None,
    request: str | None,
    wait: timedelta,
) -> pb.AskRequest:
    return pb.AskRequest(
        session_id=session_id, text=text, options=options, own_words=own_words, request_id=request_id(request or None),
        expires_in=None if ttl is None else convert.duration(ttl), wait=convert.duration(wait),
    )  # fmt: skip
