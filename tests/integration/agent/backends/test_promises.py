"""What each way to type into a session promises, judged alike for all; the real programs are skipped by name where they
are not installed. With TEST_EVERY_AGENT=1 all of them, else two beside Claude Code."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.fakes.acp_programs import EVERY
from tests.folders import short_folder
from tests.integration.agent.backends.model_subject import OfModel
from tests.integration.agent.backends.promises import PROMISES, ROWS, table
from tests.integration.agent.backends.subjects import SUBJECTS, Subject

_MAKES = {**SUBJECTS, "model": OfModel}
PAIRS = [
    pytest.param(row.make, promise, id=f"{name}: {promise}")
    for name, row in ROWS.items()
    for promise in PROMISES
    if promise not in row.cannot and (row.is_short or EVERY)
]
PAGE = Path(__file__).parents[4] / "docs" / "testing.md"

pytestmark = pytest.mark.timeout(400)


class Stage:
    """One of them at a time, for all of its promises: what one leaves behind is found by the next."""

    def __init__(self) -> None:
        self._name = ""
        self._open = ExitStack()

    def holds(self, name: str) -> Subject:
        """That one; the one before is closed."""
        if name != self._name:
            self.close()
            self._subject = _MAKES[name](self._open.enter_context(short_folder()))
            self._open.enter_context(closing(self._subject))
            self._name = name
        return self._subject

    def close(self) -> None:
        self._name = ""
        self._open.close()


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with closing(Stage()) as one:
        yield one


@pytest.mark.parametrize(("subject", "promise"), PAIRS)
def test_it_keeps_what_it_promises(stage: Stage, subject: str, promise: str) -> None:
    judge, _ = PROMISES[promise]
    stage.holds(subject).judge(judge)


def test_the_page_says_what_each_promises() -> None:
    assert table() in PAGE.read_text()
