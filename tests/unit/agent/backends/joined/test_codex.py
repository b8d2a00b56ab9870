"""Which thread a window of Codex shows: what could be two ways is left out."""

from agent.backends.joined.codex import SETTLED, Thread, paired, thread_of
from agent.backends.joined.codex_words import command_of
from agent.backends.joined.programs import Found
from agent.domain.session import Process

NOW = 10_000.0


def window(pid: int, started: float, cwd: str = "/api", *words: str) -> Found:
    return Found("codex", Process(pid, started), cwd, ("codex", *words), {})


def thread(name: str, created: float, cwd: str = "/api") -> Thread:
    return Thread(name, cwd, created)


def test_each_window_shows_the_thread_that_began_with_it() -> None:
    windows = [window(1, 100.0), window(2, 200.0), window(3, 100.5, "/web")]
    threads = [thread("b", 201.0), thread("c", 102.0, "/web"), thread("a", 101.0)]

    assert paired(windows, threads, {}, NOW) == {1: "a", 2: "b", 3: "c"}


def test_two_that_began_at_once_in_one_folder_are_not_told_apart() -> None:
    windows, threads = [window(1, 100.0), window(2, 101.0)], [thread("a", 102.0), thread("b", 103.0)]

    assert paired(windows, threads, {}, NOW) == {}


def test_an_old_thread_is_no_new_windows_until_that_had_the_time_to_begin_its_own() -> None:
    windows, threads = [window(1, NOW - 1)], [thread("old", 50.0)]

    assert paired(windows, threads, {}, NOW) == {}
    assert paired(windows, threads, {}, NOW + SETTLED) == {1: "old"}


def test_a_window_that_takes_one_up_says_so() -> None:
    windows, threads = [window(1, NOW - 1, "/api", "resume", "--last")], [thread("old", 50.0)]

    assert paired(windows, threads, {}, NOW) == {1: "old"}


def test_the_only_window_of_a_folder_shows_its_newest_thread() -> None:
    windows, threads = [window(1, 100.0)], [thread("a", 101.0), thread("b", 500.0)]

    assert paired(windows, threads, {1: "a"}, NOW) == {1: "b"}
    assert paired(windows, threads, {1: "b"}, NOW) == {1: "b"}


def test_of_two_windows_none_follows_another_thread() -> None:
    windows = [window(1, 100.0), window(2, 200.0)]
    threads = [thread("a", 101.0), thread("b", 201.0), thread("c", 500.0)]

    assert paired(windows, threads, {1: "a", 2: "b"}, NOW) == {1: "a", 2: "b"}


def test_titles_and_subagents_are_no_windows() -> None:
    whole = {"id": "t", "cwd": "/api", "createdAt": 5, "ephemeral": False, "threadSource": "user"}

    assert thread_of(whole) == Thread("t", "/api", 5.0)
    assert thread_of({**whole, "ephemeral": True}) is None
    assert thread_of({**whole, "parentThreadId": "p"}) is None
    assert thread_of({**whole, "threadSource": "thread_title"}) is None


def test_the_shell_around_a_command_is_left_out_only_where_it_is_nothing_else() -> None:
    assert command_of({"command": "/bin/bash -lc 'touch w1 && rm x'"}) == "touch w1 && rm x"
    assert command_of({"command": "/bin/bash -lc 'touch w1' extra"}) == "/bin/bash -lc 'touch w1' extra"
    assert command_of({"command": "bash -lc 'half"}) == "bash -lc 'half"
