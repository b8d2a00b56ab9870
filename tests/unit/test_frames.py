"""The bytes on the wire: what was written by an earlier version is read as what it said, and written the same."""

import pytest
from google.protobuf.json_format import ParseDict

from tests.rigs.golden import FRAMES, committed, kinds, says

TYPES = {frame.DESCRIPTOR.name: frame for frame in FRAMES}


@pytest.mark.parametrize("name", committed())
def test_committed_bytes_say_what_they_said(name: str) -> None:
    line, frame = committed()[name], TYPES[name.partition(".")[0]]

    read = frame.FromString(bytes.fromhex(line["hex"]))
    written = ParseDict(line["says"], frame()).SerializeToString(deterministic=True)

    assert says(read) == line["says"]
    assert written.hex() == line["hex"]


def test_every_kind_of_frame_is_there() -> None:
    missing = [f"{frame.DESCRIPTOR.name}.{kind}" for frame, kind in kinds()]

    assert sorted(set(missing) - set(committed())) == []  # python -m tests.rigs.golden adds them
