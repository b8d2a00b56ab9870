"""A client as the settings of the command line want it."""

from pathlib import Path

from pointsman.client.channel import open_channel
from pointsman.client.control import Control
from pointsman.client.credential import TokenFile
from pointsman.client.records import Origin
from pointsman.config import Settings
from pointsman.settings import is_loopback


def from_settings(settings: Settings, origin: Origin, *, as_session: bool = False) -> Control:
    """A client of the router that the settings name; use it in a `with`, or close it.

    `as_session`: it shows the token of the session that this runs in, whatever keys there are.
    """
    address = settings["POINTSMAN_ROUTER"]
    files = (settings[f"POINTSMAN_TLS_{name}"] for name in ("CA", "CERT", "KEY"))
    ca, cert, key = (Path(file) if file else None for file in files)
    fingerprint = settings["POINTSMAN_ROUTER_FINGERPRINT"]
    channel = open_channel(address, ca, cert, key, is_local=is_loopback(address), fingerprint=fingerprint)
    token = TokenFile(Path(settings["POINTSMAN_WORKER_TOKEN_FILE"])) if as_session or settings.shows_token else None
    return Control(channel, token or settings["POINTSMAN_API_KEY"], origin)
