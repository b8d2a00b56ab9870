"""Type a text into a session and wait for its end: python examples/send_and_wait.py SESSION TEXT

Finds the router as `pointsman` does: POINTSMAN_ROUTER and POINTSMAN_API_KEY, or what `pointsman up` made here.
"""

import sys

from pointsman.client import RouterError, connect

_, wanted, text = sys.argv
with connect() as router:
    try:
        [session] = [each for each in router.sessions() if wanted in (each.label, each.session_id)]
        command = router.follow(router.send_text(session.session_id, text).command_id)
    except ValueError:
        sys.exit(f"no session {wanted!r}, or several")
    except RouterError as error:
        sys.exit(f"{error.code}: {error.message} {error.cure}".rstrip())
print(command.state.name, command.detail)
