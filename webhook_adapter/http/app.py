"""The HTTP application: every door under one roof, with one way to say no."""

import functools
import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from flask import Flask, Request, Response, g, request
from flask.json.provider import DefaultJSONProvider
from flask.sessions import NullSession, SessionInterface
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import MapAdapter
from werkzeug.utils import cached_property

from pointsman.client.errors import RouterError
from webhook_adapter.auth import address_of_client, peer_of
from webhook_adapter.config import AdapterConfig
from webhook_adapter.endpoints import NOTHING_TO_SAY, straight_of
from webhook_adapter.http import callbacks, health, mcp, rest
from webhook_adapter.http.gunicorn.request import MAX_BODY, WholeBody
from webhook_adapter.http.keys import Keys
from webhook_adapter.http.metrics import Metrics
from webhook_adapter.http.routing import RememberedWay, Ways
from webhook_adapter.router.client import RouterClient
from webhook_adapter.transports.lifecycle import RequestIds, lifecycle
from webhook_adapter.transports.platform import Host
from webhook_adapter.transports.registry import platforms

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger(__name__)

_HARDENING = tuple(
    (name, name.lower(), value)
    for name, value in (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))
)
_OF_NOTHING = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", "0")]
_OF_NOTHING += [(name, value) for name, _, value in _HARDENING]
_ADDRESSES = frozenset({"location", "content-location"})


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


class _Request(Request):
    """Flask's, but that a body which the server has whole is not measured again as it is read."""

    @cached_property
    def stream(self) -> IO[bytes]:
        """As flask's."""
        body = self.environ["wsgi.input"]
        return body if isinstance(body, WholeBody) else super().stream

    @property
    def blueprints(self) -> list[str]:
        """As flask's: the parts of the endpoint's name."""
        return _blueprints(self.endpoint or "")

    def close(self) -> None:
        """As flask's, which closes the files that came in a form: only where there is one."""
        if "files" in self.__dict__:
            super().close()


class _Response(Response):
    """Flask's, but that the headers of most are told as they are."""

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:
        """As flask's, which corrects a copy: there is an address in it, or its length is not known, or must not be."""
        said = {name.lower() for name, _ in self.headers}
        if self.status_code == HTTPStatus.OK and "content-length" in said and said.isdisjoint(_ADDRESSES):
            return self.headers
        return super().get_wsgi_headers(environ)


@functools.cache  # there are as many as there are endpoints
def _blueprints(endpoint: str) -> list[str]:
    parts = endpoint.split(".")[:-1]
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]


class _App(Flask):
    """Without what is never used here, or always the same, and costs each request a third of its time."""

    request_class = _Request
    response_class = _Response
    session_interface = _NoSessions()

    def __init__(self, name: str) -> None:
        super().__init__(name, static_folder=None)  # else Flask would serve whatever lies in a folder `static`
        self._ways = Ways()
        self._ids = RequestIds()

    def wsgi_app(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """As flask's; a view that needs nothing of it is asked at once, and mostly has nothing to say."""
        way = self._ways.known(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("HTTP_HOST", ""))
        serve = straight_of(self.view_functions[way[0].endpoint]) if way else None
        body = environ["wsgi.input"]
        if way is None or serve is None or not isinstance(body, WholeBody) or "HTTP_UPGRADE" in environ:
            return super().wsgi_app(environ, start_response)
        request_id = self._ids.of(environ.get("HTTP_X_REQUEST_ID", ""))
        try:
            said: Any = serve(**way[1], environ=environ, body=body.getvalue, request_id=request_id)
        except Exception as error:  # noqa: BLE001 - as flask does
            said = error
        if said is NOTHING_TO_SAY:
            start_response("200 OK", [*_OF_NOTHING, ("X-Request-ID", request_id)])
            return ()
        with self.request_context(environ):
            g.request_id = request_id
            response = self.finalize_request(self.handle_user_exception(said) if isinstance(said, Exception) else said)
            return response(environ, start_response)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """As flask's, but that what was asked before is not looked for again."""
        make = super().create_url_adapter
        if request is None or "HTTP_UPGRADE" in request.environ:  # a way may be for websockets alone
            return make(request)
        return cast("MapAdapter", RememberedWay(self._ways, request.environ, lambda: cast("MapAdapter", make(request))))

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Every view and hook is a plain function."""
        return func


def create_app(config: AdapterConfig, router: RouterClient) -> Flask:
    """The WSGI application. Opens no socket: `router` and the platforms connect when they are needed."""
    app = _App("webhook_adapter")
    app.json = Json(app)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # what takes POST alone answers 405 to all else
    metrics = Metrics(lambda: router.submissions_waiting)
    keys = Keys(router, config.calls_a_second, lambda: peer_of(address_of_client(config.trusted_proxies)))
    _add_hooks(app, keys)
    _add_errors(app)
    app.register_blueprint(health.create_blueprint(router, metrics, keys))
    app.register_blueprint(rest.create_blueprint(keys))
    app.register_blueprint(mcp.create_blueprint(keys))
    app.register_blueprint(callbacks.create_blueprint(keys))
    host = Host(config, router, lifecycle=lifecycle(metrics))
    for platform in platforms():
        if blueprint := platform.blueprint(host):
            app.register_blueprint(blueprint)
    return app


def _add_hooks(app: Flask, keys: Keys) -> None:
    ids = RequestIds()

    @app.before_request
    def take_request_id() -> None:
        ids.take(request.environ.get("HTTP_X_REQUEST_ID", ""))

    @app.after_request
    def finish(response: Response) -> Response:
        keys.judged(response.status_code)
        response.headers.add("X-Request-ID", g.request_id)
        # What is answered is for who asked, and is what it says it is. The console's own words go before.
        said = {name.lower() for name, _ in response.headers}
        for name, lower, value in _HARDENING:
            if lower not in said:
                response.headers.add(name, value)
        if "location" in said:
            # werkzeug makes its own, for a slash too few or too many, of the Host that somebody sent.
            there = urlsplit(response.location or "")._replace(scheme="", netloc="")
            response.location = "/" + there.geturl().lstrip("/\\")
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
