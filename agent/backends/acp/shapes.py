"""Fields of messages that another program made: read if they are as expected, else as if they were not there. Pure."""

from collections.abc import Mapping

Json = Mapping[str, object]

MOST_OF_A_TEXT = 256 * 1024  # characters that are looked at: far beyond what is told


def text(fields: Json, name: str, most: int = MOST_OF_A_TEXT) -> str:
    value = fields.get(name)
    # A lone surrogate is legal JSON, but no database and no protobuf takes it.
    return value[:most].encode(errors="replace").decode() if isinstance(value, str) else ""


def part(fields: Json, name: str) -> Json:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def parts(fields: Json, name: str) -> list[Json]:
    values = fields.get(name)
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []


def number(fields: Json, name: str) -> int:
    value = fields.get(name)
    # To Python, true is a number, too; no protobuf takes it for one.
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else 0
