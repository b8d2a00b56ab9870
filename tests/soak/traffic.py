"""One conversation in each chat: its session tells something, the person replies to each message that arrives."""

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import grpc
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.faults.chat import Chat
from tests.faults.load import METADATA

PATIENCE = 900.0  # real seconds for one message; the rest of the run waits its turn meanwhile
MOST_AT_ONCE = 8  # things a session tells before it waits for the person
_GO_ON = types.Button(label="Go on", action="continue")  # what has buttons comes by itself, never in a digest
_ASK = 50.0  # of the router's seconds that one question waits for its answer


class NotDelivered(AssertionError):
    """A notification ended otherwise, or not at all."""


@dataclass
class Conversation:
    """One session and its chat. What was said is there when `run` has ended."""

    chat: Chat
    session: str
    count: int
    rng: random.Random
    told: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    replies: dict[str, int] = field(default_factory=dict)  # the person's message of each text

    @property
    def chat_id(self) -> int:
        return self.chat.chats[self.session]

    def run(self) -> None:
        """Tell a few things at once, reply to each, and so on."""
        while len(self.told) < self.count:
            few = min(self.rng.randint(1, MOST_AT_ONCE), self.count - len(self.told))
            for notification_id in [self._tell() for _ in range(few)]:
                self._reply(self._arrived(notification_id))

    def _tell(self) -> str:
        text = f"note {len(self.told) + 1} of {self.session};"
        notification_id = self.chat.notify(self.session, text, _GO_ON)
        self.told.append(text)
        return notification_id

    def _arrived(self, notification_id: str) -> int:
        """The message it became, once the router knows it: nobody replies faster than that."""
        request = pb.GetNotificationRequest(notification_id=notification_id)
        request.wait.FromSeconds(int(_ASK))
        control, never = self.chat.world.door.control, threading.Event()
        for _ in range(int(PATIENCE * self.chat.world.speed / _ASK)):
            try:
                found = control.GetNotification(request, metadata=METADATA, timeout=_ASK + 10).notification
            except grpc.RpcError:
                never.wait(0.5)
                continue
            if found.state == types.NOTIFICATION_STATE_DELIVERED:
                return int(found.message_ids[-1])
            if found.state not in (types.NOTIFICATION_STATE_QUEUED, types.NOTIFICATION_STATE_SENT):
                break
        raise NotDelivered(f"{notification_id}: {found}")

    def _reply(self, message_id: int) -> None:
        text = f"reply {len(self.written) + 1} to {self.session}"
        message = self.chat.telegram.user_writes(text, chat_id=self.chat_id, reply_to=message_id)
        self.written.append(text)
        self.replies[text] = message.message_id


def hold(conversations: Sequence[Conversation]) -> None:
    """All of them at the same time, to their end. Raises what went wrong in one."""
    wrong: list[BaseException] = []

    def one(conversation: Conversation) -> None:
        try:
            conversation.run()
        except BaseException as error:  # noqa: BLE001 -- raised again by whoever waits
            wrong.append(error)

    threads = [threading.Thread(target=one, args=(conversation,)) for conversation in conversations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]
