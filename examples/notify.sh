#!/bin/sh
# Sends a message about a session to a chat over HTTP, with two buttons under it, and prints the answer.
#
#   examples/notify.sh SESSION CHAT TEXT
#
# POINTSMAN_API_KEY opens the door; on the machine of `pointsman up` it is read from the data directory.
set -eu

[ $# -eq 3 ] || { echo "usage: $0 SESSION CHAT TEXT" >&2; exit 2; }

adapter=http://${POINTSMAN_HTTP_LISTEN:-127.0.0.1:8080}
data=${POINTSMAN_DATA_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/pointsman}
key=${POINTSMAN_API_KEY:-$(cat "$data/api_key")}

body=$(python3 -c '
import json, sys
session, chat, text = sys.argv[1:]
buttons = [[{"text": "Continue", "callback_data": "continue"}, {"text": "Stop", "callback_data": "exit"}]]
print(json.dumps({"sessionId": session, "chatId": chat, "text": text, "replyMarkup": {"inline_keyboard": buttons}}))
' "$1" "$2" "$3")

# The key goes in by standard input: arguments can be read by everybody on the machine.
printf 'header = "X-API-Key: %s"\n' "$key" |
  curl --silent --show-error --fail-with-body --config - \
    --header 'Content-Type: application/json' --data "$body" "$adapter/notifications/send"
echo
