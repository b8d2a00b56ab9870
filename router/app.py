"""Builds the router out of its parts, runs it, and stops it in order."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from router import key_file, local_socket
from router.api.agent_link import AgentLinkServicer
from router.api.auth import Guard
from router.api.chat_link import ChatLinkServicer
from router.api.control.part import ControlServices, Deferral
from router.api.control.servicer import ControlServicer
from router.api.convert.session_events import happened
from router.api.identity import IdentityServicer
from router.api.link_stream import LinkServices
from router.api.memory import MemoryServicer
from router.api.people_calls import PeopleServices
from router.api.server import Server, Servicers
from router.api.turns import Turns
from router.clock import Clock, SteadyClock, local_zone
from router.config import RouterConfig, SettingsError
from router.domain.audit import KEPT
from router.domain.clock_steps import DAY
from router.domain.credentials import Role
from router.domain.gates import NOTHING_ASKED, Requirements
from router.domain.quick import FEW, Daily
from router.domain.quotas import USUAL, Quotas
from router.domain.risk import SHIPPED, RiskRule
from router.domain.router_key import RouterKey
from router.folder_lock import locked
from router.link.hub import Hub
from router.randomness import SYSTEM, Randomness, new_id
from router.risk_rules import read_rules
from router.seal import Seal
from router.services.answer_rules import AnswerRules
from router.services.batches import Batches
from router.services.callbacks import Callbacks
from router.services.chat.answer_rules import ChatAnswerRules
from router.services.chat.audience import AudienceCommands
from router.services.chat.batches import ChatBatches
from router.services.chat.bindings import BoundChats
from router.services.chat.buttons import ChatButtons
from router.services.chat.commands import ChatCommands
from router.services.chat.deferrals import ChatDeferrals
from router.services.chat.inbound import InboundService
from router.services.chat.notes import ChatNotes
from router.services.chat.pages import Pages
from router.services.chat.proposals import ChatProposals
from router.services.chat.settings import SettingsCommands
from router.services.chat.starts import ChatStarts
from router.services.chat.topics import Topics
from router.services.chat.voices import Voices
from router.services.chat.workspaces import ChatWorkspaces
from router.services.concerns import Concerns
from router.services.controls import Controls
from router.services.deferral.deferrals import Deferrals
from router.services.deferral.limits import Limits
from router.services.deferral.occurrences import Occurrences
from router.services.delivery.dead_letters import DeadLetters
from router.services.delivery.engine import DeliveryEngine
from router.services.escalations import Escalations
from router.services.events import EventLog
from router.services.files import Files
from router.services.gates import Gates
from router.services.janitor import Janitor, Words
from router.services.links.enrolment import Enrolment
from router.services.links.gates import LinkGates
from router.services.links.machine_keys import MachineKeys
from router.services.links.presence import Presence
from router.services.links.upstream import UpstreamService
from router.services.memory.notes import Memory
from router.services.outbox.delivery_receipts import DeliveryReceipts
from router.services.outbox.leases import Outbox
from router.services.outbox.notifications import Notifications, new_token
from router.services.outbox.status_lines import StatusLines
from router.services.outbox.status_messages import StatusMessages
from router.services.outbox.work_messages import WorkMessages
from router.services.people.api_keys import ApiKeys
from router.services.people.browsers import Browsers
from router.services.people.pairing import Pairing
from router.services.people.passkeys import Passkeys
from router.services.people.persons import Persons
from router.services.people.second_factor import SecondFactors
from router.services.people.subscriptions import Subscriptions
from router.services.permissions import Permissions
from router.services.refusals import Refusals
from router.services.screens import Screens
from router.services.session_messages import SessionMessages
from router.services.sessions import SessionService
from router.services.starts import Starts
from router.services.upkeep import retention
from router.services.upkeep.stats import Stats
from router.services.upkeep.timers import Timers
from router.services.upkeep.unseen import Unseen
from router.services.wakeups import ANYTHING, Wakeups
from router.services.work_events import WorkEvents
from router.services.workspace_moves import WorkspaceMoves
from router.services.workspaces import Workspaces
from router.store import audit, clock_steps, integrity
from router.store import events as event_store
from router.store.database import Database
from router.store.integrity import Damaged
from router.store.meta import router_id
from router.store.migrations import NewerSchema, migrate
from router.store.registry import TABLES

logger = logging.getLogger(__name__)
SEAL = "second_factor.key"  # beside the database, and in no backup of it


class Router:
    """The parts, put together."""

    def __init__(
        self, database: Database, key: RouterKey, clock: Clock, settings_keys: Mapping[Role, str], model: str = "",
        randomness: Randomness = SYSTEM, audit_kept: float = KEPT, requirements: Requirements = NOTHING_ASKED,
        rules: tuple[RiskRule, ...] = SHIPPED, quotas: Quotas = USUAL, zone: str = "UTC", cap: Daily = FEW,
    ) -> None:  # fmt: skip
        subscriptions = Subscriptions(seal := Seal(database.path.with_name(SEAL)), clock, randomness.new_id)
        hub, wakeups, new_id, token = Hub(), Wakeups(), randomness.new_id, partial(new_token, randomness.secret)
        self.database, self._settings_keys, jitter = database, settings_keys, randomness.jitter
        lines, gates = StatusLines(clock, new_id, token, hub.connected), Gates(requirements, clock)
        self._outbox = outbox = Outbox(clock, jitter, wakeups, lines, subscriptions.why_not)
        status_messages = StatusMessages(outbox, lines, clock, new_id, token, hub.connected)
        delivery = DeliveryEngine(hub, status_messages, wakeups, gates, clock, new_id, jitter, cap, zone)
        self.workspaces, janitor, starts = _workspaces(delivery, gates, hub, clock, new_id)
        topics, memory = Topics(outbox, status_messages, clock, new_id), Memory.of(status_messages, clock, model)
        dead_letters = DeadLetters(delivery, starts, status_messages, clock)
        people, refusals = _people(seal, subscriptions, status_messages, clock, randomness), Refusals(database, clock)
        again, presence = Escalations(outbox, wakeups, clock, new_id, token, rules, zone), Presence(hub)
        permissions = Permissions(delivery, outbox, wakeups, clock, new_id, again, people.second_factors, rules, quotas)
        session_messages, turns = SessionMessages(delivery, permissions, status_messages, clock, new_id), Turns(clock)
        answer_rules, batches = AnswerRules(permissions, clock, new_id), Batches(permissions, delivery, dead_letters)
        permissions.let_hear(over=session_messages.answered, asked=answer_rules.asked)
        deferral = _deferral(delivery, starts, status_messages, hub, wakeups, clock, new_id, zone)
        sessions = SessionService(delivery, permissions, topics, clock, hub.connected, wakeups, quotas, deferral.limits)
        enrolment, screens = Enrolment(hub, sessions, clock, randomness.secret, key.fingerprint), Screens(hub)
        self._keys = keys = ApiKeys(database, clock, randomness.secret, enrolment.join_tokens)
        self.events, work_messages, self._work = _turns(database, hub, outbox, clock, new_id, token)
        notifications = Notifications(outbox, clock, new_id, token, quotas, self._work.said, delivery.quick.answered)
        machine_keys = MachineKeys(hub, delivery, notifications, clock, key.router_id)
        upstream = UpstreamService(hub, delivery, sessions, notifications, permissions, self.workspaces,
            LinkGates(gates, notifications, clock), refusals, clock, key.router_id, jitter)  # fmt: skip
        stats, controls = Stats(database, hub, outbox, delivery, clock, quotas), Controls(delivery, clock, rules)
        bound = _inbound(hub, delivery, status_messages, dead_letters, permissions, starts, deferral, clock, controls,
            people.pairing, batches, answer_rules, memory, notifications, new_id, janitor)  # fmt: skip
        database.on_commit, voices = partial(wakeups.wake, ANYTHING), bound.inbound.voices  # watchers look for it
        lost, concerns = Unseen(sessions, notifications, clock), Concerns(permissions, again, hub, clock)
        concerns.hear(status_messages, notifications, sessions, deferral.limits, controls)
        files, clean = Files(database, notifications, clock, quotas), partial(retention.clean, audit_kept=audit_kept)
        self.timers = Timers(database, delivery, permissions, outbox, presence, lost, refusals, keys, clean, self._work,
            self.events, voices, bound.proposals, deferral.occurrences, janitor, concerns, wakeups, clock)  # fmt: skip
        guard = Guard(keys, machine_keys, database, refusals, wakeups, clock, key.router_id, turns)
        services = ControlServices(guard, database, clock, hub, delivery, sessions, notifications, enrolment, keys,
            machine_keys, wakeups, stats, dead_letters, permissions, starts, controls, presence, gates, clean,
            self.events, screens, people, deferral, session_messages, answer_rules, batches, janitor,
            Callbacks(delivery, status_messages, clock, randomness.secret))  # fmt: skip
        told = DeliveryReceipts(outbox, status_messages, topics, subscriptions, work_messages, again.failed)
        links = LinkServices(database, clock, delivery, upstream, presence, turns, self.events, screens, jitter)
        self._delivery_receipts, self._delivery, self.servicers = told, delivery, Servicers(
            AgentLinkServicer(links, enrolment, machine_keys, files), ChatLinkServicer(database, bound, outbox, told,
            files, people, permissions, concerns, refusals, memory.embeddings), ControlServicer(services),
            MemoryServicer(services, memory), IdentityServicer(key), guard)  # fmt: skip

    async def recover(self) -> None:
        """Bring what a crash left behind into order before anyone may connect."""
        # In this order: what was sent is queued again before anybody can be sent anything, and some ends as it is.
        await self.database.write(self._outbox.load)
        await self.database.write(self._delivery.recover)
        await self.database.write(self._outbox.recover)
        await self.database.write(self._delivery_receipts.recover)
        await self.database.write(self._keys.load)
        await self.database.write(self._delivery.quick.load)
        for role, secret in self._settings_keys.items():
            await self.database.write(partial(self._keys.bootstrap, secret=secret, role=role))
        await self.database.write(audit.tell)
        await self._work.recover()


def _inbound(
    hub: Hub, delivery: DeliveryEngine, status_messages: StatusMessages, dead_letters: DeadLetters,
    permissions: Permissions, starts: Starts, deferral: Deferral, clock: Clock, controls: Controls, pairing: Pairing,
    batches: Batches, rules: AnswerRules, memory: Memory, notifications: Notifications, new_id: Callable[[], str],
    janitor: Janitor,
) -> BoundChats:  # fmt: skip
    later = ChatDeferrals(deferral.kept, deferral.occurrences, deferral.limits, starts, status_messages, clock)
    many = ChatBatches(batches, rules, status_messages, clock, new_id)
    for_a_time, pages = ChatAnswerRules(rules, status_messages, clock, deferral.kept.zone), Pages(permissions, controls)
    settings, notes = SettingsCommands(clock, deferral.kept.zone), ChatNotes(memory, status_messages)
    followed = AudienceCommands(pairing, settings)
    commands = ChatCommands(delivery, settings, hub, later, followed, many, ChatWorkspaces(janitor))
    proposals = ChatProposals(starts, status_messages, delivery.quick, clock, new_id)
    notifications.on_proposed.append(proposals.proposed)
    buttons = ChatButtons(delivery, dead_letters, status_messages, later, many, notes, proposals)
    inbound = InboundService(status_messages, commands, buttons, permissions,
        ChatStarts(starts, controls, delivery, hub.connected), controls, pages,
        Voices(status_messages, clock), later, notes, for_a_time, clock)  # fmt: skip
    return BoundChats(inbound, proposals, starts, permissions, delivery, status_messages)


def _turns(
    database: Database, hub: Hub, outbox: Outbox, clock: Clock, new_id: Callable[[], str],
    new_token: Callable[[], str],
) -> tuple[EventLog, WorkMessages, WorkEvents]:  # fmt: skip
    """What sessions do, and what chats are shown of it."""
    log, work_messages = EventLog(database, hub, clock), WorkMessages(outbox, clock, new_id, new_token)
    return log, work_messages, WorkEvents(log, database, work_messages, clock, happened)


def _deferral(
    delivery: DeliveryEngine, starts: Starts, status_messages: StatusMessages, hub: Hub, wakeups: Wakeups, clock: Clock,
    new_id: Callable[[], str], zone: str,
) -> Deferral:  # fmt: skip
    kept = Deferrals(starts, hub.connected, wakeups, clock, new_id, zone)
    occurrences = Occurrences(delivery, starts, status_messages, hub.connected, clock)
    return Deferral(kept, occurrences, Limits(kept, status_messages, clock))


def _workspaces(
    delivery: DeliveryEngine, gates: Gates, hub: Hub, clock: Clock, new_id: Callable[[], str]
) -> tuple[Workspaces, Janitor, Starts]:
    kept = Workspaces(delivery, WorkspaceMoves(delivery, clock, new_id), clock, new_id)
    janitor = Janitor(kept, Words(clock), hub.connected, clock)
    return kept, janitor, Starts(delivery, gates, kept, clock, new_id, janitor.spare)


def _people(
    seal: Seal, subscriptions: Subscriptions, status_messages: StatusMessages, clock: Clock, randomness: Randomness
) -> PeopleServices:
    pairing = Pairing(status_messages, clock, randomness.new_id, randomness.secret)
    second_factors = SecondFactors(seal, clock, randomness.secret, Passkeys(clock, randomness.secret))
    browsers, persons = Browsers(clock, pairing, subscriptions), Persons(clock, subscriptions)
    return PeopleServices(browsers, pairing, persons, second_factors, subscriptions)


async def serve(config: RouterConfig, ready: Callable[[str], None]) -> None:
    """Run the router until SIGTERM or SIGINT. `ready` is told the address once it serves."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(config, ready):
        await stop.wait()


@asynccontextmanager
async def running(
    config: RouterConfig, ready: Callable[[str], None], *, clock: Clock | None = None,
    database: Callable[[Path, asyncio.AbstractEventLoop], Database] = Database,
) -> AsyncIterator[Router]:  # fmt: skip
    """A router that serves inside the block and is stopped in order after it. Ends the block if a timer breaks."""
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(config.data_dir):
        store = database(config.database_path, asyncio.get_running_loop())
        clock = clock or SteadyClock()
        rules = read_rules(config.risk_rules)  # first: a bad file must stop it before anything is touched
        identity = await asyncio.to_thread(_prepare, store, clock)
        key = await asyncio.to_thread(key_file.load, config.data_dir, identity)
        router = Router(
            store, key, clock, config.keys, audit_kept=config.audit_days * DAY,
            requirements=config.requirements, rules=rules, quotas=config.quotas, cap=config.quick,
            zone=local_zone(config.zone), model=config.embeddings,
        )  # fmt: skip
        # Migrated and read before the writer thread runs: nobody else has the file open.
        server = Server(router.servicers)
        store.start()
        try:
            # Before it listens: a link that came first would be taken for one of before.
            await router.recover()
            async with _keeping_events(router.events, config.events_path):
                try:
                    ready(await server.start(config.listen, config.tls, _socket(config.data_dir)))
                    async with _ticking(router, server):
                        yield router
                finally:
                    await server.stop()
        finally:
            await store.stop()  # last: everything above may still write


@asynccontextmanager
async def _keeping_events(log: EventLog, path: Path) -> AsyncIterator[None]:
    """What sessions do is worth less than commands: without room for it the router goes on."""
    # A power cut may take its newest commits back: machines tell them again. So none of them waits for the disk.
    database = Database(path, asyncio.get_running_loop(), synchronous="normal")
    try:
        await asyncio.to_thread(event_store.opened, database)
    except (Damaged, OSError) as error:
        logger.warning("what sessions do is not kept, as %s cannot be used: %s", path, error)
        yield
        return
    database.start()
    try:
        await log.open(database)
        yield
    finally:
        await log.close()
        await database.stop()


def _socket(data_dir: Path) -> Path:
    try:
        return local_socket.claim(data_dir)
    except OSError as error:
        raise SettingsError(f"cannot listen on the router's socket: {error}") from None


@asynccontextmanager
async def _ticking(router: Router, server: Server) -> AsyncIterator[None]:
    try:
        async with asyncio.TaskGroup() as group:  # a timer that breaks cancels the block
            path = router.database.path
            tasks = (router.timers.run(server.health.tell), integrity.watch(path, TABLES))
            running = [group.create_task(each) for each in tasks]
            try:
                yield
            finally:
                for each in running:
                    each.cancel()
    except BaseExceptionGroup as broken:
        if damaged := broken.subgroup(Damaged):
            raise _unusable(router.database.path, damaged.exceptions[0]) from None
        raise


def _prepare(database: Database, clock: Clock) -> str:
    previous = os.umask(0o077)  # the database holds what people write
    try:
        connection = database.sound_connection()
        migrate(connection)
        clock_steps.resume(connection, clock)
        return router_id(connection, new_id)
    except Damaged as error:
        raise _unusable(database.path, error) from None
    except NewerSchema as error:
        raise SettingsError(f"{database.path}: {error}") from None
    finally:
        database.peewee.close()
        os.umask(previous)


def _unusable(path: Path, error: BaseException) -> SettingsError:
    return SettingsError(f"cannot use the database {path} ({error}): look at it, or restore a backup")
