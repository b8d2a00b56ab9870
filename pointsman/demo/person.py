"""The person of `DEMO_AUTO=1`: goes through the console's own doors, as a browser would."""

import json
import re
import uuid
from http.cookiejar import CookieJar
from urllib.parse import urlsplit
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

from pointsman.errors import Failure

_DEADLINE = 10.0  # seconds for one request
_CSRF = re.compile(r'<meta name="csrf-token" content="([^"]+)">')


class Person:
    """Somebody who followed the login link."""

    def __init__(self, login_link: str) -> None:
        """Log in. Raises Failure."""
        parts = urlsplit(login_link)
        self._base = f"{parts.scheme}://{parts.netloc}"
        # No proxy between two loopback sockets.
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()), ProxyHandler({}))
        self._ask(Request(login_link))  # noqa: S310  # our own console
        found = _CSRF.search(self._ask(Request(f"{self._base}/console/")))  # noqa: S310
        if not found:
            raise Failure("the console did not let the demo in")
        self._csrf = found[1]

    def send(self, session_id: str, text: str) -> str:
        """Write to a session; the id of the command it became. Raises Failure."""
        body = {"session": session_id, "text": text, "key": str(uuid.uuid4())}
        headers = {"Content-Type": "application/json", "X-CSRF-Token": self._csrf}
        request = Request(f"{self._base}/console/api/send", json.dumps(body).encode(), headers)  # noqa: S310
        return str(json.loads(self._ask(request))["command_id"])

    def _ask(self, request: Request) -> str:
        try:
            with self._opener.open(request, timeout=_DEADLINE) as response:
                content: bytes = response.read()
        except OSError as error:
            raise Failure(f"the console did not answer the demo: {error}") from None
        return content.decode()
