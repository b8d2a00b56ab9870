"""What is a good value of the settings of mail: each check returns what is wrong, or an empty string. Pure."""

import re

_LONGEST_LOCAL = 18  # with "+" and a token there are 64 letters before the @, which is all that mail has room for
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"[A-Za-z0-9!#$%&'*/=?^_`{{|}}~.+-]{{1,64}}@{_HOST}")


def own_address(value: str) -> str:
    local = value.partition("@")[0]
    if not _ADDRESS.fullmatch(value) or "+" in local:
        return "is no mail address, or has a + in it, behind which a token comes"
    return (
        "" if len(local) <= _LONGEST_LOCAL else f"may have {_LONGEST_LOCAL} letters before the @: a token comes behind"
    )


def addresses(value: str) -> str:
    for item in filter(None, map(str.strip, value.split(","))):
        if not _ADDRESS.fullmatch(item) or len(item) > 128:
            return f"holds {item!r}, which is no mail address; separate them by commas"
    return ""


def smtp_server(value: str) -> str:
    return _server("smtp", value)


def imap_server(value: str) -> str:
    return _server("imap", value)


def _server(protocol: str, value: str) -> str:
    good = re.fullmatch(rf"{protocol}s?://(?:{_HOST}|\[[0-9a-f:]+\])(?::[1-9]\d{{0,4}})?/?", value)
    return "" if good else f"must be {protocol}s://HOST[:PORT], or {protocol}://HOST[:PORT] for STARTTLS"
