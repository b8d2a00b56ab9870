"""Every reason has words."""

import pytest

from router.domain.errors import Reason
from router.domain.wording.reasons import reason_text


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.name)
def test_every_reason_has_words_that_fit_into_a_sentence(reason: Reason) -> None:
    words = reason_text(reason)

    assert words == words.strip()
    assert "_" not in words
    assert not words.endswith(".")
