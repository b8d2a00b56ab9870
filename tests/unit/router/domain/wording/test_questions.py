"""What is read of a question that is over."""

import pytest

from router.domain.permission import Permission, PermissionKind, PermissionState
from router.domain.wording import questions

INPUT = "```\n" + "\n".join(f"echo {number}" for number in range(400)) + "\n```"


@pytest.mark.parametrize(("asks", "fences"), [(INPUT, 2), ("word " * 400, 0), ("```\nls\n```\n" + "word " * 400, 2)])
def test_code_that_is_cut_ends_before_how_it_ended(asks: str, fences: int) -> None:
    asked = Permission("p", "s", "m", PermissionKind.TOOL, "Bash", asks, "d", (), 0.0, 9.0,
                       state=PermissionState.ALLOWED, decided_by="telegram:1 (ada)")  # fmt: skip
    lines = questions.answered(asked, "at 5").split("\n")

    assert lines.count("```") == fences
    assert lines[-1] == "✅ Allowed by ada, at 5."
    cut = next(number for number, line in enumerate(lines) if "more characters)" in line)
    assert lines[:cut].count("```") == fences
