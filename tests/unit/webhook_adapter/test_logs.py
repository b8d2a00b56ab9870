"""What logs may show."""

import logging

import pytest

from webhook_adapter.logs import RedactingFormatter


def record(message: str, *args: object, **more: object) -> logging.LogRecord:
    return logging.LogRecord("test", logging.INFO, __file__, 1, message, args, **{"exc_info": None, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "line",
    [
        record("calling https://api.telegram.org/bot4711:token/sendMessage"),
        record("Error handling request %s", "/webhook/telegram/path-secret"),
        record("%s", {"key": "pmk_key"}),
    ],
)
def test_secrets_are_blotted_out(line: logging.LogRecord) -> None:
    shown = RedactingFormatter(["4711:token", "path-secret", "pmk_key"]).format(line)

    assert "***" in shown
    assert not [secret for secret in ("4711:token", "path-secret", "pmk_key") if secret in shown]


def test_secrets_in_tracebacks_are_blotted_out() -> None:
    error = ValueError("no answer from https://host/bot4711:token/getMe")

    shown = RedactingFormatter(["4711:token"]).format(record("failed", exc_info=(ValueError, error, None)))

    assert "ValueError" in shown
    assert "4711:token" not in shown
