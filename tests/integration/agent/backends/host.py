"""`pointsman run` without the command line: host.py SOCKET SESSION COMMAND…"""

import sys
from pathlib import Path

from agent.backends.pty_host import run

sys.exit(run(sys.argv[3:], label="test", session_id=sys.argv[2], socket_path=Path(sys.argv[1])))
