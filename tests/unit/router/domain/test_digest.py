"""Which of what waits becomes a digest, and what the digest says."""

import pytest
from msgspec.structs import replace

from router.domain.command import ChatRef
from router.domain.digest import FEWEST, MOST, digest, members
from router.domain.notification import Button, Kind, Notification

CHAT = ChatRef("telegram", "1", "7")
PLAIN = Notification("n0", "s-1", CHAT, Kind.PROGRESS, "word 0", "t0", 1.0)


def waiting(count: int) -> list[Notification]:
    return [replace(PLAIN, notification_id=f"n{n}", text=f"word {n}", token=f"t{n}") for n in range(count)]


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    ("count", "together"), [(1, 1), (FEWEST - 1, 1), (FEWEST, FEWEST), (10, 10), (MOST, MOST), (MOST + 5, MOST)]
)
def test_a_row_of_four_is_a_digest(count: int, together: int) -> None:
    queue = waiting(count)

    assert members(queue) == queue[:together]


@pytest.mark.parametrize(
    "change",
    [
        {"kind": Kind.QUESTION},
        {"kind": Kind.ANSWER},
        {"kind": Kind.STATUS},
        {"session_id": ""},
        {"session_id": "s-2"},
        {"chat": replace(CHAT, thread_id="8")},
        {"chat": replace(CHAT, message_id="8")},
        {"buttons": (Button("Go on", "continue"),)},
        {"edits": "n9"},
        {"permission_id": "q"},
        {"command_id": "c"},
        {"closes_topic": True},
        {"text": "😀" * 8_001},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_is_not_plain_words_of_the_session_to_the_place_ends_the_row(change: dict[str, object]) -> None:
    queue = waiting(10)
    other = replace(queue[5], **change)  # type: ignore[arg-type]

    assert members([*queue[:5], other, *queue[6:]]) == queue[:5]
    assert members([*queue[:3], other, *queue[4:]]) == queue[:1]


@pytest.mark.parametrize("change", [{"buttons": (Button("Go on", "continue"),)}, {"session_id": ""}])
def test_a_row_of_what_is_not_plain_is_none(change: dict[str, object]) -> None:
    queue = [replace(each, **change) for each in waiting(10)]  # type: ignore[arg-type]

    assert members(queue) == queue[:1]


def test_a_digest_is_the_oldest_with_the_words_of_all() -> None:
    queue = waiting(4)
    queue[1] = replace(queue[1], text="two\n  lines")
    queue[3] = replace(queue[3], text="the\nnewest")

    assert digest(queue, "api", "14:05") == replace(
        queue[0], text="🗞 4 messages of api since 14:05:\n• word 0\n• two lines\n• word 2\nthe\nnewest"
    )


@pytest.mark.parametrize("letter", ["x", "ß", "😀"])
@pytest.mark.parametrize("count", [FEWEST, MOST])
def test_long_texts_are_cut_to_one_message_and_it_says_where_they_are_whole(letter: str, count: int) -> None:
    queue = [replace(each, text=f"{each.text} {letter * 7_000}") for each in waiting(count)]

    head, *lines, end = digest(queue, "n" * 128, "14:05").text.split("\n")

    assert 3_300 < units("\n".join([head, *lines, end])) <= 3_500 + len(lines)
    assert [line.removeprefix("• ").startswith(f"word {n} {letter}") for n, line in enumerate(lines)] == [True] * count
    assert {line[-1] for line in lines} == {"…"}
    assert max(lines, key=units) is lines[-1]
    assert end == "Whole texts: pointsman notifications --session s-1 --json"
