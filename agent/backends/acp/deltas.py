"""What a program says while it says it, for those who follow: told by what has come since the last time."""

from collections.abc import Callable

from agent.domain.aside import Aside, Begun, Chunk, Whole


class Aloud:
    """Of one conversation. Whoever comes in the middle hears from the beginning of the words that are being said."""

    def __init__(self, tell: Callable[[Aside], None], is_followed: Callable[[], bool]) -> None:
        self._tell = tell
        self._is_followed = is_followed
        self._answer = ""  # the one that is being told
        self._told = 0  # characters of it

    def says(self, answer: str, words: str) -> None:
        """It has said these words so far of that answer; none when it says nothing just now."""
        if self._answer and (answer != self._answer or not words):
            self._tell(Whole())
            self._answer = ""
        if not words or not self._is_followed():
            return
        if answer != self._answer:
            self._tell(Begun(answer))
            self._answer, self._told = answer, 0
        if news := words[self._told :]:
            self._tell(Chunk(news))
            self._told = len(words)
