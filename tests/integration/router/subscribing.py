"""What tests of pushes do at the router's doors: log in, subscribe, look, and see what became of messages."""

from datetime import timedelta
from typing import Any

import grpc
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.fakes.push_browser import Browser
from tests.integration.router.harness import RouterUnderTest, fresh
from tests.rigs.rpc_errors import reason_of


def person(router: RouterUnderTest, name: str = "Ada", **limits: Any) -> str:
    request = pb.CreatePairingCodeRequest(person_name=name, **limits)
    return router.control.CreatePairingCode(request).code


def logs_in(router: RouterUnderTest, code: str = "", hours: float = 12.0) -> str:
    login = fresh("what a browser shows")
    request = chat_pb.OpenBrowserRequest(login_id=login, code=code, label="Firefox")
    request.lifetime.FromTimedelta(timedelta(hours=hours))
    router.chat.OpenBrowser(request)
    return login


def subscribes(router: RouterUnderTest, login: str, browser: Browser | None = None, **said: Any) -> str:
    browser = browser or Browser(f"https://push.example.net/{fresh('send')}")
    return router.chat.Subscribe(browser.subscription(login, **said)).chat_id


def subscription(router: RouterUnderTest, chat_id: str) -> chat_pb.GetSubscriptionResponse:
    return router.chat.GetSubscription(chat_pb.GetSubscriptionRequest(chat_id=chat_id))


def is_forgotten(router: RouterUnderTest, chat_id: str) -> bool:
    try:
        subscription(router, chat_id)
    except grpc.RpcError as error:
        return reason_of(error) == "NOT_FOUND"
    return False


def looks(router: RouterUnderTest, login: str, session_id: str) -> None:
    router.chat.Look(chat_pb.LookRequest(login_id=login, session_id=session_id))


def pushed(router: RouterUnderTest, session_id: str, chat_id: str) -> list[types.Notification]:
    """What the outbox has for a browser, the oldest first."""
    return [each for each in reversed(router.notifications(session_id)) if each.chat.chat_id == chat_id]


def spared(router: RouterUnderTest, session_id: str, chat_id: str) -> list[str]:
    """What was not pushed, and why."""
    found = pushed(router, session_id, chat_id)
    return [each.detail for each in found if "Spared" in router.events(each.notification_id)]
