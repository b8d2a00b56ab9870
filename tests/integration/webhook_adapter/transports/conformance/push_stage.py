"""Browsers that take pushes, as the conformance suite drives them: what their service workers would show."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from tests.fakes.push_browser import Browser
from tests.fakes.push_service import PushService, Rudeness
from tests.integration.webhook_adapter.transports.conformance.stages import Can, Shown, WebStage
from tests.rigs.scripted_outbox import ChatLinkStandIn
from webhook_adapter.transports.push.transport import PushTransport


class PushStage(WebStage):
    """A phone and a laptop. People answer from a notification, with the cookie of the console."""

    name = "push"
    transport = PushTransport
    can = frozenset({Can.EDIT, Can.SILENCE, Can.REFUSE, Can.HURRY, Can.FAIL, Can.CLOSE, Can.STUMBLE, Can.HANG, Can.CUT})
    chat, elsewhere = "phone", "laptop"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.service = PushService().start()
        self.browsers = {name: self.service.browser(name) for name in (self.chat, self.elsewhere)}

    @property
    def settings(self) -> dict[str, str]:
        return {"POINTSMAN_PUSH_PRIVATE": "1"}

    def meets(self, router: ChatLinkStandIn) -> None:
        super().meets(router)
        router.subscribed.update(self.browsers)

    def shown(self) -> list[Shown]:
        screen: dict[str, dict[str, Any]] = {}
        for push in (*self.service.pushes(self.chat), *self.service.pushes(self.elsewhere)):
            before = screen.get(push.told["id"], {})
            screen[push.told["id"]] = before | push.told
        return [_on_screen(each) for each in screen.values()]

    def writes(self, http: FlaskClient, number: int, text: str = "", *, press: str = "", on: str = "") -> int:
        sent = {"key": f"00000000-{number}", "chat": self.chat, "message_id": on or "m"}
        sent |= {"data": press} if press else {"text": text}
        return http.post("/console/api/push-answer", json=sent, headers=self._let_in(http)).status_code

    def stranger_writes(self, http: FlaskClient) -> int:
        return http.post("/console/api/push-answer", json={}).status_code

    def fails(self, how: Can) -> None:
        if how is Can.CLOSE:
            self.service.goes(self.chat)
            return
        self.service.is_rude(
            {
                Can.REFUSE: Rudeness(400, body=b"not today"),
                Can.HURRY: Rudeness(429, {"Retry-After": "1"}),
                Can.FAIL: Rudeness(500),
                Can.HANG: Rudeness(),
            }[how]
        )

    def is_met(self) -> None:
        self.service.wait_for(lambda: self.service.tried)

    def heals(self) -> None:
        self.service.release()

    @contextmanager
    def stumbles(self) -> Iterator[dict[str, Any]]:
        assert self.router is not None
        odd = Browser(self.browsers[self.chat].endpoint)
        odd.p256dh = b"\x04" + b"\x01" * 64
        self.router.subscribed[self.chat] = odd
        yield {}
        self.router.subscribed[self.chat] = self.browsers[self.chat]

    def close(self) -> None:
        self.service.stop()


def _on_screen(told: dict[str, Any]) -> Shown:
    heading = "" if told["title"] == "Pointsman" else told["title"]
    return Shown(
        told["id"],
        f"{heading}\n{told.get('body', '')}".strip(),
        dict(told.get("options", ())),
        silent=bool(told.get("silent")),
    )
