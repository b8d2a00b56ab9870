"""`pointsman run` without the command line: host.py SOCKET SESSION COMMAND…"""

import atexit
import gc
import sys
from pathlib import Path

from agent.pty_host.host import run

atexit.register(gc.freeze)  # as the command line does
sys.exit(run(sys.argv[3:], label="test", session_id=sys.argv[2], socket_path=Path(sys.argv[1])))
