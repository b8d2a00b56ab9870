from urllib.parse import parse_qs, urlsplit

import pytest

from pointsman.client.errors import RouterError
from tests.rigs.console_router import FakeRouter
from webhook_adapter.console.login import (
    FORM_LIFETIME,
    LINK_LIFETIME,
    SESSION_LIFETIME,
    LoginGuard,
    Visitor,
    login_link,
)

KEY = "pmk_one"
NOW = 1_800_000_000.0


BROWSER = "Firefox"


@pytest.fixture
def router() -> FakeRouter:
    return FakeRouter()


@pytest.fixture
def guard(router: FakeRouter) -> LoginGuard:
    return LoginGuard(KEY, router)


def token(api_key: str = KEY, now: float = NOW) -> str:
    return parse_qs(urlsplit(login_link("http://127.0.0.1:8080", api_key, now)).query)["token"][0]


def let_in(guard: LoginGuard) -> tuple[str, Visitor]:
    cookie = guard.cookie_for_own_key(KEY, NOW, BROWSER)
    assert cookie is not None
    visitor = guard.holder(cookie, NOW)
    assert visitor is not None
    return cookie, visitor


@pytest.mark.parametrize("base", ["http://127.0.0.1:8080", "http://127.0.0.1:8080/"])
def test_a_link_leads_to_the_login_page(base: str) -> None:
    link = login_link(base, KEY, NOW)

    assert link.startswith("http://127.0.0.1:8080/console/login?token=")
    assert KEY not in link


def test_a_link_opens_once(guard: LoginGuard) -> None:
    link = token()

    first, second = guard.cookie_for_link(link, NOW, BROWSER), guard.cookie_for_link(link, NOW + 1, BROWSER)

    assert first is not None
    assert second is None


def test_two_links_of_the_same_moment_open_once_each(guard: LoginGuard) -> None:
    assert guard.cookie_for_link(token(), NOW, BROWSER)
    assert guard.cookie_for_link(token(), NOW, BROWSER)


@pytest.mark.parametrize(
    ("age", "opens"), [(LINK_LIFETIME - 1, True), (LINK_LIFETIME, False)], ids=["in time", "too late"]
)
def test_a_link_lives_ten_minutes(guard: LoginGuard, age: float, opens: bool) -> None:
    assert (guard.cookie_for_link(token(), NOW + age, BROWSER) is not None) == opens


@pytest.mark.parametrize(
    "forged", ["", "x", "eyJ.zzz", token("pmk_two")], ids=["empty", "short", "shaped", "other key"]
)
def test_a_forged_link_does_not_open(guard: LoginGuard, forged: str) -> None:
    assert guard.cookie_for_link(forged, NOW, BROWSER) is None


def test_a_link_is_no_cookie_and_a_cookie_no_link(guard: LoginGuard) -> None:
    cookie, _ = let_in(guard)

    assert guard.holder(token(), NOW) is None
    assert guard.cookie_for_link(cookie, NOW, BROWSER) is None


@pytest.mark.parametrize("wrong", ["", "pmk_", "pmk_onE", "pmk_one ", "schlüssel"])
def test_only_the_api_key_logs_in(guard: LoginGuard, wrong: str) -> None:
    assert guard.cookie_for_own_key(wrong, NOW, BROWSER) is None
    assert guard.cookie_for_key(wrong, NOW, BROWSER) is None


def test_a_session_lives_twelve_hours(guard: LoginGuard) -> None:
    cookie, _ = let_in(guard)

    assert guard.holder(cookie, NOW + SESSION_LIFETIME - 1) is not None
    assert guard.holder(cookie, NOW + SESSION_LIFETIME) is None


def test_a_session_survives_a_restart_and_ends_with_the_key(guard: LoginGuard, router: FakeRouter) -> None:
    cookie, visitor = let_in(guard)

    restarted = LoginGuard(KEY, router)

    assert restarted.holder(cookie, NOW) == visitor
    assert restarted.seen(visitor).is_open
    assert LoginGuard("pmk_two", router).holder(cookie, NOW) is None


def test_a_logged_out_cookie_is_good_for_nothing(guard: LoginGuard) -> None:
    _, visitor = let_in(guard)

    guard.log_out(visitor)

    assert not guard.seen(visitor).is_open


def test_a_pairing_code_logs_in_as_its_person_once(guard: LoginGuard, router: FakeRouter) -> None:
    router.codes["K7QF-3M2X-PAWB"] = ("Ada", "VIEWER")

    cookie, again = (guard.cookie_for_code("K7QF-3M2X-PAWB", NOW, BROWSER) for _ in range(2))

    assert cookie is not None
    assert again is None
    visitor = guard.holder(cookie, NOW)
    assert visitor is not None
    assert (guard.seen(visitor).person_name, guard.seen(visitor).role) == ("Ada", "VIEWER")


@pytest.mark.parametrize("shown", ["", "pmk_onE", "K7QF-3M2X", "K7QF-3M2X-PAWB-AAAA"])
def test_what_is_not_shaped_like_a_code_is_not_asked_about(guard: LoginGuard, router: FakeRouter, shown: str) -> None:
    router.failure = RouterError("UNAVAILABLE", "The router is away.")

    assert guard.cookie_for_code(shown, NOW, BROWSER) is None


def test_a_router_that_does_not_answer_lets_nobody_in(guard: LoginGuard, router: FakeRouter) -> None:
    router.failure = RouterError("UNAVAILABLE", "The router is away.")

    with pytest.raises(RouterError):
        guard.cookie_for_link(token(), NOW, BROWSER)


def test_a_csrf_token_belongs_to_one_session(guard: LoginGuard) -> None:
    (_, one), (_, other) = let_in(guard), let_in(guard)

    assert guard.is_from_page(one, one.csrf)
    assert not guard.is_from_page(one, other.csrf)
    assert not guard.is_from_page(one, "")


def test_cookies_of_two_installs_have_different_names(router: FakeRouter) -> None:
    assert LoginGuard(KEY, router).cookie_name != LoginGuard("pmk_two", router).cookie_name


def test_attempts_of_a_browser_with_the_form_are_its_own(guard: LoginGuard) -> None:
    one, other = guard.form(NOW), guard.form(NOW)

    assert guard.who_tries(one, "10.0.0.1", NOW) == guard.who_tries(one, "10.0.0.2", NOW)
    assert guard.who_tries(one, "10.0.0.1", NOW) != guard.who_tries(other, "10.0.0.1", NOW)


def test_without_a_form_or_with_an_old_one_they_are_the_peers(guard: LoginGuard, router: FakeRouter) -> None:
    strange = LoginGuard("pmk_two", router).form(NOW)

    assert guard.who_tries("", "10.0.0.1", NOW) == "10.0.0.1"
    assert guard.who_tries(strange, "10.0.0.1", NOW) == "10.0.0.1"
    assert guard.who_tries(guard.form(NOW), "10.0.0.1", NOW + FORM_LIFETIME) == "10.0.0.1"
