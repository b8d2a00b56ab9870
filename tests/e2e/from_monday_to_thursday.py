"""A question that waits from Monday to Thursday; `python -m tests.e2e.from_monday_to_thursday` writes it down.

Telegram's stand-in, real mail servers, the real router and couriers: only the clock is moved.
"""

import re
import shutil
import tempfile
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

from tests.e2e.two_ways import DAY, TwoWays, plain, screen, two_ways
from tests.fakes.telegram_state import Message
from tests.rigs.mail_servers import mail_servers

PAGE = Path(__file__).parents[2] / "docs" / "from-monday-to-thursday.md"
MINUTE = 60
HEAD = """\
# From Monday to Thursday

A question that nobody answers for days, as a test plays it (`tests/e2e/test_two_ways.py`): Ada has Telegram and
e-mail, her ladder is the one that holds where nobody said anything, and the clock is moved. The words are the product's
own; [telegram.md](telegram.md#who-does-not-answer) says how it works. `Telegram` and `Mail` are what she sees there.
"""
_FOOT = re.compile(r"\n-- \n.*", re.DOTALL)


class Diary:
    """What Ada sees, by moments."""

    def __init__(self, stage: TwoWays) -> None:
        self._stage = stage
        self._lines: list[str] = []
        self._seen: set[str] = set()

    def at(self, moment: str) -> None:
        """It is so late now; the clock says so, too."""
        now = datetime.fromtimestamp(self._stage.router.time.now(), UTC)
        assert f"{now:%A %H:%M}" == moment
        self._lines.append(f"```\n\n## {moment}\n\n```text")

    def tell(self, what: str) -> None:
        self._lines.append(f"[{what}]")

    def telegram(self, message: Message, how: str = "") -> None:
        self._note(f"Telegram  {how}{screen(message)}")

    def mail(self, mail: EmailMessage) -> None:
        self._note(f"Mail      {mail['Subject']}\n\n{_FOOT.sub('', plain(mail)).strip()}")

    def page(self) -> str:
        text = HEAD + "\n".join(self._lines).removeprefix("```\n") + "\n```\n"
        return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"

    def _note(self, text: str) -> None:
        self._lines.append(text.replace("\n", "\n          "))


def play(stage: TwoWays) -> str:
    """Play it; the page that it makes."""
    diary = Diary(stage)
    _monday(stage, diary)
    _tuesday_and_wednesday(stage, diary)
    _thursday(stage, diary)
    return diary.page()


def _monday(stage: TwoWays, diary: Diary) -> None:
    diary.at("Monday 09:00")
    diary.tell("a release script asks, and waits")
    stage.ask("Release 2.0 from which branch?", "main", "next")
    diary.telegram(stage.sees("Release 2.0"))
    stage.router.send(stage.session, "then write the notes")
    stage.router.send(stage.session, "and tell the list")
    diary.tell("two texts are sent into the session, which has to wait with them")
    stage.passes(15 * MINUTE)
    diary.at("Monday 09:15")
    diary.telegram(stage.sees("Still open"))
    stage.passes(15 * MINUTE)
    diary.at("Monday 09:30")
    diary.mail(stage.mails("Release 2.0")[0])


def _tuesday_and_wednesday(stage: TwoWays, diary: Diary) -> None:
    stage.passes(DAY - 30 * MINUTE)
    diary.at("Tuesday 09:00")
    diary.telegram(stage.sees("Still open", 2))
    diary.mail(stage.mails("Still open")[0])
    stage.telegram_goes_down()
    stage.passes(DAY)
    diary.at("Wednesday 09:00")
    diary.tell("Telegram is down since the night")
    diary.mail(stage.mails("Still open", 2)[-1])


def _thursday(stage: TwoWays, diary: Diary) -> None:
    stage.passes(DAY)
    diary.at("Thursday 09:00")
    reminder = stage.mails("Still open", 3)[-1]
    diary.mail(reminder)
    stage.passes(40 * MINUTE)
    diary.at("Thursday 09:40")
    diary.tell("Ada answers the mail: 2")
    stage.answers_by_mail(reminder, "2")
    # The mails that showed the question are told, too, in an order of their own.
    diary.mail(stage.mails("Answered by", answers="Re: ")[0])
    diary.tell("the script goes on with: next")
    before = len(stage.in_telegram())
    stage.passes(20 * MINUTE - 40)
    stage.telegram_is_back()
    diary.at("Thursday 10:00")
    diary.tell("Telegram is back: what stands there says how it ended, and nothing new comes")
    for number in range(before):
        shown = stage.in_telegram()[number]
        stage.telegram.wait_for(lambda shown=shown: "Answered by" in shown.text, 60)
        diary.telegram(shown, "(changes its message) ")
    assert len(stage.in_telegram()) == before


if __name__ == "__main__":
    made = Path(tempfile.mkdtemp(prefix="mail-"))
    made.chmod(0o755)
    try:
        with (
            mail_servers(made / "servers") as there,
            tempfile.TemporaryDirectory(prefix="pm-week-") as folder,
            two_ways(Path(folder), there) as one,
        ):
            PAGE.write_text(play(one))
    finally:
        shutil.rmtree(made, ignore_errors=True)
    print(f"wrote {PAGE.name}")
