"""Where a request goes: werkzeug says it once for each method and path, and from then on it is known.

But for a host that werkzeug has not heard of yet: it refuses what is none, whatever is asked of it.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from werkzeug.routing import MapAdapter, Rule

_REMEMBERED, _HOSTS, _LONGEST = 512, 64, 256  # ways, hosts, and characters of a path or a host: they bound memory

Way = tuple[Rule, Mapping[str, Any]]


class Ways:
    """The ways that were found. Threads may share it."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[str, str], Way] = OrderedDict()
        self._hosts: OrderedDict[str, None] = OrderedDict()  # that it was found for

    def known(self, method: str, path: str, host: str) -> Way | None:
        """What was found before, which nobody is to change."""
        return self._found.get((method, path)) if host in self._hosts else None

    def find(self, method: str, path: str, host: str, look: Callable[[], Way]) -> tuple[Rule, dict[str, Any]]:
        """What `look` says, which raises where there is none. The values are for the caller to change."""
        if (found := self.known(method, path, host)) is None:
            found = look()
            if len(path) <= _LONGEST and len(host) <= _LONGEST:
                self._found[method, path], self._hosts[host] = found, None
            for remembered, most in ((self._found, _REMEMBERED), (self._hosts, _HOSTS)):
                if len(remembered) > most:
                    remembered.popitem(last=False)
        return found[0], dict(found[1])


class RememberedWay:
    """Stands for werkzeug's MapAdapter, which is made where more is asked than what was found before."""

    def __init__(self, ways: Ways, environ: Mapping[str, Any], make: Callable[[], MapAdapter]) -> None:
        self._ways, self._environ, self._make = ways, environ, make

    def match(self, **_: Any) -> tuple[Rule, dict[str, Any]]:  # noqa: ANN401 - as its
        """As its, with `return_rule`. Raises HTTPException."""
        asked = self._environ["REQUEST_METHOD"], self._environ["PATH_INFO"], self._environ.get("HTTP_HOST", "")
        return self._ways.find(*asked, lambda: self._make().match(return_rule=True))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever it has
        return getattr(self._make(), name)
