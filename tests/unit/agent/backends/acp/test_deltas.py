"""What is told of words while they are said."""

from agent.backends.acp.deltas import Aloud
from agent.domain.aside import Aside, Begun, Chunk, Whole


class Follower:
    """Hears, as long as it wants to."""

    def __init__(self) -> None:
        self.heard: list[Aside] = []
        self.wants = True
        self.aloud = Aloud(self.heard.append, lambda: self.wants)


def test_only_what_is_new_is_told() -> None:
    follower = Follower()
    for words in ("I ", "I look", "I look", "I look at it"):
        follower.aloud.says("1", words)
    follower.aloud.says("", "")

    assert follower.heard == [Begun("1"), Chunk("I "), Chunk("look"), Chunk(" at it"), Whole()]


def test_who_comes_in_the_middle_hears_from_the_beginning() -> None:
    follower = Follower()
    follower.wants = False
    follower.aloud.says("1", "I look")
    follower.wants = True
    follower.aloud.says("1", "I look at it")

    assert follower.heard == [Begun("1"), Chunk("I look at it")]


def test_another_answer_ends_the_one_before() -> None:
    follower = Follower()
    follower.aloud.says("1", "I look")
    follower.aloud.says("2", "Done")

    assert follower.heard == [Begun("1"), Chunk("I look"), Whole(), Begun("2"), Chunk("Done")]
