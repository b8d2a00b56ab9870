"""The chat platforms, in one table: a new one is a package beside this file and a line here."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint

from webhook_adapter.config import AdapterConfig
from webhook_adapter.router.client import RouterClient
from webhook_adapter.transports.telegram import platform as telegram

Count = Callable[[str, str], None]
"""Told the platform and the outcome of each event that came in."""


@dataclass(frozen=True, slots=True)
class Platform:
    """One chat platform. `door` makes its HTTP endpoints, None where its settings leave it off."""

    name: str
    door: Callable[[AdapterConfig, RouterClient, Count], Blueprint | None]


PLATFORMS = (Platform("telegram", telegram.create_door),)
"""Those that call us over HTTP. The web console is a page of the application itself and needs no entry."""
