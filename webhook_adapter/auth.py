"""Secrets that requests carry, compared in constant time."""

import hmac

from webhook_adapter.config import API_KEY


def is_secret(presented: str, secret: str) -> bool:
    """Whether they are the same. On bytes: on text, compare_digest refuses what is not ASCII."""
    return hmac.compare_digest(presented.encode(errors="surrogatepass"), secret.encode())


def is_api_key_shaped(presented: str) -> bool:
    """Whether the router can be asked about it at all: gRPC metadata carries printable ASCII only."""
    return API_KEY.fullmatch(presented) is not None
