"""Somebody who sits at the console, as its adapter hands it in, and the risky questions that they are shown."""

from typing import Any

from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest, fresh
from tests.integration.router.permissions.asking import ask, standing
from tests.rigs.passkeys import ORIGIN, Authenticator
from tests.rigs.thin_courier import ThinCourier

RULES = """
[[rule]]
name = "delete"
needs_code = true
"""
PAGE = types.ChatRef(transport="web", chat_id="console")


class Person:
    """Somebody who sits at the console."""

    def __init__(self, router: RouterUnderTest, name: str) -> None:
        self.router = router
        self.login_id = fresh(f"the login of {name}")
        code = router.control.CreatePairingCode(pb.CreatePairingCodeRequest(person_name=name)).code
        shown = chat_pb.OpenBrowserRequest(login_id=self.login_id, label="Firefox", code=code)
        shown.lifetime.FromSeconds(12 * 3600)
        router.chat.OpenBrowser(shown)
        people = router.control.ListPeople(pb.ListPeopleRequest()).people
        self.person_id = next(each.person_id for each in people if each.name == name)

    @property
    def passkeys(self) -> int:
        """How many they have."""
        people = self.router.control.ListPeople(pb.ListPeopleRequest()).people
        return next(each.passkeys for each in people if each.person_id == self.person_id)

    def code(self, origin: str = ORIGIN) -> str:
        return self.router.control.SetPasskey(pb.SetPasskeyRequest(person_id=self.person_id, origin=origin)).code

    def options(self, **asked: str) -> str:
        return self.router.chat.BeginPasskey(chat_pb.BeginPasskeyRequest(login_id=self.login_id, **asked)).options

    def add(self, passkey: Authenticator, at: str = ORIGIN, **said: Any) -> None:
        code = self.code(at)
        self.hand_over(code, passkey.create(self.options(code=code), **{"origin": at} | said))

    def hand_over(self, code: str, credential: str) -> None:
        request = chat_pb.AddPasskeyRequest(login_id=self.login_id, code=code, credential=credential)
        self.router.chat.AddPasskey(request)

    def allow(self, question: "Question", credential: str) -> chat_pb.SubmitResponse:
        return self.router.submit(
            PAGE, reply_to_message_id=question.message_id, login_id=self.login_id, passkey=credential
        )


class Question:
    """A risky one, shown at the console."""

    def __init__(self, router: RouterUnderTest, courier: ThinCourier) -> None:
        self._router = router
        machine = router.machine()
        with machine.connected() as link:
            self.permission_id = ask(link, router.session(machine), input="rm -rf build")
        # What tells how one before ended may come first.
        while (delivery := courier.take()).notification.permission_id != self.permission_id:
            courier.delivered(delivery, delivery.notification.notification_id)
        self.message_id = delivery.notification.notification_id
        courier.delivered(delivery, self.message_id)
        router.reported(delivery)

    @property
    def state(self) -> int:
        return standing(self._router, self.permission_id).state
