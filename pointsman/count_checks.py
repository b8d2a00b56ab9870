"""What is a good number, version or network: each check returns what is wrong, or an empty string. Pure."""

import ipaddress
import re

# Each has a bound: what is mistyped by a digit too many is told, and not taken for a wish.


def count(value: str) -> str:
    good = re.fullmatch(r"[1-9]\d{0,3}", value) and int(value) <= 1000
    return "" if good else "must be a number from 1 to 1000"


# A hundred years: what is meant for ever has an end that can be computed with.
def days(value: str) -> str:
    good = re.fullmatch(r"[1-9]\d{0,4}", value) and int(value) <= 36_500
    return "" if good else "must be a number of days from 1 to 36500"


# Longer than ten minutes nobody waits for a recording, and its file would be held meanwhile.
def seconds(value: str) -> str:
    good = re.fullmatch(r"[1-9]\d{0,2}", value) and int(value) <= 600
    return "" if good else "must be a number of seconds from 1 to 600"


def quota(value: str) -> str:
    good = re.fullmatch(r"[1-9]\d{0,6}", value) and int(value) <= 1_000_000
    return "" if good else "must be a number from 1 to 1000000"


def quick_daily(value: str) -> str:
    good = re.fullmatch(r"\d{1,9}(\s*,\s*\d{1,9})?", value)
    return "" if good else "must be QUESTIONS, or QUESTIONS,TOKENS of their answers, such as 100,100000"


def version(value: str) -> str:
    return "" if re.fullmatch(r"\d[\w.+-]{0,40}", value) else "must be a version, such as 1.4.0"


def versions(value: str) -> str:
    good = all(re.fullmatch(r"[\w.+-]{1,64}=\d[\w.+-]{0,40}", each.strip()) for each in value.split(","))
    return "" if good else "must be NAME=VERSION, such as claude=2.1.300; separate several by commas"


def networks(value: str) -> str:
    for item in filter(None, map(str.strip, value.split(","))):
        try:
            ipaddress.ip_network(item)
        except ValueError:
            return f"holds {item!r}, which is no address and no network; separate them by commas"
    return ""
