"""Notes across sessions, as programs ask for them: kept once, found by their words, limited, and forgotten for good."""

from collections.abc import Iterator

import pytest
from agentlink.v1 import memory_pb2 as pb

from router.domain.note import MOST_OF_PLACE, MOST_WAITING
from router.services.memory import notes as service
from tests.integration.router.deferral.refusing import refusal
from tests.integration.router.harness import RouterUnderTest
from tests.rigs.session_program import Program, running


@pytest.fixture
def program(router: RouterUnderTest) -> Iterator[Program]:
    with running(router) as program:
        yield program


def remember(router: RouterUnderTest, text: str, **request: object) -> pb.Note:
    return router.memory.Remember(pb.RememberRequest(text=text, **request)).note  # type: ignore[arg-type]


def recall(router: RouterUnderTest, query: str, **request: object) -> list[str]:
    found = router.memory.Recall(pb.RecallRequest(query=query, **request)).notes  # type: ignore[arg-type]
    return [note.text for note in found]


def listed(router: RouterUnderTest, **request: object) -> list[str]:
    return [note.text for note in router.memory.List(pb.ListNotesRequest(**request)).notes]  # type: ignore[arg-type]


def test_what_is_noted_is_found_by_its_words(router: RouterUnderTest) -> None:
    note = remember(router, "Deployments run from the étage machine, with deploy.sh")
    remember(router, "Use tabs")

    assert note.text == ""  # whoever asked has it, and the answer is kept for repeats
    assert (note.scope, note.state, note.source) == (
        pb.NOTE_SCOPE_PERSON, pb.NOTE_STATE_KEPT, pb.NOTE_SOURCE_KEY
    )  # fmt: skip
    for query in ("deployment", "ETAGE", "ployme", "how is the deploy done", "deploy.sh"):
        assert recall(router, query) == ["Deployments run from the étage machine, with deploy.sh"]


@pytest.mark.parametrize("query", ["部署", "部署在", "夜"])
def test_languages_without_spaces_are_found_in_the_middle(router: RouterUnderTest, query: str) -> None:
    remember(router, "每天的部署在夜里运行")

    assert recall(router, query) == ["每天的部署在夜里运行"]


@pytest.mark.parametrize("query", ['"', "foo AND", "-x", "*", "NEAR(a b)", "text:x", "' OR 1=1 --", "a\x00b"])
def test_words_mean_nothing_but_themselves(router: RouterUnderTest, query: str) -> None:
    remember(router, "nothing of it")

    assert recall(router, query) == []


def test_the_best_comes_first_and_no_more_than_asked_for(router: RouterUnderTest) -> None:
    for text in ("the tests are slow", "the tests run on the build machine", "a machine"):
        remember(router, text)

    assert recall(router, "build machine", limit=2) == ["the tests run on the build machine", "a machine"]


def test_the_same_text_at_the_same_place_is_one_note(router: RouterUnderTest) -> None:
    numbers = {remember(router, text).number for text in ("use tabs", " use tabs\n", "use tabs")}

    assert len(numbers) == 1
    assert listed(router) == ["use tabs"]


def test_the_same_request_is_one_note_and_another_under_its_id_is_refused(router: RouterUnderTest) -> None:
    first, again = (remember(router, "use tabs", request_id="r") for _ in range(2))

    assert first == again
    with refusal("REQUEST_ID_REUSED"):
        remember(router, "use spaces", request_id="r")
    assert listed(router) == ["use tabs"]


def test_the_answer_that_is_kept_for_repeats_does_not_outlive_the_text(router: RouterUnderTest) -> None:
    note = remember(router, "the plan is xyzzy", request_id="r")
    router.memory.Forget(pb.ForgetRequest(number=note.number))

    def everything(connection: object) -> str:
        execute = connection.execute  # type: ignore[attr-defined]
        tables = [name for (name,) in execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
        return "".join(repr(execute(f'SELECT * FROM "{name}"').fetchall()) for name in tables)

    assert "xyzzy" not in router.read(everything)


def test_what_was_forgotten_is_not_found_and_its_number_names_nothing_else(router: RouterUnderTest) -> None:
    gone = remember(router, "use tabs").number
    router.memory.Forget(pb.ForgetRequest(number=gone))

    assert (recall(router, "tabs"), listed(router)) == ([], [])
    with refusal("NOT_FOUND"):
        router.memory.Forget(pb.ForgetRequest(number=gone))
    assert remember(router, "use tabs").number > gone


def test_a_number_is_used_once_also_after_a_cleanup(router: RouterUnderTest) -> None:
    numbers = [remember(router, text).number for text in ("one", "two")]
    for number in numbers:
        router.memory.Forget(pb.ForgetRequest(number=number))
    router.advance(3600 * 24 * 400)

    assert remember(router, "three").number == max(numbers) + 1


def test_notes_stay_where_the_router_starts_anew(router: RouterUnderTest) -> None:
    remember(router, "use tabs")
    router.restart()

    assert recall(router, "tabs") == ["use tabs"]


def test_pages_go_on_behind_the_last(router: RouterUnderTest) -> None:
    numbers = [remember(router, f"note {each}").number for each in range(5)]

    assert listed(router, limit=2) == ["note 4", "note 3"]
    assert listed(router, before=numbers[3]) == ["note 2", "note 1", "note 0"]
    assert listed(router, query="3") == ["note 3"]


@pytest.mark.parametrize("text", ["", "   ", "x" * 2049])
def test_a_text_has_its_size(router: RouterUnderTest, text: str) -> None:
    with refusal("TOO_LARGE"):
        remember(router, text)


def test_what_looks_like_a_secret_is_refused(router: RouterUnderTest, program: Program) -> None:
    with refusal("LOOKS_SECRET"):
        program.doors.Remember(pb.RememberRequest(text="the key is ghp_" + "a" * 36))
    assert listed(router) == []


def test_a_place_has_so_many(router: RouterUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    assert service.MOST_OF_PLACE == MOST_OF_PLACE
    monkeypatch.setattr(service, "MOST_OF_PLACE", 2)
    for text in ("one", "two"):
        remember(router, text)

    with refusal("QUOTA_NOTES"):
        remember(router, "three")
    assert remember(router, "two").number  # it is there already


def test_the_sessions_of_a_machine_leave_room_for_others(
    router: RouterUnderTest, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_OF_MACHINE", 2)
    for text in ("one", "two"):
        program.doors.Remember(pb.RememberRequest(text=text, scope=pb.NOTE_SCOPE_SESSION))

    with refusal("QUOTA_NOTES"):
        program.doors.Remember(pb.RememberRequest(text="three", scope=pb.NOTE_SCOPE_SESSION))
    assert remember(router, "three", session_id=program.own).number


@pytest.mark.parametrize("number", [0, 2**63, 2**64 - 1])
def test_a_number_that_no_note_can_have_is_none(router: RouterUnderTest, number: int) -> None:
    remember(router, "use tabs")

    for call, request in (
        (router.memory.Forget, pb.ForgetRequest(number=number)),
        (router.memory.Keep, pb.KeepRequest(number=number)),
    ):
        with refusal("NOT_FOUND"):
            call(request)
    assert listed(router, before=number) == ["use tabs"]


def test_so_many_of_a_session_wait_for_people(program: Program) -> None:
    for number in range(MOST_WAITING):
        program.doors.Remember(pb.RememberRequest(text=f"note {number}"))

    with refusal("QUOTA_NOTES"):
        program.doors.Remember(pb.RememberRequest(text="one more"))
    assert program.doors.Remember(pb.RememberRequest(text="mine", scope=pb.NOTE_SCOPE_SESSION)).note.number


def test_a_note_about_a_session_is_of_its_repository(router: RouterUnderTest, program: Program) -> None:
    note = remember(router, "use tabs", session_id=program.own)

    assert recall(router, "tabs", session_id=program.own) == ["use tabs"]
    assert note.session_id == program.own
    with refusal("SESSION_UNKNOWN"):
        remember(router, "x", session_id="nobody")


@pytest.mark.parametrize("scope", [pb.NOTE_SCOPE_SESSION, pb.NOTE_SCOPE_REPOSITORY, pb.NOTE_SCOPE_CHAT])
def test_a_scope_without_a_place_is_refused(router: RouterUnderTest, scope: int) -> None:
    with refusal("INVALID_ARGUMENT"):
        remember(router, "x", scope=scope)


def test_what_a_session_kept_for_itself_goes_after_it(router: RouterUnderTest, program: Program) -> None:
    program.doors.Remember(pb.RememberRequest(text="mine", scope=pb.NOTE_SCOPE_SESSION))
    remember(router, "ours")
    there = lambda: router.read(lambda c: c.execute("SELECT text FROM notes").fetchall())  # noqa: E731
    router.write(lambda tx: tx.execute("DELETE FROM sessions"))
    router.advance(3600 * 24 * 400)
    router.settle()

    assert sorted(there()) == [("",), ("ours",)]
