"""Where notes belong, who may know them, and what of a text is searched."""

import pytest
from msgspec.structs import replace

from router.domain.command import ChatRef
from router.domain.errors import Reason, Refusal
from router.domain.note import (
    MAX_TEXT_BYTES,
    Note,
    NoteScope,
    NoteSource,
    NoteState,
    Place,
    Reader,
    Speaker,
    chat_place,
    checked_text,
    folded,
    person_place,
    placed,
    places_of,
    ranked,
    words_of,
)
from router.domain.scope import EVERYTHING, Scope
from router.domain.session import Session, SessionState

API = Session("s1", "devbox", "api", "tmux", "/src/api/", SessionState.IDLE, 1, 0.0, 0.0)
REPOSITORY = Place(NoteScope.REPOSITORY, "devbox:/src/api")
ADA = Speaker("Ada", NoteSource.PERSON, "person ada")
PROGRAM = Speaker("api on devbox", NoteSource.SESSION, session=API)
SAID = Note(1, "x", REPOSITORY, NoteState.WAITING, NoteSource.SESSION, "api", "s1", "api", "devbox", 0.0)
KEPT = replace(SAID, state=NoteState.KEPT)
OWN = Reader(places_of(API), session_id="s1")
OTHER = Reader((REPOSITORY,), session_id="s2")


def test_a_sessions_notes_are_its_own_and_its_repositorys() -> None:
    assert places_of(API) == (Place(NoteScope.SESSION, "s1"), REPOSITORY)


def test_one_that_works_nowhere_shares_with_nobody() -> None:
    nowhere = replace(API, cwd="")

    assert {place.scope for place in places_of(nowhere)} == {NoteScope.SESSION}
    assert placed(NoteScope.REPOSITORY, PROGRAM, nowhere) == Place(NoteScope.SESSION, "s1")


@pytest.mark.parametrize(
    ("scope", "speaker", "about", "place"),
    [
        (None, PROGRAM, API, REPOSITORY),
        (NoteScope.SESSION, PROGRAM, API, Place(NoteScope.SESSION, "s1")),
        (None, ADA, API, REPOSITORY),
        (NoteScope.PERSON, ADA, API, person_place("person ada")),
        (None, ADA, None, person_place("person ada")),
        (None, replace(ADA, chat=chat_place(ChatRef("t", "7"))), None, Place(NoteScope.CHAT, "t:7")),
    ],
)
def test_where_a_note_belongs(scope: NoteScope | None, speaker: Speaker, about: Session | None, place: Place) -> None:
    assert placed(scope, speaker, about) == place


@pytest.mark.parametrize(
    ("scope", "speaker", "about"),
    [
        (NoteScope.PERSON, PROGRAM, API),
        (NoteScope.CHAT, PROGRAM, API),
        (NoteScope.REPOSITORY, ADA, None),
        (NoteScope.SESSION, ADA, None),
        (NoteScope.CHAT, ADA, None),
    ],
)
def test_a_place_that_is_none_of_theirs_is_refused(scope: NoteScope, speaker: Speaker, about: Session | None) -> None:
    with pytest.raises(Refusal) as refused:
        placed(scope, speaker, about)
    assert refused.value.reason is Reason.INVALID_ARGUMENT


def test_before_a_person_says_yes_it_is_known_where_it_came_from_alone() -> None:
    assert (OWN.recalls(SAID), OTHER.recalls(SAID)) == (True, False)
    assert (OWN.recalls(KEPT), OTHER.recalls(KEPT)) == (True, True)


def test_an_id_that_a_note_of_a_person_is_about_makes_it_nobodys_own() -> None:
    """A person's note that waited would be no less than a session's."""
    by_ada = replace(SAID, source=NoteSource.PERSON)

    assert not OWN.recalls(by_ada)


def test_a_session_does_not_see_what_waits_elsewhere() -> None:
    assert (OWN.sees(SAID), OTHER.sees(SAID)) == (True, False)


def test_a_person_sees_what_waits_and_does_not_go_by_it() -> None:
    ada = Reader((person_place("person ada"),), EVERYTHING)

    assert (ada.sees(SAID), ada.recalls(SAID), ada.recalls(KEPT)) == (True, False, True)


@pytest.mark.parametrize(
    ("scope", "sees"),
    [
        (EVERYTHING, True),
        (Scope(("devbox",), ()), True),
        (Scope((), ("api",)), True),
        (Scope((), ("s1",)), True),
        (Scope(("elsewhere",), ()), False),
        (Scope((), ("web",)), False),
    ],
)
def test_who_is_limited_knows_what_is_from_sessions_that_they_reach(scope: Scope, sees: bool) -> None:
    assert Reader((), scope).sees(KEPT) is sees


def test_a_session_recalls_what_all_who_read_it_may_see() -> None:
    here = replace(OTHER, witnesses=(Scope((), ("web",)),))

    assert not here.recalls(KEPT)
    assert replace(OTHER, witnesses=(Scope(("devbox",), ()),)).recalls(KEPT)


def test_what_is_one_persons_is_nobody_elses() -> None:
    theirs = replace(KEPT, place=person_place("person bob"), source=NoteSource.PERSON)
    ada, bob = (Reader((person_place(f"person {name}"),), EVERYTHING) for name in ("ada", "bob"))

    assert (ada.sees(theirs), ada.recalls(theirs)) == (False, False)
    assert (bob.sees(theirs), bob.recalls(theirs)) == (True, True)


def test_who_has_the_key_sees_all_and_recalls_no_more_for_it() -> None:
    theirs = replace(KEPT, place=person_place("person bob"), source=NoteSource.PERSON)
    holder = Reader((person_place("holder"),), EVERYTHING, sees_all=True)

    assert (holder.sees(theirs), holder.recalls(theirs)) == (True, False)


def test_what_was_forgotten_is_nowhere() -> None:
    gone = replace(KEPT, forgotten_at=1.0)

    assert not any(each.sees(gone) or each.recalls(gone) for each in (OWN, Reader((), EVERYTHING, sees_all=True)))


@pytest.mark.parametrize("text", ["", "  \n", "x" * (MAX_TEXT_BYTES + 1), "é" * (MAX_TEXT_BYTES // 2 + 1)])
def test_a_text_has_its_size(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        checked_text(text)
    assert refused.value.reason is Reason.TOO_LARGE


def test_the_longest_text_is_kept_without_what_is_around_it() -> None:
    assert checked_text(" " + "x" * MAX_TEXT_BYTES + "\n") == "x" * MAX_TEXT_BYTES


@pytest.mark.parametrize("secret", ["pmk_" + "a" * 43, "ghp_" + "a" * 36, "password = hunter2hunter2"])
def test_what_looks_like_a_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(Refusal) as refused:
        checked_text(f"the key is {secret}")
    assert refused.value.reason is Reason.LOOKS_SECRET
    assert secret not in str(refused.value)


def test_neither_case_nor_accents_count() -> None:
    assert folded("Étage STRASSE Straße") == folded("etage strasse strasse")


@pytest.mark.parametrize("query", ["", " \n", "x" * 257, "a " * 17])
def test_a_query_has_its_size(query: str) -> None:
    with pytest.raises(Refusal):
        words_of(query)


def test_words_are_split_at_what_cannot_be_seen() -> None:
    assert words_of("One\x00two\n THREE") == ["one", "two", "three"]


def test_what_is_high_in_both_lists_is_first() -> None:
    assert ranked([[1, 2, 3], [2, 4]]) == [2, 1, 4, 3]
    assert ranked([]) == []
