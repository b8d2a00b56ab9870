"""A full-screen program as far as input goes: puts its terminal in raw mode and writes down every byte up to a Ctrl-D.

recorder.py FILE [ESCAPE…]: prints the escape sequences (given in hex) before it says READY.
"""

import os
import sys
import tty
from pathlib import Path

tty.setraw(0)
with Path(sys.argv[1]).open("wb", buffering=0) as record:
    os.write(1, b"".join(map(bytes.fromhex, sys.argv[2:])) + b"READY")
    data = b""
    while b"\x04" not in data:
        data = os.read(0, 65536)
        record.write(data)
