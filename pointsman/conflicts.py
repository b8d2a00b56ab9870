"""Settings that are good each by itself, and not together or not here: doors open to the network, the files of TLS."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from pointsman.settings import is_loopback

TLS_FILES = ("POINTSMAN_TLS_CERT", "POINTSMAN_TLS_KEY", "POINTSMAN_TLS_CLIENT_CA", "POINTSMAN_TLS_CA")


def conflicts(values: Mapping[str, str]) -> list[str]:
    """What is wrong with settings whose values are good."""
    return [*_open_doors(values), *_tls(values), *_mail(values)]


def _open_doors(values: Mapping[str, str]) -> Iterator[str]:
    # Refused, not warned of: every API key, login and text would travel in the clear.
    grpc, http = values["POINTSMAN_ROUTER_LISTEN"], values["POINTSMAN_HTTP_LISTEN"]
    if not is_loopback(grpc) and not values["POINTSMAN_TLS_CERT"] and values["POINTSMAN_INSECURE_LISTEN"] != "1":
        needs = "anything but loopback needs POINTSMAN_TLS_CERT and POINTSMAN_TLS_KEY (or --insecure-listen)"
        yield f"POINTSMAN_ROUTER_LISTEN is {grpc}: {needs}; `pointsman tls init` makes both"
    if not is_loopback(http) and values["POINTSMAN_HTTP_PLAIN"] != "1":
        yield (
            f"POINTSMAN_HTTP_LISTEN is {http}, and the adapter speaks plain HTTP: logins and texts would be open to"
            " that network. Leave it on loopback, behind a proxy that speaks TLS; where a VPN or a proxy on another"
            " machine encrypts what comes there, say so with POINTSMAN_HTTP_PLAIN=1"
        )


def _tls(values: Mapping[str, str]) -> Iterator[str]:
    cert, key = values["POINTSMAN_TLS_CERT"], values["POINTSMAN_TLS_KEY"]
    if bool(cert) != bool(key):
        yield "POINTSMAN_TLS_CERT and POINTSMAN_TLS_KEY go together; one is missing"
    if values["POINTSMAN_TLS_CLIENT_CA"] and not cert:
        yield "POINTSMAN_TLS_CLIENT_CA needs POINTSMAN_TLS_CERT and POINTSMAN_TLS_KEY: only with TLS are clients asked"
    for name in TLS_FILES:
        path = values[name]
        if path and not os.path.isfile(path):  # noqa: PTH113 - pathlib raises for a name that is too long
            yield f"{name}: no file {path}"
    if key:
        from router.private_keys import trouble_with_key

        if trouble := trouble_with_key(Path(key)):
            yield f"POINTSMAN_TLS_KEY: {trouble}"


def _mail(values: Mapping[str, str]) -> Iterator[str]:
    if values["POINTSMAN_MAIL_ADDRESS"] and not values["POINTSMAN_MAIL_SMTP"]:
        yield "POINTSMAN_MAIL_ADDRESS needs POINTSMAN_MAIL_SMTP, the server that takes our mails: smtps://HOST"
    if values["POINTSMAN_MAIL_IMAP"] and not values["POINTSMAN_MAIL_PASSWORD"]:
        yield "POINTSMAN_MAIL_IMAP needs POINTSMAN_MAIL_PASSWORD: nobody reads a mailbox without one"
    path = values["POINTSMAN_MAIL_CA"]
    if path and not os.path.isfile(path):  # noqa: PTH113 - as above
        yield f"POINTSMAN_MAIL_CA: no file {path}"
