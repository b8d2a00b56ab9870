"""Making machines known to a router."""

from contextlib import suppress
from pathlib import Path

from pointsman.config import Settings, enrolled
from pointsman.errors import ExitCode, Failure
from pointsman.secret_files import make_data_dir
from pointsman.settings import BY_NAME


def enrol_machine(settings: Settings, router: str, join_token: str) -> str:
    """Trade a join token for this machine's identity; its name. Raises Failure."""
    from agent.domain.errors import AgentError, EnrolRefused, RouterUnreachable
    from agent.link.channel import Endpoint
    from agent.link.enrol import enrol

    # Here, where there are words for it: gRPC would call it a router that does not answer.
    if wrong := BY_NAME["POINTSMAN_ROUTER"].check(router):
        raise Failure(f"{router!r} {wrong}", "Example: router.example.org:7443", ExitCode.USAGE)
    folder = make_data_dir(settings)
    files = (settings[f"POINTSMAN_TLS_{name}"] for name in ("CA", "CERT", "KEY"))
    endpoint = Endpoint(router, *(Path(file) if file else None for file in files))
    try:
        return enrol(endpoint, join_token, settings["POINTSMAN_MACHINE_ID"], folder)
    except RouterUnreachable as error:
        raise Failure(error.text, code=ExitCode.NOT_REACHABLE) from None
    except EnrolRefused as error:
        raise Failure(error.text, code=ExitCode.NOT_ALLOWED) from None
    except AgentError as error:
        raise Failure(error.text) from None


def enrol_local_machine(settings: Settings) -> str | None:
    """Make sure that the router knows this machine; its name, or None where it was revoked. Raises Failure.

    A machine that an operator put out stays out: only a person brings it back.
    """
    from pointsman.connection import connected

    name = enrolled(settings.data_dir, "machine_id")
    with connected(settings) as router:
        known = next((machine for machine in router.machines() if machine.machine_id == name), None)
        if known is not None and known.revoked:
            return None
        if known is not None:
            _pin_local_router(settings)
            return name
        # A crash behind this leaves a token that nobody has: it expires, and the next start makes another.
        token = router.create_join_token()
    return enrol_machine(settings, settings["POINTSMAN_ROUTER"], token.join_token)


def _pin_local_router(settings: Settings) -> None:
    from agent.domain.errors import NotEnrolled
    from agent.link.identity import pin

    if fingerprint := settings["POINTSMAN_ROUTER_FINGERPRINT"]:
        with suppress(NotEnrolled):  # the agent says what is wrong with its own files
            pin(settings.data_dir / "agent", fingerprint)
