"""Health, figures and the API's description: what machines ask about the adapter itself."""

from flask import Blueprint, Response, current_app
from flask.typing import ResponseReturnValue

from pointsman.client.control import Control
from pointsman.client.errors import RouterError
from webhook_adapter.endpoints import API_KEY, BEARER, described, endpoint
from webhook_adapter.http.bodies import Ok
from webhook_adapter.http.keys import Keys
from webhook_adapter.http.metrics import Metrics
from webhook_adapter.http.openapi import document
from webhook_adapter.http.rest import KEYED
from webhook_adapter.router.client import RouterClient

_PATIENCE = 2.0  # seconds; who asks how we are does not wait for long


def create_blueprint(router: RouterClient, figures: Metrics, keys: Keys) -> Blueprint:
    """What machines ask: only the figures want a key."""
    blueprint = Blueprint("health", __name__)
    _add_health(blueprint, router)
    _add_figures(blueprint, figures, keys)

    @blueprint.get("/openapi.json")
    @described("operations", content={"application/json": {"type": "object"}})
    def openapi() -> ResponseReturnValue:
        """The API, as this document has it."""
        return document(current_app)

    return blueprint


def _add_health(blueprint: Blueprint, router: RouterClient) -> None:
    @blueprint.get("/health")
    @described("operations", content={"text/plain": {"type": "string", "const": "ok"}})
    def health() -> ResponseReturnValue:
        """Whether the adapter serves."""
        return Response("ok", mimetype="text/plain")

    @blueprint.get("/health/live")
    @endpoint("operations", security=())
    def live() -> Ok:
        """Whether the process lives."""
        return Ok()

    @blueprint.get("/health/ready")
    @endpoint("operations", 503, security=())
    def ready() -> Ok:
        """Whether something could be stored now: the router is reachable and its database writable."""
        _check_ready(router.own)
        return Ok()


def _add_figures(blueprint: Blueprint, figures: Metrics, keys: Keys) -> None:
    @blueprint.get("/metrics")
    @described("operations", *KEYED, security=(API_KEY, BEARER), content={"text/plain": {"type": "string"}})
    def metrics() -> ResponseReturnValue:
        """Figures for Prometheus.

        Also on loopback with a key: a proxy or a tunnel there speaks for anybody.
        """
        text = _metrics_text(keys.control(), figures, is_known=keys.was_taken())
        return Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")


def _check_ready(control: Control) -> None:
    """Raise RouterError, always with 503, where nothing could be stored now."""
    try:
        writable = control.stats(_PATIENCE).writable
    except RouterError as error:
        # 503 also for a key that the router refuses: to a load balancer there is one way to be not ready.
        raise _not_ready(error.code, error.message) from None
    if not writable:
        raise _not_ready("STORAGE_UNAVAILABLE", "the router cannot write its database")


def _not_ready(code: str, message: str) -> RouterError:
    return RouterError("UNAVAILABLE", message, code)


def _metrics_text(control: Control, metrics: Metrics, *, is_known: bool) -> bytes:
    try:
        return metrics.text(control.stats(_PATIENCE))
    except RouterError as error:
        # A router that is away is a figure too, but for those alone whom it let in before.
        if error.status in {"UNAUTHENTICATED", "PERMISSION_DENIED"} or not is_known:
            raise
        return metrics.text(None)
