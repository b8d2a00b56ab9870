"""Many replies and then a notification, through the courier with Telegram's limits."""

from pathlib import Path

from tests.integration.telegram.broken import ADA, broken

REPLIES = 200


def test_after_200_replies_a_notification_comes_within_seconds_and_every_end_is_told(data_dir: Path) -> None:
    with broken(data_dir, "getMe", "404") as world:  # which nobody asks while all goes well
        with world.machine.connected() as link:
            written = [world.has_carried_out(link, f"reply {number}") for number in range(REPLIES)]
            world.says("look at this", ADA)
            told = world.within(4, lambda: world.shows("look at this"))
        world.passes(30, 1)

        marked = [message for message in written if message.reaction]
        lines = world.shows("before it.")
        assert told
        assert len(marked) + sum(1 + int(line.text.split()[-3]) for line in lines) == REPLIES
        assert len(marked) + len(lines) < 30  # they were written in 20 s, and a chat takes one call a second
        assert lines[-1].reply_to in written
