"""What the commands share: the flags given so far, the settings they lead to, the router's address book."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pointsman import config
from pointsman.settings import BY_NAME

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pointsman.client.control import Control

F = TypeVar("F", bound=Callable[..., Any])

CLIENT_TLS = ("POINTSMAN_TLS_CA", "POINTSMAN_TLS_CERT", "POINTSMAN_TLS_KEY")
# What every command that asks the router understands.
_CLIENT = ("POINTSMAN_DATA_DIR", "POINTSMAN_ROUTER", *CLIENT_TLS)


def setting_flags(*names: str) -> Callable[[F], F]:
    """Flags that set settings for this call. Secrets have none: everybody can see a command line."""

    def decorate(function: F) -> F:
        # The decorator applied last comes first in the help: so it has the order given here.
        for name in reversed(names):
            setting = BY_NAME[name]
            takes = {"is_flag": True, "flag_value": "1", "default": None} if setting.switch else {"metavar": "VALUE"}
            function = click.option(
                setting.flag,
                **takes,
                expose_value=False,
                callback=_remember,
                help=f"{setting.meaning[0].upper()}{setting.meaning[1:]} [{name}].",
            )(function)
        return function

    return decorate


def _remember(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None and param.name is not None:
        # At the root: a flag may stand before the command's name, or behind it.
        flags = ctx.find_root().ensure_object(dict)
        name = next(name for name, setting in BY_NAME.items() if setting.flag == param.opts[0])
        flags[name] = value


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class SpanParam(click.ParamType[timedelta]):
    """A span of time: 90s, 30m, 2h, 1d."""

    name = "SPAN"

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        # So many digits that a protobuf Duration holds it in any unit.
        match = re.fullmatch(r"(\d{1,6})([smhd])", value)
        if not match or int(match[1]) == 0:
            self.fail(f"{value!r} is no span of time such as 90s, 30m, 2h or 1d", param, ctx)
        return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


client_flags = setting_flags(*_CLIENT)
# TEXT may begin with a dash, as list items do.
TAKES_TEXT = {"ignore_unknown_options": True}
json_flag = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def settings(ctx: click.Context | None = None) -> config.Settings:
    """The settings of the running command, or of that one. Raises BadSettings."""
    return config.read_settings((ctx or click.get_current_context()).find_root().ensure_object(dict))


def data_dir() -> "Path":
    """The data directory of the running command, whatever is wrong with other settings. Raises BadSettings."""
    return config.read_data_dir(click.get_current_context().find_root().ensure_object(dict))


def speaks_as_session() -> bool:
    """Whether what the running command says is said by the session that it runs in."""
    from pointsman.connection import speaks_as_session as speaks

    return speaks(settings())


def control(ctx: click.Context | None = None, *, as_session: bool = False) -> "AbstractContextManager[Control]":
    """A client of the router, for a `with`; what the router refuses leaves it as a Failure.

    `as_session`: it speaks for the session that this runs in.
    """
    from pointsman.connection import connected

    return connected(settings(ctx), as_session=as_session)
