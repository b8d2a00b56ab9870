"""The router for scripts: its Control service as plain calls.

    from pointsman.client import RouterError, connect

    with connect() as router:
        command = router.send_text("api", "run the tests")
        print(router.follow(command.command_id).state)

Calls block, give frozen values (`pointsman.client.records`) and raise RouterError; threads may share a client.
"""

from typing import TYPE_CHECKING

from pointsman.client.errors import RouterError
from pointsman.client.records import SCRIPT, Origin

if TYPE_CHECKING:
    from pointsman.client.control import Control

__all__ = ["Origin", "RouterError", "connect"]


def connect(address: str = "", api_key: str = "", origin: Origin = SCRIPT) -> "Control":
    """A client of the router at `address` (HOST:PORT, unix:PATH); use it in a `with`, or close it.

    What is not given, and the files for TLS, comes from the settings of the command line (docs/settings.md). Raises
    pointsman.config.BadSettings where those are wrong; that nobody is there is told by the first call. `origin` is what
    people are told of who sent something.
    """
    # Here and not above: gRPC takes a tenth of a second to import, and those who only want the records need none.
    from pointsman.client.settings import from_settings
    from pointsman.config import read_settings

    given = {"POINTSMAN_ROUTER": address, "POINTSMAN_API_KEY": api_key}
    return from_settings(read_settings({name: value for name, value in given.items() if value}), origin)
