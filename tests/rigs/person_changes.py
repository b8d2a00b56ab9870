"""What changes who is let in among people, each done once at the router's doors; gives what the audit calls it by."""

from collections.abc import Callable
from hashlib import sha256

from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.domain.audit import AuditEvent
from tests.fakes.push_browser import Browser
from tests.integration.router.harness import RouterUnderTest
from tests.rigs.passkeys import ORIGIN, Authenticator

CHAT = types.ChatRef(transport="test", chat_id="1")
LOGIN_ID = "what a browser shows"
BROWSER = f"browser_{sha256(LOGIN_ID.encode()).hexdigest()[:12]}"


def a_login(router: RouterUnderTest) -> str:
    request = chat_pb.OpenBrowserRequest(login_id=LOGIN_ID, label="Firefox")
    request.lifetime.FromSeconds(60)
    router.chat.OpenBrowser(request)
    return BROWSER


def a_logout(router: RouterUnderTest) -> str:
    a_login(router)
    router.chat.CloseBrowser(chat_pb.CloseBrowserRequest(login_id=LOGIN_ID))
    return BROWSER


def a_subscription(router: RouterUnderTest) -> str:
    a_login(router)
    router.chat.Subscribe(Browser().subscription(LOGIN_ID))
    return BROWSER


def no_subscription_any_more(router: RouterUnderTest) -> str:
    a_subscription(router)
    router.chat.Unsubscribe(chat_pb.UnsubscribeRequest(login_id=LOGIN_ID))
    return BROWSER


def a_code(router: RouterUnderTest) -> str:
    router.control.CreatePairingCode(pb.CreatePairingCodeRequest(person_name="Ada"))
    return "Ada"


def a_person(router: RouterUnderTest) -> str:
    code = router.control.CreatePairingCode(pb.CreatePairingCodeRequest(person_name="Ada")).code
    router.chat.Pair(chat_pb.PairRequest(chat=CHAT, user_id="1", code=code))
    return router.control.ListPeople(pb.ListPeopleRequest()).people[0].person_id


def a_person_put_out(router: RouterUnderTest) -> str:
    person = a_person(router)
    router.control.Unpair(pb.UnpairRequest(id=person))
    return person


def two_made_one(router: RouterUnderTest) -> str:
    person = a_person(router)
    code = router.control.CreatePairingCode(pb.CreatePairingCodeRequest(person_name="Ada again")).code
    router.chat.Pair(chat_pb.PairRequest(chat=CHAT, user_id="2", code=code))
    there = {each.person_id for each in router.control.ListPeople(pb.ListPeopleRequest()).people}
    [other] = there - {person}
    router.control.JoinPeople(pb.JoinPeopleRequest(person_id=person, other_person_id=other))
    return person


def a_second_factor(router: RouterUnderTest) -> str:
    person = a_person(router)
    router.control.SetSecondFactor(pb.SetSecondFactorRequest(person_id=person))
    return person


def a_passkey(router: RouterUnderTest) -> str:
    person = a_person(router)
    again = router.control.CreatePairingCode(pb.CreatePairingCodeRequest(person_name="Ada")).code
    shown = chat_pb.OpenBrowserRequest(login_id=LOGIN_ID, code=again)
    shown.lifetime.FromSeconds(60)
    router.chat.OpenBrowser(shown)
    code = router.control.SetPasskey(pb.SetPasskeyRequest(person_id=person, origin=ORIGIN)).code
    made = router.chat.BeginPasskey(chat_pb.BeginPasskeyRequest(login_id=LOGIN_ID, code=code))
    credential = Authenticator().create(made.options)
    router.chat.AddPasskey(chat_pb.AddPasskeyRequest(login_id=LOGIN_ID, code=code, credential=credential))
    return person


def removed_passkeys(router: RouterUnderTest) -> str:
    person = a_passkey(router)
    router.control.SetPasskey(pb.SetPasskeyRequest(person_id=person, remove=True))
    return person


PEOPLE_CHANGED: dict[AuditEvent, Callable[[RouterUnderTest], str]] = {
    AuditEvent.LOGIN: a_login,
    AuditEvent.LOGOUT: a_logout,
    AuditEvent.SUBSCRIBED: a_subscription,
    AuditEvent.UNSUBSCRIBED: no_subscription_any_more,
    AuditEvent.CODE_CREATED: a_code,
    AuditEvent.PAIRED: a_person,
    AuditEvent.UNPAIRED: a_person_put_out,
    AuditEvent.JOINED: two_made_one,
    AuditEvent.SECOND_FACTOR_SET: a_second_factor,
    AuditEvent.PASSKEY_ADDED: a_passkey,
    AuditEvent.PASSKEYS_REMOVED: removed_passkeys,
}
