"""The HTTP application: every door under one roof, with one way to say no."""

import logging
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Request, Response, g, request
from flask.json.provider import DefaultJSONProvider
from flask.sessions import NullSession, SessionInterface
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from pointsman.client.errors import RouterError
from webhook_adapter.auth import address_of_client, peer_of
from webhook_adapter.config import AdapterConfig
from webhook_adapter.http import callbacks, health, mcp, rest
from webhook_adapter.http.gunicorn.request import MAX_BODY
from webhook_adapter.http.keys import Keys
from webhook_adapter.http.metrics import Metrics
from webhook_adapter.router.client import RouterClient
from webhook_adapter.transports.lifecycle import RequestIds, lifecycle
from webhook_adapter.transports.platform import Host
from webhook_adapter.transports.registry import platforms

logger = logging.getLogger(__name__)


class Json(DefaultJSONProvider):
    """Flask's, but for times: RFC 3339 to the millisecond."""

    @staticmethod
    def default(o: Any) -> Any:  # noqa: ANN401 - whatever JSON has no word for
        """As flask's."""
        if isinstance(o, datetime):
            return o.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return DefaultJSONProvider.default(o)


class _NoSessions(SessionInterface):
    """Flask's own, without a secret key, makes an empty one for each request."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:  # noqa: ARG002 - as flask's
        """The same for all: nothing can be written into it."""
        return self._none


class _App(Flask):
    """Without what is never used here and costs each request a tenth of its time."""

    session_interface = _NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Every view and hook is a plain function."""
        return func


def create_app(config: AdapterConfig, router: RouterClient) -> Flask:
    """The WSGI application. Opens no socket: `router` and the platforms connect when they are needed."""
    app = _App("webhook_adapter", static_folder=None)  # else Flask would serve whatever lies in a folder `static`
    app.json = Json(app)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # what takes POST alone answers 405 to all else
    metrics = Metrics(lambda: router.submissions_waiting)
    _add_headers(app)
    _add_request_ids(app)  # first: whatever is logged about a request has its id
    _add_errors(app)
    keys = Keys(router, config.calls_a_second, lambda: peer_of(address_of_client(config.trusted_proxies)))
    _judge_keys(app, keys)
    app.register_blueprint(health.create_blueprint(router, metrics, keys))
    app.register_blueprint(rest.create_blueprint(keys))
    app.register_blueprint(mcp.create_blueprint(keys))
    app.register_blueprint(callbacks.create_blueprint(keys))
    host = Host(config, router, lifecycle=lifecycle(metrics))
    for platform in platforms():
        if blueprint := platform.blueprint(host):
            app.register_blueprint(blueprint)
    return app


def _judge_keys(app: Flask, keys: Keys) -> None:
    @app.after_request
    def learn(response: Response) -> Response:
        keys.judged(response.status_code)
        return response


def _add_headers(app: Flask) -> None:
    @app.after_request
    def harden(response: Response) -> Response:
        # What is answered is for who asked, and is what it says it is. The console's own words go before.
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        if response.location:
            # werkzeug makes its own, for a slash too few or too many, of the Host that somebody sent.
            response.location = "/" + urlsplit(response.location)._replace(scheme="", netloc="").geturl().lstrip("/\\")
        return response


def _add_request_ids(app: Flask) -> None:
    @app.before_request
    def take_request_id() -> None:
        RequestIds().take(request.headers.get("X-Request-ID", ""))

    @app.after_request
    def tell_request_id(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.request_id
        return response


def _add_errors(app: Flask) -> None:
    app.register_error_handler(RouterError, rest.refusal)

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> ResponseReturnValue:
        status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
        # RFC 9110, 15.5.6: a 405 must say what would be allowed.
        allowed = error.valid_methods if isinstance(error, MethodNotAllowed) else None
        headers = {"Allow": ", ".join(sorted(allowed))} if allowed else {}
        return {"error": error.description or status.phrase, "code": status.name}, status, headers

    @app.errorhandler(Exception)
    def failed(error: Exception) -> ResponseReturnValue:
        # Not the path: it can hold a secret.
        logger.error("request failed endpoint=%s id=%s", request.endpoint, g.get("request_id"), exc_info=error)
        return {"error": "the adapter failed; its log says why", "code": "INTERNAL"}, HTTPStatus.INTERNAL_SERVER_ERROR
