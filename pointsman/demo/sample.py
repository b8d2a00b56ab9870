"""A little program to talk to: the sample session of `pointsman demo`. It stands for a coding agent that asks.

What it says appears on its terminal and, as any program's words would, in the chat: by `pointsman notify`.
"""

import subprocess
import sys
from collections.abc import Callable

SESSION_ID = "demo"
QUESTION = "I am done with the first part. Shall I go on?"
BUTTONS = (("Yes", "yes"), ("No", "no"))

_ANSWERS = {
    "": "You pressed Enter. I go on.",
    "y": "You said yes. I go on.",
    "n": "You said no. I wait.",
}


def heard(text: str) -> str:
    """What the session answers to a line that was typed into it."""
    return _ANSWERS.get(text.strip().lower(), f"You said: {text}")


def main() -> None:
    """Answer each line until the end of input, or /exit. With a data directory as the argument, in the chat too."""
    tell = _teller(sys.argv[1]) if len(sys.argv) > 1 else _to_nobody
    try:
        _say(tell, QUESTION, *BUTTONS)
        while (text := input("> ")).strip() != "/exit":
            _say(tell, heard(text))
    except (EOFError, KeyboardInterrupt):
        pass
    print("Good bye.")  # noqa: T201  # it talks to a terminal, that is its purpose


Button = tuple[str, str]
Teller = Callable[..., None]


def _say(tell: Teller, text: str, *buttons: Button) -> None:
    print(text, flush=True)  # noqa: T201
    tell(text, *buttons)


def _to_nobody(_text: str, *_buttons: Button) -> None:
    pass


def _teller(data_dir: str) -> Teller:
    def tell(text: str, *buttons: Button) -> None:
        notify = [sys.executable, "-I", "-m", "pointsman", "--data-dir", data_dir, "notify"]
        choices = [word for label, action in buttons for word in ("--button", f"{label}={action}")]
        # Its outcome does not matter: a session goes on when nobody can be told. Its input is ours.
        subprocess.run([*notify, *choices, SESSION_ID, text], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    return tell


if __name__ == "__main__":
    main()
