#!/bin/sh
# Asks a session's people before it goes on, and does as they say.
#
#   examples/deploy.sh SESSION COMMAND...
#
# The COMMAND runs on a yes alone. In programs of `pointsman run` the session is "$POINTSMAN_SESSION_ID".
set -eu

[ $# -ge 2 ] || { echo "usage: $0 SESSION COMMAND..." >&2; exit 2; }
session=$1
shift

status=0
answer=$(pointsman ask "$session" "Deploy with: $*" --option Deploy --no "Not now" --timeout "${PATIENCE:-30m}") || status=$?
case $status in
  0) echo "$answer: $*"; exec "$@" ;;
  6) echo "denied: $answer" ;;
  7) echo "nobody answered" ;;
  *) echo "could not ask" ;;
esac
exit "$status"
