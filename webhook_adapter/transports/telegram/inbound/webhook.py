"""Telegram's door: POST /webhook/telegram/<path secret>."""

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from pointsman.client.errors import RouterError
from webhook_adapter import json_bodies
from webhook_adapter.auth import is_secret, let_body_come
from webhook_adapter.config import TelegramConfig
from webhook_adapter.endpoints import NOTHING_TO_SAY, described, straight
from webhook_adapter.transports.telegram.inbound.update import Json

logger = logging.getLogger(__name__)

# Seconds. A button press lives for 150 only, so the wait stays short whatever the router asks for.
_RETRY_AFTER = "2"

_SECRET = {"telegramSecret": "X-Telegram-Bot-Api-Secret-Token"}
_SECRET_IN_ENVIRON = "HTTP_" + _SECRET["telegramSecret"].upper().replace("-", "_")
_TAKES = {"type": "object", "description": "A Bot API Update."}


def create_blueprint(telegram: TelegramConfig, take: Callable[[Json, str], object]) -> Blueprint:
    """The webhook (Bot API: setWebhook). `take` gets an update and the id of the request, if that is known.

    It raises RouterError when the update was not stored.
    """
    blueprint = Blueprint("telegram", __name__)

    def serve(
        path_secret: str, environ: Mapping[str, str], body: Callable[[], bytes], request_id: str
    ) -> ResponseReturnValue:
        # 404 and before all else: who does not know the path learns nothing, not even that it was half right.
        if not is_secret(path_secret, telegram.path_secret):
            abort(HTTPStatus.NOT_FOUND)
        if not is_secret(environ.get(_SECRET_IN_ENVIRON, ""), telegram.webhook_secret):
            logger.warning("webhook refused: wrong secret token")
            abort(HTTPStatus.UNAUTHORIZED)
        try:
            take(_update(body()), request_id)
        except RouterError as error:
            return {"error": error.message, "code": error.code}, 503, {"Retry-After": _RETRY_AFTER}
        return NOTHING_TO_SAY  # Telegram would carry out a method that stood there

    @blueprint.post("/webhook/telegram/<path_secret>")
    @described("webhooks", 400, 401, 404, 413, 503, security=(_SECRET,), takes=_TAKES, on_loop=True)
    @straight(serve)
    def telegram_webhook(path_secret: str) -> ResponseReturnValue:
        """An update from Telegram.

        200 means that its effect is on disk, or that it has none; every other status makes Telegram send it again.
        """
        return serve(path_secret, request.environ, _body, "")

    return blueprint


def _body() -> bytes:
    """Of the current request. Raises 413 above the limit."""
    let_body_come()
    return request.get_data(cache=False)


def _update(body: bytes) -> dict[str, object]:
    try:
        update = json_bodies.parse(body, "the body")
    except json_bodies.InvalidRequest:
        update = None
    if not isinstance(update, dict):
        abort(HTTPStatus.BAD_REQUEST, "the body must be a JSON object")
    return update
