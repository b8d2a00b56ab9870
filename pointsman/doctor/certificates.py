"""What can be wrong with the certificates that the settings name, the router's or those of its clients."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pointsman.config import Settings
from pointsman.doctor.findings import Finding, Level, fail

if TYPE_CHECKING:
    from pointsman.tls.certificates import Facts

_SOON = timedelta(days=14)
_NAMES = ("POINTSMAN_TLS_CERT", "POINTSMAN_TLS_CLIENT_CA", "POINTSMAN_TLS_CA")


def certificates(settings: Settings) -> Iterator[Finding]:
    """Whether those files can be used, and for how long."""
    yield from _pair(settings)
    for path in dict.fromkeys(filter(None, (settings[name] for name in _NAMES))):
        yield from _expiry(settings, Path(path))


def _pair(settings: Settings) -> Iterator[Finding]:
    """What the router would refuse."""
    if not settings["POINTSMAN_TLS_CERT"]:
        return
    from router.certificates import read
    from router.config import SettingsError, Tls

    certificate, key, client_ca = (settings[f"POINTSMAN_TLS_{name}"] for name in ("CERT", "KEY", "CLIENT_CA"))
    try:
        read(Tls(Path(certificate), Path(key), Path(client_ca) if client_ca else None))
    except SettingsError as error:
        yield fail("certificate", str(error), "Until then a router that runs goes on with those of before.")


def _expiry(settings: Settings, path: Path) -> Iterator[Finding]:
    from pointsman.tls.certificates import read

    try:
        facts = read(path)
    except (OSError, ValueError):
        yield fail("certificate", f"{path} cannot be read as PEM", "Put a certificate in PEM form there.")
        return
    left = facts.until - datetime.now(UTC)
    level = Level.FAIL if left <= timedelta() else Level.WARN if left < _SOON else Level.OK
    found = (
        f"{path} ({facts.kind} {facts.name}) {'was' if level is Level.FAIL else 'is'} good until {facts.until:%Y-%m-%d}"
    )
    yield Finding("certificate", level, found, "" if level is Level.OK else _cure(settings, path, facts))


def _cure(settings: Settings, path: Path, facts: "Facts") -> str:
    ours = settings.data_dir / "tls"
    if path == ours / "ca.pem":
        return f"Move {ours} away, then `pointsman tls init`; every machine needs the new ca.pem."
    if path == ours / "router.pem":
        return "pointsman tls renew"
    if path.parent == ours / "clients":
        return f"pointsman tls renew {path.stem}"
    where = f"Where its CA is (`pointsman tls renew {facts.name}`)" if facts.kind == "client" else "Where it was made"
    return f"{where}, renew it; then put it in this place. A router takes it by itself, others at their next start."
