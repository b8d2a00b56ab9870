"""Bugs planted on purpose: the simulation must find each. They live here and not behind a switch in the product."""

import asyncio
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from agentlink.v1 import chat_link_pb2 as chat_pb

from agent.domain.command import Command
from agent.domain.frames import Receipt, ReceiptOutcome, Welcome
from agent.store.inbox import AtOnce, Inbox
from agent.store.outbox import Outbox
from router.api.chat_link import ChatLinkServicer
from router.api.convert.submissions import inbound, submit_response
from router.app import Router
from router.domain.command import Command as RouterCommand
from router.domain.command import CommandState, Returned
from router.link.hub import Hub, Link
from router.services.outbox.status_messages import StatusMessages
from router.store import commands, idempotency
from router.store.database import Transaction
from tests.sim.loop import Life


class Plant:
    """Nothing is planted: the product as it is."""

    def router(self, router: Router, life: Life) -> None:
        """Change a router before it serves."""

    def inbox(self, database: Any, outbox: Outbox) -> Inbox:
        """The inbox of an agent."""
        return Inbox(database, outbox)


class ResendOnHealthyLink(Plant):
    """The router sends again what has no receipt for a second, on the link on which it was sent."""

    def router(self, router: Router, life: Life) -> None:
        life.spawn(self._resend(router))

    async def _resend(self, router: Router) -> None:
        delivery = router._delivery
        while True:
            await asyncio.sleep(1.0)
            for link in delivery._hub.all():
                again = router.database.write(lambda tx, link=link: self._again(tx, router, link))
                again.add_done_callback(lambda done: done.exception())

    def _again(self, tx: Any, router: Router, link: Link) -> None:
        delivery = router._delivery
        now = delivery._clock.monotonic()
        for command in commands.live_of_machine(tx, link.machine_id, [CommandState.SENT]):
            flight = link.in_flight.get(command.command_id)
            if flight is not None and now - flight.sent > 1.0:
                link.release(tx, command.command_id)
                commands.change(tx, command, Returned(charged=False), delivery._clock.now())
        delivery.claim(tx, link)


class ReceiptBeforeFsync(Plant):
    """The agent confirms commands when it has them in memory."""

    def inbox(self, database: Any, outbox: Outbox) -> Inbox:
        return _HastyInbox(database, outbox)


class _HastyInbox(Inbox):
    def store(
        self, commands: Sequence[Command], now: float, at_once: Mapping[str, AtOnce] = MappingProxyType({})
    ) -> "asyncio.Future[tuple[Receipt, ...]]":
        super().store(commands, now, at_once).add_done_callback(lambda done: done.exception())
        answered: asyncio.Future[tuple[Receipt, ...]] = asyncio.get_running_loop().create_future()
        answered.set_result(tuple(Receipt(command.command_id, ReceiptOutcome.STORED) for command in commands))
        return answered


class DedupeOutsideTransaction(Plant):
    """The router looks for an update's first answer in one transaction and takes the update in another one."""

    def router(self, router: Router, _life: Life) -> None:
        chats = router.servicers.chats
        hasty = copy(chats)
        hasty.__class__ = _TwoStepChats
        router.servicers = replace(router.servicers, chats=hasty)


class _TwoStepChats(ChatLinkServicer):
    async def Submit(self, request: chat_pb.SubmitRequest, _call: Any) -> chat_pb.SubmitResponse:
        written = inbound(request)
        if await self._database.read(lambda c: idempotency.answered(c, written.update_key, None)):
            return chat_pb.SubmitResponse(duplicate=True)
        submitted = await self._database.write(lambda tx: self._inbound.submit(tx, written))
        response = submit_response(submitted)
        remembered = "INSERT OR IGNORE INTO requests (key, digest, response, created_at) VALUES (?, x'', ?, ?)"
        values = (written.update_key, response.SerializeToString(), self._inbound.now())
        await self._database.write(lambda tx: tx.execute(remembered, values))
        return response


class AnswerBeforeCommit(Plant):
    """The router answers a door when it has the command in memory."""

    def router(self, router: Router, _life: Life) -> None:
        chats = router.servicers.chats
        hasty = copy(chats)
        hasty.__class__ = _HastyChats
        router.servicers = replace(router.servicers, chats=hasty)


class _HastyChats(ChatLinkServicer):
    async def Submit(self, request: chat_pb.SubmitRequest, call: Any) -> chat_pb.SubmitResponse:
        written = inbound(request)
        stored = self._database.write(lambda tx: self._submit(call.caller(), tx, written))
        stored.add_done_callback(lambda done: done.exception())
        return chat_pb.SubmitResponse()


class EveryLinkCurrent(Plant):
    """The router hears links that a newer one has replaced."""

    def router(self, router: Router, _life: Life) -> None:
        router._delivery._hub.__class__ = _TrustingHub


class _TrustingHub(Hub):
    def is_current(self, link: Link) -> bool:
        return self.get(link.machine_id) is not None


class PruneTooEarly(Plant):
    """The agent forgets every command that has ended, at the next link."""

    def inbox(self, database: Any, outbox: Outbox) -> Inbox:
        return _ForgetfulInbox(database, outbox)


class _ForgetfulInbox(Inbox):
    def welcomed(self, welcome: Welcome, now: float) -> "asyncio.Future[None]":
        done = super().welcomed(welcome, now)
        forgotten = self._database.write(lambda tx: tx.execute("DELETE FROM inbox WHERE state = 'finished'"))
        forgotten.add_done_callback(lambda done: done.exception())
        return done


class EndToldAgain(Plant):
    """The router tells of each end in one more message."""

    def router(self, router: Router, _life: Life) -> None:
        object.__setattr__(router._delivery._status_messages, "__class__", _ToldAgain)


class _ToldAgain(StatusMessages):
    __slots__ = ()

    def ended(self, tx: Transaction, command: RouterCommand) -> None:
        super().ended(tx, command)
        if command.origin.chat:
            self.show(tx, command, command.origin.chat)


PLANTS: dict[str, type[Plant]] = {
    "resend-on-healthy-link": ResendOnHealthyLink,
    "receipt-before-fsync": ReceiptBeforeFsync,
    "dedupe-outside-transaction": DedupeOutsideTransaction,
    "answer-before-commit": AnswerBeforeCommit,
    "every-link-current": EveryLinkCurrent,
    "prune-too-early": PruneTooEarly,
    "end-told-again": EndToldAgain,
}
