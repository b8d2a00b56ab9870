"""What `/new` says, and what of it may be started."""

import pytest

from router.domain.action import StartSession
from router.domain.errors import Reason, Refusal
from router.domain.start import Wanted, checked, read

MACHINES = ["devbox", "laptop"]


@pytest.mark.parametrize(
    ("argument", "machine", "folder", "prompt"),
    [
        ("fix the test", "", "", "fix the test"),
        ("devbox fix the test", "devbox", "", "fix the test"),
        ("DevBox ~/src fix it", "devbox", "~/src", "fix it"),
        ("/srv/api fix it", "", "/srv/api", "fix it"),
        ("laptop api/ fix\n\n  it", "laptop", "api/", "fix\n\n  it"),
        ("/init", "", "", "/init"),
        ("src/main.py is broken", "", "", "src/main.py is broken"),
        ("devbox", "devbox", "", ""),
        ("elsewhere fix it", "", "", "elsewhere fix it"),
        ("~ what is here", "", "~", "what is here"),
    ],
)
def test_words_behind_new_are_read(argument: str, machine: str, folder: str, prompt: str) -> None:
    assert read(argument, MACHINES) == Wanted(machine, StartSession(prompt, folder))


@pytest.mark.parametrize(
    ("argument", "machine", "agent", "folder", "prompt"),
    [
        ("devbox gemini ~/src/api/ fix it", "devbox", "gemini", "~/src/api/", "fix it"),
        ("Gemini fix it", "", "gemini", "", "fix it"),
        ("claude api/ fix it", "", "claude", "api/", "fix it"),
        ("goose fix it", "", "", "", "goose fix it"),
        ("devbox fix gemini", "devbox", "", "", "fix gemini"),
        ("devbox gemini", "devbox", "gemini", "", ""),
    ],
)
def test_a_coding_agent_is_named_behind_the_machine(
    argument: str, machine: str, agent: str, folder: str, prompt: str
) -> None:
    assert read(argument, MACHINES, {"claude", "gemini"}) == Wanted(machine, StartSession(prompt, folder, agent=agent))


HAVE = {"devbox": ("claude", "gemini"), "laptop": ("claude",)}


def test_the_only_machine_that_has_the_coding_agent_need_not_be_named() -> None:
    assert checked(Wanted("", StartSession("go", agent="gemini")), MACHINES, MACHINES, HAVE).machine_id == "devbox"


@pytest.mark.parametrize("have", [{}, {"laptop": ()}], ids=["not heard of", "it did not say"])
def test_a_machine_that_did_not_say_what_it_has_is_the_judge(have: dict[str, tuple[str, ...]]) -> None:
    assert checked(Wanted("laptop", StartSession("go", agent="gemini")), MACHINES, MACHINES, have)


@pytest.mark.parametrize(
    ("wanted", "reason", "says"),
    [
        (Wanted("laptop", StartSession("go", agent="gemini")), Reason.UNSUPPORTED, "It has: claude"),
        (Wanted("laptop", StartSession("go", agent="../x")), Reason.INVALID_ARGUMENT, "such as gemini"),
        (Wanted("devbox", StartSession("go", "", "--yes", agent="gemini")), Reason.INVALID_ARGUMENT, "letters"),
        (Wanted("devbox", StartSession("go", "", "ses_1", agent="claude")), Reason.INVALID_ARGUMENT, "UUID"),
    ],
)
def test_a_coding_agent_that_cannot_be_is_refused(wanted: Wanted, reason: Reason, says: str) -> None:
    with pytest.raises(Refusal, match=says) as refused:
        checked(wanted, MACHINES, MACHINES, HAVE)

    assert refused.value.reason is reason


def test_other_programs_name_their_conversations_as_they_like() -> None:
    wanted = Wanted("devbox", StartSession("go", "", "ses_dd7ec41c8ffeTMPZJMheg35omC", agent="gemini"))

    assert checked(wanted, MACHINES, MACHINES, HAVE) == wanted


@pytest.mark.parametrize(
    ("wanted", "machines", "reason", "says"),
    [
        (Wanted("devbox", StartSession(" \n")), MACHINES, Reason.INVALID_ARGUMENT, "prompt is empty"),
        (Wanted("devbox", StartSession("go", "a\0b")), MACHINES, Reason.INVALID_ARGUMENT, "no path"),
        (Wanted("devbox", StartSession("go", "é" * 2049)), MACHINES, Reason.INVALID_ARGUMENT, "no path"),
        (Wanted("devbox", StartSession("go", "", "--yes")), MACHINES, Reason.INVALID_ARGUMENT, "UUID"),
        (Wanted("phone", StartSession("go")), MACHINES, Reason.NOT_FOUND, "devbox, laptop"),
        (Wanted("", StartSession("go")), MACHINES, Reason.INVALID_ARGUMENT, "devbox, laptop"),
        (Wanted("", StartSession("go")), [], Reason.NOT_FOUND, "no machine yet"),
    ],
)
def test_what_cannot_be_started_is_refused_with_what_to_do(
    wanted: Wanted, machines: list[str], reason: Reason, says: str
) -> None:
    with pytest.raises(Refusal) as refused:
        checked(wanted, machines, machines)

    assert refused.value.reason is reason
    assert says in refused.value.text


def test_the_only_machine_need_not_be_named() -> None:
    assert checked(Wanted("", StartSession("go")), ["devbox"], ["devbox"]).machine_id == "devbox"


def test_the_only_machine_that_starts_sessions_need_not_be_named() -> None:
    assert checked(Wanted("", StartSession("go")), MACHINES, ["laptop"]).machine_id == "laptop"


@pytest.mark.parametrize(
    ("name", "able", "says"),
    [("devbox", ["laptop"], "devbox starts no sessions"), ("", [], "devbox, laptop starts no sessions")],
    ids=["named", "all of them"],
)
def test_a_machine_that_starts_none_is_refused_with_what_to_do(name: str, able: list[str], says: str) -> None:
    with pytest.raises(Refusal, match=says) as refused:
        checked(Wanted(name, StartSession("go")), MACHINES, able)

    assert refused.value.reason is Reason.UNSUPPORTED
    assert "POINTSMAN_START_FOLDERS" in refused.value.text


@pytest.mark.parametrize(
    ("folder", "label"), [("", "new"), ("~/src/api/", "api"), ("/", "new"), ("x" * 300, "x" * 200)]
)
def test_a_session_is_called_after_its_folder(folder: str, label: str) -> None:
    assert Wanted("devbox", StartSession("go", folder)).label == label
