"""What of the programs' lines a person sees, and what is kept."""

from contextlib import closing
from pathlib import Path

import pytest

from pointsman.up.log import UpLog


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("2026-01-02 03:04:05,678 INFO router.app serving", ""),
        (
            "2026-01-02 03:04:05,678 WARNING a.b Ada (user 1) wrote",
            "courier: Ada (user 1) wrote\n",
        ),
        ("2026-01-02 03:04:05,678 ERROR a.b the disk is full", "courier: the disk is full\n"),
        ("[2026-01-02 03:04:05 +0000] [7] [ERROR] Connection in use", "courier: Connection in use\n"),
        ("[2026-01-02 03:04:05 +0000] [7] [INFO] Listening", ""),
        ("INFO says WARNING", ""),
    ],
    ids=["info", "warning", "error", "gunicorn", "gunicorn-info", "word"],
)
def test_a_person_sees_warnings_alone_and_the_file_has_all(
    data_dir: Path, capsys: pytest.CaptureFixture[str], line: str, shown: str
) -> None:
    with closing(UpLog(data_dir)) as log:
        log.line("courier", line)

    assert capsys.readouterr().err == shown
    assert log.path.read_text() == f"courier      │ {line}\n"


def test_the_last_words_are_those_of_programs_that_are_not_ready(data_dir: Path) -> None:
    with closing(UpLog(data_dir)) as log:
        for name, text in (("router", "starts"), ("router", "ready router 1"), ("agent", "cannot start")):
            log.line(name, text)

    assert log.last_words() == "agent: cannot start"
