"""Secrets that requests carry, compared in constant time."""

import hmac
import re

_API_KEY = re.compile(r"[\x21-\x7e]{1,256}")


def is_secret(presented: str, secret: str) -> bool:
    """Whether they are the same. On bytes: on text, compare_digest refuses what is not ASCII."""
    return hmac.compare_digest(presented.encode(errors="surrogatepass"), secret.encode())


def is_api_key_shaped(presented: str) -> bool:
    """Whether the router can be asked about it at all: gRPC metadata carries printable ASCII only."""
    return _API_KEY.fullmatch(presented) is not None
