"""How a program is greeted, and the ways back into an earlier conversation. Raises Refused, Ended, TimeoutError."""

from collections.abc import Awaitable, Callable, Sequence

from agent.backends.acp.json_rpc import NO_SUCH_METHOD
from agent.backends.acp.process import Refused
from agent.backends.acp.shapes import Json, number, part
from agent.backends.acp.table import Kind, Load

PROTOCOL = 1
_OFFERED: Json = {
    "fs": {"readTextFile": False, "writeTextFile": False},  # it reads, writes and runs by itself
    "terminal": False,
    "elicitation": {"form": {}},
}

Call = Callable[[str, Json, float | None], Awaitable[Json]]


async def greeted(call: Call, patience: float) -> Json:
    """What it can do."""
    about = {"name": "pointsman", "title": "Pointsman", "version": "1"}
    begun = {"protocolVersion": PROTOCOL, "clientCapabilities": _OFFERED, "clientInfo": about}
    able = await call("initialize", begun, patience)
    if (spoken := number(able, "protocolVersion")) != PROTOCOL:
        raise Refused(0, f"it speaks version {spoken} of the protocol, and not {PROTOCOL}")
    return able


def ways_back(kind: Kind, able: Json) -> Sequence[str]:
    """The methods that take a conversation up again, the best first."""
    offered = part(able, "agentCapabilities")
    ways = []
    if "resume" in part(offered, "sessionCapabilities") and kind.load in (Load.RESUME, Load.OFFERED):
        ways.append(Load.RESUME.value)
    if offered.get("loadSession") is True:
        ways.append(Load.LOAD.value)
    if not ways:
        raise Refused(0, "it cannot take an earlier conversation up again")
    return ways


async def taken_up(call: Call, ways: Sequence[str], named: Json, patience: float) -> Json:
    """What it answers by the first way that it really has: some offer one of which they know nothing."""
    *better, last = ways
    for method in better:
        try:
            return await call(method, named, patience)
        except Refused as refused:
            if refused.code != NO_SUCH_METHOD:
                raise
    return await call(last, named, patience)
