"""Health, figures and the API's description: what machines ask about the adapter itself."""

import ipaddress
from http import HTTPStatus
from pathlib import Path

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from pointsman.client.control import Control
from pointsman.client.errors import RouterError
from webhook_adapter.config import LOOPBACK_HOSTS
from webhook_adapter.http.metrics import Metrics
from webhook_adapter.http.rest import key_control
from webhook_adapter.router.client import RouterClient

_PATIENCE = 2.0  # seconds; who asks how we are does not wait for long
_OPENAPI = Path(__file__).with_name("openapi.json")
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via", "CF-Connecting-IP")


def create_blueprint(router: RouterClient, metrics: Metrics) -> Blueprint:
    """Endpoints that take no key, or need none from this machine."""
    blueprint = Blueprint("health", __name__)
    description = _OPENAPI.read_bytes()

    @blueprint.get("/health")
    def health() -> ResponseReturnValue:
        return Response("ok", mimetype="text/plain")

    @blueprint.get("/health/live")
    def live() -> ResponseReturnValue:
        return {"ok": True}

    @blueprint.get("/health/ready")
    def ready() -> ResponseReturnValue:
        reason = _not_ready(router.own)
        if reason is None:
            return {"ok": True}
        error, code = reason
        return {"error": error, "code": code}, HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "2"}

    @blueprint.get("/metrics")
    def figures() -> ResponseReturnValue:
        control = router.own if _from_this_machine() else key_control(router)
        return Response(_metrics_text(control, metrics), content_type="text/plain; version=0.0.4; charset=utf-8")

    @blueprint.get("/openapi.json")
    def openapi() -> ResponseReturnValue:
        return Response(description, mimetype="application/json")

    return blueprint


def _not_ready(control: Control) -> tuple[str, str] | None:
    """Why nothing could be stored now, and the code for it; None when all is well."""
    try:
        stats = control.stats(_PATIENCE)
    except RouterError as error:
        return error.message, error.code
    return None if stats.writable else ("the router cannot write its database", "STORAGE_UNAVAILABLE")


def _metrics_text(control: Control, metrics: Metrics) -> bytes:
    try:
        return metrics.text(control.stats(_PATIENCE))
    except RouterError as error:
        if error.status in {"UNAUTHENTICATED", "PERMISSION_DENIED"}:
            raise
        return metrics.text(None)


def _from_this_machine() -> bool:
    """Whether the peer is a program of this machine itself, not a proxy or a tunnel that speaks for someone else."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    name = request.host.rpartition(":")[0] if not request.host.endswith("]") and ":" in request.host else request.host
    return name.strip("[]") in LOOPBACK_HOSTS and _is_loopback(request.remote_addr or "")


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
