"""GitHub's door: POST /github/webhook/<path secret>."""

import json
import logging
from collections.abc import Callable
from http import HTTPStatus

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from pointsman.client.errors import RouterError
from webhook_adapter.auth import is_secret, let_body_come
from webhook_adapter.endpoints import described
from webhook_adapter.transports.github.inbound.access import Unknown
from webhook_adapter.transports.github.inbound.signature import is_signed
from webhook_adapter.transports.github.settings import GitHubApp

logger = logging.getLogger(__name__)

_SECRET = {"githubSignature": "X-Hub-Signature-256"}
_TAKES = {"type": "object", "description": "A delivery of a GitHub App's webhook."}
_RETRY_AFTER = "10"


def create_blueprint(app: GitHubApp, take: Callable[[str, object], object]) -> Blueprint:
    """The webhook. `take` gets an event and its payload; it raises RouterError or Unknown when it must come again."""
    blueprint = Blueprint("github", __name__)

    @blueprint.post("/github/webhook/<path_secret>")
    @described("webhooks", 400, 401, 404, 413, 415, 503, security=(_SECRET,), takes=_TAKES)
    def github_webhook(path_secret: str) -> ResponseReturnValue:
        """A delivery from GitHub.

        200 means that its effect is on disk, or that it has none. GitHub does not try again by itself: what got another
        answer is found in its log of deliveries, and taken from there.
        """
        # 404 and before all else: who does not know the path learns nothing, and has no large body read.
        if not is_secret(path_secret, app.path_secret):
            abort(HTTPStatus.NOT_FOUND)
        # A form's signature is over the form: the hook is to be set to JSON.
        if request.mimetype != "application/json":
            abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "set the content type of the webhook to application/json")
        let_body_come()
        body = request.get_data(cache=False)  # 413 above the limit
        # Over the bytes as they came: whatever is read before may be anybody's.
        if not is_signed(app.webhook_secret, body, request.headers.get(_SECRET["githubSignature"], "")):
            logger.warning("github delivery refused: wrong signature")
            abort(HTTPStatus.UNAUTHORIZED)
        try:
            take(request.headers.get("X-GitHub-Event", ""), _payload(body))
        except RouterError as error:
            return {"error": error.message, "code": error.code}, 503, {"Retry-After": _RETRY_AFTER}
        except Unknown:
            return {"error": "GitHub could not be asked who wrote that", "code": "UNAVAILABLE"}, 503
        return "", HTTPStatus.OK

    return blueprint


def _payload(body: bytes) -> dict[str, object]:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        abort(HTTPStatus.BAD_REQUEST, "the body must be a JSON object")
    return payload
