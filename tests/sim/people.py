"""People and the platform they write on: they repeat what was not answered, and read what comes."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as control_pb
from agentlink.v1 import types_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from router.domain.command import CommandState
from router.domain.credentials import Principal, Role
from tests.sim.disks import Turns
from tests.sim.loop import Life
from tests.sim.network import Over, Stream, Unreachable
from tests.sim.programs import Program
from tests.sim.record import Message, Wish

if TYPE_CHECKING:
    from tests.sim.world import World

CHAT = Principal("door", Role.CHAT)
ADMIN = Principal("people", Role.ADMIN)
STATES = {pb.CommandState.Value(f"COMMAND_STATE_{state.name}"): state.value for state in CommandState}
BEFORE = re.compile(r"and the (\d+) before it\.$")
POSTING = (0.0, 0.02, 0.3)  # seconds a platform takes


class People:
    """Everybody who wants something typed. A door repeats an update until it is answered, as platforms do."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.life = Life("people")

    def write(self, session_id: str) -> None:
        """Write a message to a session; sometimes the platform brings it twice."""
        wish = self._wish(session_id, from_chat=True)
        for _ in range(1 + (self.world.random.random() < 0.25)):
            self.world.spawn(self._insist(wish, lambda: self._submit(wish)))

    def send(self, session_id: str, ttl: float | None) -> None:
        """Send a command by the API."""
        wish = self._wish(session_id, from_chat=False, ttl=ttl)
        self.world.spawn(self._insist(wish, lambda: self._send(wish)))

    def press(self, session_id: str) -> None:
        """Press an urgent key."""
        keys = self.world.record.keys
        keys[session_id] = keys.get(session_id, 0) + 1
        action = pb.Action(key=pb.KeyPress(name="esc"))
        request = control_pb.SendCommandRequest(session_id=session_id, action=action, request_id=self._key())
        self.world.spawn(self._try("SendCommand", request, control_pb.SendCommandResponse))

    def cancel(self, wish: Wish) -> None:
        """Take something back."""
        request = control_pb.CancelCommandRequest(command_id=wish.command_id)
        self.world.spawn(self._try("CancelCommand", request, control_pb.CancelCommandResponse))

    def redrive(self, wish: Wish) -> None:
        """Ask again for what ended badly."""
        redriven = self.world.record.redriven
        redriven[wish.text] = redriven.get(wish.text, 0) + 1
        request = control_pb.RedriveRequest(command_id=wish.command_id, request_id=self._key())
        self.world.spawn(self._try("Redrive", request, control_pb.RedriveResponse))

    def _wish(self, session_id: str, *, from_chat: bool, ttl: float | None = None) -> Wish:
        wishes = self.world.record.wishes
        text = f"w{len(wishes) + 1}"
        wishes[text] = Wish(self._key(), session_id, text, from_chat, asyncio.get_running_loop().time(), ttl)
        return wishes[text]

    def _key(self) -> str:
        return f"telegram:1:{self.world.new_id()}"

    async def _insist(self, wish: Wish, attempt: Callable[[], Awaitable[str]]) -> None:
        while True:
            try:
                wish.command_id = await attempt()
                wish.answered = True
                return
            except Unreachable as error:
                if not error.helps_to_repeat:
                    wish.answered = wish.refused = True
                    return
            await asyncio.sleep(self.world.random.uniform(0.3, 3.0))

    async def _submit(self, wish: Wish) -> str:
        chat = pb.ChatRef(transport="telegram", chat_id=f"c{int(wish.text[1:]) % 2}", message_id=wish.key)
        request = chat_pb.SubmitRequest(
            update_key=wish.key, chat=chat, actor="ada", text=wish.text, session_id=wish.session_id
        )
        answer = await self.world.call("/agentlink.v1.ChatLink/Submit", CHAT, request, chat_pb.SubmitResponse)
        wish.refused = bool(answer.answer) and not answer.command_id
        return str(answer.command_id)

    async def _send(self, wish: Wish) -> str:
        action = pb.Action(input=pb.Input(text=wish.text, submit=True))
        ttl = None if wish.ttl is None else Duration(seconds=int(wish.ttl))
        request = control_pb.SendCommandRequest(session_id=wish.session_id, action=action, request_id=wish.key, ttl=ttl)
        method = "/agentlink.v1.Control/SendCommand"
        answer = await self.world.call(method, ADMIN, request, control_pb.SendCommandResponse)
        return str(answer.command.command_id)

    async def _try(self, name: str, request: Any, response_class: Any) -> None:
        try:
            await self.world.call(f"/agentlink.v1.Control/{name}", ADMIN, request, response_class)
        except Unreachable as error:
            self.world.note("people", f"{name} failed: {error}")


class Courier(Program):
    """Takes the outbox to the platform."""

    stream: Stream | None = None

    async def run(self, _turns: Turns) -> None:
        while True:
            self.stream = stream = self.world.dial(self.life, "/agentlink.v1.ChatLink/Deliver", CHAT)
            chats = [pb.ChatRef(transport="telegram", chat_id="c0")]
            opening = chat_pb.DeliverOpen(transport="telegram", instance_id="1", default_chats=chats)
            stream.up.put(chat_pb.DeliveryReceipt(open=opening).SerializeToString())
            while not isinstance(raw := await stream.down.get(), Over):
                self.life.spawn(self._bring(stream, chat_pb.Delivery.FromString(raw)))
            await asyncio.sleep(self.world.random.uniform(0.2, 2.0))

    async def _bring(self, stream: Stream, delivery: chat_pb.Delivery) -> None:
        await asyncio.sleep(self.world.random.choice(POSTING))
        if not self.life.alive:
            return
        note = delivery.notification
        receipt = chat_pb.DeliveryReceipt(notification_id=note.notification_id, attempt=delivery.attempt)
        if self.world.random.random() < 0.05:
            receipt.retry_later.retry_after.seconds = 2
        else:
            others = int(found[1]) if (found := BEFORE.search(note.text)) else 0
            state = STATES.get(delivery.command_state, "")
            is_edit = bool(delivery.edit_message_ids)
            message = Message(note.notification_id, note.command_id, state, others, is_edit)
            self.world.record.messages.append(message)
            receipt.delivered.message_ids.append(f"p{len(self.world.record.messages)}")
        stream.up.put(receipt.SerializeToString())
