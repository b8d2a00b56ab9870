"""A full-screen program as far as input goes: puts its terminal in raw mode and writes down every byte up to a Ctrl-D.

recorder.py FILE ENDS [ESCAPE…]: up to so many of them; prints the escape sequences (given in hex) before it says READY.
"""

import os
import sys
import tty
from pathlib import Path

tty.setraw(0)
with Path(sys.argv[1]).open("wb", buffering=0) as record:
    os.write(1, b"".join(map(bytes.fromhex, sys.argv[3:])) + b"READY")
    left = int(sys.argv[2])
    while left > 0:
        data = os.read(0, 65536)
        record.write(data)
        left -= data.count(b"\x04")
