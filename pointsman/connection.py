"""The router that the settings name, and what its refusals mean at the command line."""

import getpass
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pointsman.client.errors import NOT_PROVEN, RouterError
from pointsman.client.records import Origin
from pointsman.config import Settings
from pointsman.errors import ExitCode, Failure
from pointsman.settings import Source, is_loopback

if TYPE_CHECKING:
    from pointsman.client.control import Control

_EXIT_CODES = {
    "UNAUTHENTICATED": ExitCode.NOT_ALLOWED,
    "PERMISSION_DENIED": ExitCode.NOT_ALLOWED,
    "NOT_FOUND": ExitCode.NOT_FOUND,
    "INVALID_ARGUMENT": ExitCode.USAGE,
}
_OUTRIGHT = (Source.FLAG, Source.ENVIRONMENT, Source.CREDENTIAL)
_PIN_CURE = (
    "Look who listens there before you go on. If the router was set up anew, enrol this machine again; where "
    "POINTSMAN_ROUTER_FINGERPRINT is set, put the new fingerprint there (file router.fingerprint of the router)."
)
_AGENT_CURE = "The agent of this machine writes {path}: `pointsman doctor` there says whether it runs."
_TLS_CURE = " It may have another CA, or ask for a certificate: POINTSMAN_TLS_CA, POINTSMAN_TLS_CERT."


def speaks_as_session(settings: Settings) -> bool:
    """Whether a session says what is said here: whoever is in one gives a key outright to speak as a person."""
    file, key = settings["POINTSMAN_WORKER_TOKEN_FILE"], settings.values["POINTSMAN_API_KEY"]
    # What outlived its session is in none any more.
    return bool(file) and key.source not in _OUTRIGHT and (not key.text or Path(file).exists())


@contextmanager
def connected(settings: Settings, *, as_session: bool = False) -> "Iterator[Control]":
    """A client of the router. A RouterError that nobody catches inside leaves the block as a Failure.

    `as_session`: it speaks for the session that this runs in.
    """
    from pointsman.client.settings import from_settings

    try:
        with from_settings(settings, Origin("cli", _actor()), as_session=as_session) as control:
            yield control
    except RouterError as error:
        raise failure(error, settings) from None


def _actor() -> str:
    """Who sends, for people to read."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (OSError, KeyError):  # containers run under ids that have no name
        return socket.gethostname()


def failure(error: RouterError, settings: Settings) -> Failure:
    """What ends a command. Here the settings are known: so it is told where they come from, and which to change."""
    if error.code == NOT_PROVEN:
        address = settings["POINTSMAN_ROUTER"]
        return Failure(f"at {address}: {error.message}", _trouble_at(address) or _PIN_CURE, ExitCode.NOT_REACHABLE)
    if error.is_unreachable:
        return _unreachable(error, settings)
    if error.is_stranger and speaks_as_session(settings):
        cure = _AGENT_CURE.format(path=settings["POINTSMAN_WORKER_TOKEN_FILE"])
        return Failure(error.message, cure, ExitCode.NOT_ALLOWED)
    if error.code == "UNAUTHENTICATED":  # its other reasons say what to do
        return Failure(*_wrong_key(settings), ExitCode.NOT_ALLOWED)
    return Failure(error.message, error.cure, _EXIT_CODES.get(error.status, ExitCode.FAILED))


def _trouble_at(address: str) -> str:
    """What is wrong with a socket; empty where it is nothing that can be seen."""
    from pointsman.client import router_socket

    try:
        router_socket.check(address)
    except OSError as error:
        return f"{error}."
    return ""


def _unreachable(error: RouterError, settings: Settings) -> Failure:
    address = settings["POINTSMAN_ROUTER"]
    elsewhere = settings.router_is_elsewhere or not is_loopback(address)
    start = "Does it run there" if elsewhere else "Is it running? `pointsman up` starts it"
    # A handshake that fails is UNAVAILABLE too, and gRPC does not tell the two apart.
    tls = not is_loopback(address) or settings["POINTSMAN_TLS_CA"]
    cure = f"{start}; POINTSMAN_ROUTER says where to look." + (_TLS_CURE if tls else "")
    return Failure(f"no answer from the router at {address} ({error.status})", cure, ExitCode.NOT_REACHABLE)


def _wrong_key(settings: Settings) -> tuple[str, str]:
    made = "On the router's machine, `pointsman apikey create` makes one"
    if not settings["POINTSMAN_API_KEY"]:
        return "there is no API key here", f"{made}; POINTSMAN_API_KEY takes it, here."
    known = f"the router at {settings['POINTSMAN_ROUTER']} does not know the API key that it was shown"
    return known, f"It comes from {settings.where('POINTSMAN_API_KEY')}: put a key of that router there. {made}."
