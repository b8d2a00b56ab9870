"""A little program to talk to: the sample session of `pointsman demo`. It stands for a coding agent that asks."""

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
    """Answer each line until the end of input, or /exit."""
    print(QUESTION)  # noqa: T201  # it talks to a terminal, that is its purpose
    try:
        while (text := input("> ")).strip() != "/exit":
            print(heard(text))  # noqa: T201
    except (EOFError, KeyboardInterrupt):
        pass
    print("Good bye.")  # noqa: T201


if __name__ == "__main__":
    main()
