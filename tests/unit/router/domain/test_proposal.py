"""Work that a model would hand over can be shown whole, or is not offered."""

import pytest

from router.domain.action import StartSession
from router.domain.proposal import MOST_PROMPT, Proposal
from router.domain.start import Wanted

SOUND = {
    "a prompt alone": Proposal("fix it"),
    "all of it": Proposal("fix it\n\tand say how", "dev.box@home", "gemini", "~/src/a b/"),
    "as long as it may be": Proposal("x" * MOST_PROMPT),
    "pictures": Proposal("👩\u200d🔧 fix it"),
}
UNSOUND = {
    "nothing": Proposal(""),
    "blanks": Proposal(" \n "),
    "too long": Proposal("x" * (MOST_PROMPT + 1)),
    "too long as it is shown": Proposal("\u200b" * (MOST_PROMPT // 4)),
    "far too long": Proposal("x" * 10_000_000),
    "a machine in several words": Proposal("x", machine_id="dev box"),
    "a machine that turns the line round": Proposal("x", machine_id="dev\u202ebox"),
    "a machine with a line end": Proposal("x", machine_id="devbox\n"),
    "a flag in the place of an agent": Proposal("x", agent="--yolo"),
    "a model": Proposal("x", agent="model"),
    "a folder that hides": Proposal("x", folder="~/src\u200b/"),
    "a folder of two lines": Proposal("x", folder="~/src/\n~/other/"),
    "a folder without an end": Proposal("x", folder="/" + "x" * 5000),
}


@pytest.mark.parametrize("proposal", SOUND.values(), ids=SOUND)
def test_what_can_be_shown_whole_is_offered(proposal: Proposal) -> None:
    assert proposal.is_sound
    assert proposal.shown == proposal.prompt.strip()


@pytest.mark.parametrize("proposal", UNSOUND.values(), ids=UNSOUND)
def test_what_cannot_is_not(proposal: Proposal) -> None:
    assert not proposal.is_sound


def test_what_cannot_be_seen_is_written_out_where_it_is_shown() -> None:
    proposal = Proposal("rm \u202etxt.exe")

    assert proposal.is_sound
    assert proposal.shown == "rm ⟨U+202E⟩txt.exe"


def test_it_becomes_the_start_that_was_shown() -> None:
    wanted = Proposal(" fix it\n", "devbox", "gemini", "~/src/").wanted

    assert wanted == Wanted("devbox", StartSession("fix it", "~/src/", agent="gemini"))
