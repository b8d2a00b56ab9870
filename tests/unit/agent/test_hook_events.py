"""What people are told of a coding agent's events, and which of them are one."""

import pytest

from agent.domain.alert import repeats_end, text_of
from agent.domain.command import MAX_TEXT_BYTES
from agent.domain.hook import HookEvent, Repeats


def event(name: str, scope: str = "user", pid: int = 7, **payload: object) -> HookEvent:
    return HookEvent(name, pid, {}, {"session_id": "t", **payload}, scope)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (event("Stop", last_assistant_message="All tests pass.\n"), "✅ Finished.\n\nAll tests pass."),
        (event("Stop", last_assistant_message="", background_tasks=[]), "✅ Finished."),
        (event("Stop", background_tasks=[{}]), "✅ Finished; 1 background task goes on."),
        (event("Stop", background_tasks=[{}, {}]), "✅ Finished; 2 background tasks go on."),
        (
            event("StopFailure", error="rate_limit", last_assistant_message="API Error: 429"),
            "❌ Stopped by an error (rate_limit).\n\nAPI Error: 429",
        ),
        (event("StopFailure"), "❌ Stopped by an error (unknown)."),
        (
            event("SubagentStop", agent_type="general-purpose", last_assistant_message="Found it."),
            "☑️ Subagent general-purpose finished.\n\nFound it.",
        ),
        (event("SubagentStop", agent_type="", last_assistant_message="A title"), ""),
        (event("SubagentStop", agent_type="general-purpose", last_assistant_message=" "), ""),
        (event("Notification", message="Claude needs your permission"), "❗ Claude needs your permission"),
        (event("Notification", message=""), ""),
        (event("Notification", message=["not", "text"]), ""),
        (event("SessionStart"), ""),
        (event("UserPromptSubmit", prompt="hi"), ""),
    ],
)
def test_people_are_told_what_happened_and_the_last_words(said: HookEvent, told: str) -> None:
    assert text_of(said) == told


def test_of_very_long_last_words_the_end_is_told() -> None:
    told = text_of(event("Stop", last_assistant_message="ž" * MAX_TEXT_BYTES + " The end."))

    assert len(told.encode()) <= MAX_TEXT_BYTES
    assert told.endswith("žžž The end.")


@pytest.mark.parametrize(
    ("said", "repeats"),
    [
        (event("Notification", notification_type="idle_prompt"), True),
        (event("Notification", notification_type="permission_prompt"), False),
        (event("Stop", notification_type="idle_prompt"), False),
    ],
)
def test_a_reminder_of_the_end_is_known_as_one(said: HookEvent, repeats: bool) -> None:
    assert repeats_end(said) is repeats


def heard(*reports: HookEvent, remembered: int = 256) -> list[bool]:
    repeats = Repeats(remembered)
    return [repeats.is_new(report) for report in reports]


def test_each_scope_reports_an_event_once() -> None:
    user, project, local = (event("Stop", scope, prompt_id="1") for scope in ("user", "project", "local"))

    assert heard(user, project, local) == [True, False, False]


def test_what_one_scope_says_again_has_happened_again() -> None:
    user, project = event("UserPromptSubmit", "user", prompt="y"), event("UserPromptSubmit", "project", prompt="y")

    assert heard(user, user, project, project, project) == [True, True, False, False, True]


@pytest.mark.parametrize(
    "other",
    [
        event("StopFailure", "project"),
        event("Stop", "project", pid=8),
        event("Stop", "project", last_assistant_message="more"),
    ],
)
def test_another_event_is_no_repeat(other: HookEvent) -> None:
    assert heard(event("Stop"), other) == [True, True]


def test_what_is_long_ago_is_forgotten() -> None:
    reports = [event("Stop", prompt_id=str(number)) for number in range(3)]

    assert heard(*reports, event("Stop", "project", prompt_id="0"), remembered=2) == [True, True, True, True]
