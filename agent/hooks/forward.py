"""What every hook of Claude Code runs: hands one event to the agent, as `python -I -S forward.py SOCKET EVENT SCOPE`.

It runs at every prompt, in other people's folders. So it imports nothing that takes time (json and socket cost 6 ms
each), nothing from the current folder, and without an agent it is silent: no output, exit code 0. That a talk began is
then kept for the agent that comes: whose record it reads would not be known else.
"""

import os
import sys
import time
from _json import encode_basestring_ascii
from _socket import AF_UNIX, SO_PEERCRED, SOCK_STREAM, SOL_SOCKET, socket
from select import select

WAITS_FOR_A_PERSON = "PermissionRequest"
BEGINS_A_TALK = "SessionStart"
UNHEARD = "unheard"  # the file with what is kept, beside the agent's socket
MOST_UNHEARD = 256 * 1024  # bytes of it
PATIENCE = 5.0  # seconds for the agent to put an event on its disk; other events are answered at once
RETURN_LOOK = 1.0  # seconds between looks for an agent that is started again
MAX_LINE = 1024 * 1024  # bytes that the agent's socket takes
LONGEST_TEXT = 16 * 1024  # characters left of each text in an event that is longer than that

# All that the agent may learn of the environment, which holds API keys too: who the session is and where to find it.
FORWARDED = (
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_SESSION_ID",
    "CLAUDE_CONFIG_DIR",
    "CLAUDE_PID",
    "HOME",
    "NVIM",
    "POINTSMAN_SESSION_ID",
    "TMUX",
    "TMUX_PANE",
)


def main(path: str, event: str, scope: str = "") -> None:
    """Forward the event on standard input, and pass on what the agent answers to it. Raises OSError without an agent.

    `scope` names the settings that the hook stands in: with hooks in several, each event is forwarded by each.
    """
    try:
        connection = connected(path)  # first: nobody waits for input that nobody wants
    except OSError:
        if event == BEGINS_A_TALK:
            keep(path, line(event, _input(), scope))
        raise
    request = line(event, _input(), scope)
    try:
        answer = _asked(connection, request, event)
    except OSError:
        if event == BEGINS_A_TALK:
            keep(path, request)
        raise
    while event == WAITS_FOR_A_PERSON and not answer:  # the agent died: the next one hears the same question again
        answer = _asked(_returned(path), request, event)
    _print(answer)
    _export(answer)


def connected(path: str) -> socket:
    """A connection to the agent at that socket. Raises OSError where there is none, or it is another account's."""
    connection = socket(AF_UNIX, SOCK_STREAM)
    connection.settimeout(PATIENCE)
    connection.connect(path)
    # As agent.peers.check_agent: another account's program gets no prompt, and its "allow" is not believed.
    peer = int.from_bytes(connection.getsockopt(SOL_SOCKET, SO_PEERCRED, 12)[4:8], sys.byteorder)
    if peer not in (os.geteuid(), 0):
        raise PermissionError("not our agent")
    return connection


def keep(path: str, request: bytes) -> None:
    """Leave a request to the agent that comes next to that socket. Raises OSError where none ever was."""
    from fcntl import LOCK_EX, flock  # here: a hook that finds its agent has no use for it

    folder = path.rpartition("/")[0]
    there = os.stat(folder)  # noqa: PTH116 -- pathlib takes time
    if there.st_uid != os.geteuid() or there.st_mode & 0o077:
        raise PermissionError("not our agent's folder")
    while True:
        file = os.open(f"{folder}/{UNHEARD}", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        flock(file, LOCK_EX)
        found = os.fstat(file)
        if found.st_nlink:
            break
        os.close(file)  # an agent has taken it meanwhile
    if found.st_size + len(request) <= MOST_UNHEARD:
        os.write(file, b'{"at": %d, ' % time.time() + request[1:])
    os.close(file)


def _returned(path: str) -> socket:
    """The agent that was started after the one that died, as long as the program that asks is there."""
    parent = os.getppid()
    while os.getppid() == parent:
        select([], [], [], RETURN_LOOK)
        try:
            return connected(path)
        except OSError:
            continue
    raise ConnectionError("the program that asks is gone")


def _asked(connection: socket, request: bytes, event: str) -> bytes:
    """The answer to a request; of a question nothing when the agent died before it had one."""
    try:
        connection.sendall(request)
        if event == WAITS_FOR_A_PERSON:
            connection.settimeout(None)
        return _answer(connection)
    except OSError:
        if event == WAITS_FOR_A_PERSON:
            return b""
        raise
    finally:
        connection.close()


def line(event: str, payload: bytes, scope: str = "") -> bytes:
    """The request to the agent. JSON has line ends only between its tokens, where a space does as well."""
    payload = payload.translate(None, b"\r").replace(b"\n", b" ").strip() or b"{}"
    environ = ", ".join(
        f"{encode_basestring_ascii(name)}: {encode_basestring_ascii(value)}" for name, value in place().items()
    )
    names = f'"event": {encode_basestring_ascii(event)}, "scope": {encode_basestring_ascii(scope)}'
    names += f', "ask": "{os.urandom(8).hex()}"'
    head = f'{{"op": "hook", {names}, "parent": {os.getppid()}, "environ": '
    whole = f"{head}{{{environ}}}, ".encode() + b'"payload": ' + payload + b"}\n"
    if len(whole) <= MAX_LINE:
        return whole
    if event == WAITS_FOR_A_PERSON:
        raise ValueError("a question must be shown whole; this one stays at the terminal")
    return line(event, _shortened(payload), scope)


def place() -> "dict[str, str]":
    """Where this program is, as its environment says."""
    return {name: os.environ[name] for name in FORWARDED if name in os.environ}


def _shortened(payload: bytes) -> bytes:
    import json

    def cut(value: object) -> object:
        match value:
            case str():
                return value[:LONGEST_TEXT]
            case dict():
                return {key: cut(item) for key, item in value.items()}
            case list():
                return [cut(item) for item in value[:100]]
        return value

    short = json.dumps(cut(json.loads(payload))).encode()
    return short if len(short) < MAX_LINE // 2 else b"{}"


def _input() -> bytes:
    gathered = bytearray()
    while data := os.read(0, 1 << 16):
        gathered += data
    return bytes(gathered)


def _answer(connection: socket) -> bytes:
    gathered = bytearray()
    while not gathered.endswith(b"\n"):
        if not (data := connection.recv(1 << 16)):
            return b""  # half an answer is none
        gathered += data
    return bytes(gathered)


def _print(answer: bytes) -> None:
    """What the agent wants Claude Code to read; mostly nothing."""
    if b'"output"' in answer:
        import json

        message = json.loads(answer)
        if message.get("ok"):
            os.write(1, json.dumps(message["output"]).encode())


def _export(answer: bytes) -> None:
    """Tell what Claude Code runs which session it is in: Claude Code reads that file before each shell command."""
    if b'"environment"' in answer and (path := os.environ.get("CLAUDE_ENV_FILE")):
        import json

        said = json.loads(answer)["environment"].items()
        lines = "".join(f"export {name}={_quoted(value)}\n" for name, value in said)
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)  # it is the hooks' of others, too
        os.write(file, lines.encode())


def _quoted(text: str) -> str:
    """For a shell, which takes nothing between such quotes for its own."""
    return "'" + text.replace("'", "'\\''") + "'"


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except BaseException:  # noqa: BLE001 -- whatever goes wrong here, the person's session goes on
        os._exit(0)
    os._exit(0)  # at once: taking the interpreter apart costs 2 ms
