"""What goes wrong in a call: one exception, for scripts to act upon and for people to read. Knows no gRPC."""

_KEY = "On the router's machine, `pointsman apikey create{}."
_CURES = {
    "UNAVAILABLE": "Is it running? `pointsman up` starts it; POINTSMAN_ROUTER says where to look.",
    "UNAUTHENTICATED": _KEY.format("` makes one"),
    "PERMISSION_DENIED": _KEY.format(" --role …` makes a key that may"),
    "NOT_FOUND": "`pointsman sessions` and `pointsman commands` list what there is.",
}
_CURES["DEADLINE_EXCEEDED"] = _CURES["UNAVAILABLE"]
NOTHING_TO_SHOW = "WORKER_TOKEN_MISSING"  # nobody was asked
NOT_PROVEN = "ROUTER_NOT_PROVEN"  # in place of a Reason: the router did not say it
_PASSING = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "ABORTED"})
_RETRY_AFTER = 2.0  # seconds; Telegram's own second retry comes then as well


class RouterError(Exception):
    """The router refused a call, or could not be asked. What a call asks for is stored whole or not at all."""

    def __init__(self, status: str, message: str, code: str = "", retry_after: float | None = None) -> None:
        self.status = status
        """Name of the gRPC status: NOT_FOUND, UNAVAILABLE, …"""
        self.code = code or status
        """What exactly it was: a name of agentlink.v1.Reason without its prefix, such as SESSION_UNKNOWN, where the
        router gave one; else the status."""
        self.message = message
        """For people; holds no secrets, addresses or file names."""
        self.retry_after = retry_after or (_RETRY_AFTER if self.may_pass else None)
        """Seconds after which the same call may go well; None where it will not by itself."""
        super().__init__(f"{self.code}: {message}")

    @property
    def may_pass(self) -> bool:
        """The router is away, closing or busy. Whether it stored the call is not known."""
        return self.status in _PASSING or self.code == "TOO_MANY_CALLS"

    @property
    def is_stranger(self) -> bool:
        """What was shown lets nobody in, or no more."""
        return self.status == "UNAUTHENTICATED"

    @property
    def is_unreachable(self) -> bool:
        """Nobody answered: a router that cannot serve now gives its own reason."""
        return self.status in {"UNAVAILABLE", "DEADLINE_EXCEEDED"} and self.code == self.status

    @property
    def cure(self) -> str:
        """What a person can do about it; empty where nothing is known."""
        if self.code == "KEY_EXPIRED" or (self.may_pass and not self.is_unreachable):
            return ""
        return _CURES.get(self.status, "")
