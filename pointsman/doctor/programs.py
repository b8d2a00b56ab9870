"""What can be wrong with the programs: whether router, adapter and agent answer, and agree on the time."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from pointsman.client.errors import RouterError
from pointsman.config import Settings
from pointsman.connection import connected, failure
from pointsman.doctor.findings import Finding, fail, ok, warn
from pointsman.errors import Failure
from pointsman.render import counted, state_word
from pointsman.settings import is_socket, reachable

_MAX_SKEW = 60.0  # seconds; credentials of machines live for minutes
_HTTP_DEADLINE = 5.0  # seconds
_EXPIRES_SOON = timedelta(days=14)


def router(settings: Settings) -> Iterator[Finding]:
    with connected(settings) as client:
        try:
            stats = client.stats()
        except RouterError as error:
            yield _not_answered(settings, error)
            return
    address = settings["POINTSMAN_ROUTER"]
    where = f"{address}, asked {_way(address)}, version {stats.version}"
    if stats.writable:
        links = f"{counted(stats.agent_links, 'machine')}, {counted(stats.chat_links, 'chat link')}"
        yield ok("router", f"{where}; connected: {links}")
    else:
        yield fail("router", f"{where}, cannot write its database", "Is its disk full? Its log says why.")


def _way(address: str) -> str:
    return "by its socket" if is_socket(address) else "over TCP"


def gates(settings: Settings) -> Iterator[Finding]:
    """What keeps machines off, or starts on them."""
    try:
        with connected(settings) as client:
            machines = client.machines(_HTTP_DEADLINE)
    except (RouterError, Failure):  # of which the check of the router tells
        return
    closed = [(machine, gate) for machine in machines if not machine.revoked for gate in machine.closed_gates]
    for machine, gate in closed:
        tell = fail if gate.stops_link else warn
        yield tell("gates", f"{machine.machine_id}: {state_word(gate.reason)}", gate.text)
    if not closed:
        yield ok("gates", f"open to {counted(len(machines), 'machine')}")


def keys(settings: Settings) -> Iterator[Finding]:
    """Keys whose time is nearly over, or whose new secret nobody has taken."""
    try:
        with connected(settings) as client:
            found = [key for key in client.api_keys(_HTTP_DEADLINE) if not key.revoked]
    except (RouterError, Failure):  # a key that may not ask, or of which the check of the router tells
        return
    now = datetime.now(UTC)
    ending = [key for key in found if key.expires_at and now < key.expires_at < now + _EXPIRES_SOON]
    for key in ending:
        cure = f"Make another one, and revoke this: pointsman apikey create --role {key.role.value.lower()}"
        yield warn("keys", f"{key.label or key.key_id} expires on {key.expires_at:%Y-%m-%d}", cure)
    unused = [key for key in found if key.old_secret_good and not key.old_secret_until]
    for key in unused:
        cure = "Give it to whoever uses the key; those of `pointsman up` are taken when it is restarted."
        yield warn("keys", f"{key.label or key.key_id} was rotated, and its new secret is not in use yet", cure)
    if not ending and not unused:
        yield ok("keys", "none expires within two weeks")


def _not_answered(settings: Settings, error: RouterError) -> Finding:
    # An agent has an identity of its own: a machine that only has one needs no key.
    if settings.router_is_elsewhere and not settings["POINTSMAN_API_KEY"] and error.code == "UNAUTHENTICATED":
        found = f"{settings['POINTSMAN_ROUTER']} answers; commands here need POINTSMAN_API_KEY, the agent does not"
        return ok("router", found)
    refused = failure(error, settings)
    return fail("router", refused.message, refused.cure)


def adapter(settings: Settings) -> Iterator[Finding]:
    if settings.router_is_elsewhere and not settings.is_set("POINTSMAN_HTTP_LISTEN"):
        yield ok("adapter", "on another machine, as the router is")
        return
    base = f"http://{reachable(settings['POINTSMAN_HTTP_LISTEN'])}"
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(f"{base}/health/ready", timeout=_HTTP_DEADLINE) as response:
            date = response.headers.get("Date")
    except HTTPError as error:
        with error:
            # No more of it: anything may listen there.
            words = error.read(500).decode(errors="replace").strip()
        yield fail("adapter", f"{base} is not ready: {words}", "It needs the router; `pointsman up` starts both.")
        return
    except OSError as error:
        cure = "Is it running? `pointsman up` starts it; POINTSMAN_HTTP_LISTEN says where to look."
        yield fail("adapter", f"no answer from {base} ({getattr(error, 'reason', error)})", cure)
        return
    yield ok("adapter", f"{base}, ready")
    yield from _clock(date)


def _clock(date: str | None) -> Iterator[Finding]:
    """The adapter's clock against ours; only telling where it runs on another machine."""
    if date is None:
        return
    skew = abs(parsedate_to_datetime(date).timestamp() - time.time())
    if skew > _MAX_SKEW:
        yield fail(
            "clock", f"the adapter's clock is {skew:.0f} s off", "Turn on time synchronisation on both machines."
        )
    else:
        yield ok("clock", "agrees with the adapter's")


def agent(settings: Settings) -> Iterator[Finding]:
    from pointsman.local import ask

    try:
        status = ask(settings, {"op": "status"})
    except Failure as failure:
        yield warn("agent", failure.message, failure.cure)  # no failure: the router's machine may have none
        return
    found = f"{status.get('machine_id')}, {counted(int(status.get('inbox_depth', 0)), 'command')} in hand"
    if status.get("connected"):
        yield ok("agent", f"{found}, connected {_way(str(status.get('router', '')))}")
    else:
        yield fail("agent", f"{found}, not connected", "Its log says why: is POINTSMAN_ROUTER right, and it enrolled?")
