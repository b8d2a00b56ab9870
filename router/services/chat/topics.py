"""The topics that sessions have in chats: what couriers say of them, and their end."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from router.clock import Clock
from router.domain.notification import Kind, Notification
from router.domain.session import Session
from router.domain.wording import alerts
from router.services.outbox.leases import Outbox
from router.services.outbox.status_messages import StatusMessages
from router.store import chats, session_topics
from router.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Brought:
    """What a courier says of the topic a message was brought to: its id where one was made, or why none could be."""

    thread_id: str = ""
    problem: str = ""


NO_TOPIC = Brought()


@dataclass(frozen=True, slots=True)
class Topics:
    """Keeps what couriers say of topics, and ends the topics of sessions that are over."""

    _outbox: Outbox
    _status_messages: StatusMessages
    _clock: Clock
    _new_id: Callable[[], str]

    def brought(self, tx: Transaction, notification: Notification, said: Brought) -> None:
        """A message was brought."""
        if said == NO_TOPIC:
            return
        chat = chats.current(tx, notification.chat)
        if said.thread_id:
            known = session_topics.find(tx, chat, notification.session_id)
            # In place of the one before, which a person may have deleted.
            session_topics.write(tx, chat, notification.session_id, replace(known, thread_id=said.thread_id))
        settings = chats.settings(tx, chat)
        # Off, so that each message does not try and fail again; said once.
        if said.problem and settings.has_topics:
            chats.set_settings(tx, chat, replace(settings, has_topics=False))
            self._status_messages.answer(
                tx, replace(chat, message_id=""), alerts.TOPICS_FAILED.format(why=said.problem)
            )

    def session_ended(self, tx: Transaction, session: Session) -> None:
        """Say so in its topics and close them. They stay its own: should it come back, it goes on in them."""
        for topic in session_topics.of_session(tx, session.session_id):
            note = Notification(
                self._new_id(), session.session_id, topic, Kind.PROGRESS, alerts.TOPIC_ENDED, "", self._clock.now(),
                closes_topic=True,
            )  # fmt: skip
            self._outbox.add(tx, note, "router")
