"""The chat platforms, in one table: a new one is a package beside this file and a line here.

One from elsewhere needs no line: an entry point of the group `pointsman.platforms` that names its Platform is enough.
"""

from collections import Counter
from importlib.metadata import entry_points

from webhook_adapter.transports.github.platform import GITHUB_PLATFORM
from webhook_adapter.transports.mail.platform import MAIL
from webhook_adapter.transports.platform import Platform
from webhook_adapter.transports.push.platform import PUSH
from webhook_adapter.transports.telegram.platform import TELEGRAM
from webhook_adapter.transports.web.platform import WEB

GROUP = "pointsman.platforms"


def platforms() -> tuple[Platform, ...]:
    """Ours, then those of installed packages. Raises what loading one raises: better no adapter than half of one.

    Raises ValueError where two have one name: the outbox of that name would go to either.
    """
    known = (
        TELEGRAM,
        WEB,
        PUSH,
        MAIL,
        GITHUB_PLATFORM,
        # Whoever installed it trusts it with our key, as everything else in this environment.
        *(each.load() for each in entry_points(group=GROUP)),
    )
    for name, times in Counter(each.name for each in known).items():
        if times > 1:
            raise ValueError(f"{times} platforms are called {name!r}: remove all packages of it but one")
    return known
