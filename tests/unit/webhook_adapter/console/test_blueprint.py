from ipaddress import ip_network
from typing import Protocol

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.rigs.console_router import FakeRouter
from tests.unit.webhook_adapter.console.conftest import Settings
from webhook_adapter.console.blueprint import create_blueprint
from webhook_adapter.console.login import LINK_LIFETIME, SESSION_LIFETIME


class Clock(Protocol):
    now: float


API_KEY = "pmk_" + "k" * 43
READS = ["overview", "chat?session=s-1", "queue", "trace?id=x"]
CHANGES = ["send", "press", "key", "cancel", "retry", "drop", "join-token", "logout"]


def test_the_root_leads_to_the_console(stranger: FlaskClient) -> None:
    assert stranger.get("/").location == "/console/"
    assert stranger.get("/console/").location == "/console/login"


@pytest.mark.parametrize("path", READS)
def test_reads_need_a_session(stranger: FlaskClient, path: str) -> None:
    answer = stranger.get(f"/console/api/{path}")

    assert answer.status_code == 401
    assert answer.json == {"error": "Log in again.", "code": "UNAUTHENTICATED"}


@pytest.mark.parametrize("path", CHANGES)
def test_changes_need_a_session(stranger: FlaskClient, path: str) -> None:
    assert stranger.post(f"/console/api/{path}", json={}).status_code == 401


@pytest.mark.parametrize("token", ["", "wrong"])
@pytest.mark.parametrize("path", CHANGES)
def test_changes_need_the_pages_token(client: FlaskClient, router: FakeRouter, path: str, token: str) -> None:
    answer = client.post(f"/console/api/{path}", json={"session": "s-1"}, headers={"X-CSRF-Token": token})

    assert answer.status_code == 403
    assert router.submissions == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
    ids=["cross-site", "same-site", "other origin", "null origin"],
)
def test_other_sites_change_nothing(client: FlaskClient, csrf: str, headers: dict[str, str]) -> None:
    answer = client.post("/console/api/send", json={}, headers=headers | {"X-CSRF-Token": csrf})

    assert answer.status_code == 403


def test_every_endpoint_is_guarded_unless_listed(app: Flask, stranger: FlaskClient) -> None:
    open_to_all = {"/", "/static/<path:filename>", "/console/static/<path:filename>", "/console/login"}
    open_to_all |= {"/console/sw.js"}

    guarded = {rule.rule for rule in app.url_map.iter_rules()} - open_to_all
    answers = {path: stranger.get(path).status_code for path in guarded}

    assert set(answers.values()) <= {302, 401, 405}, answers


def test_a_login_link_opens_the_console_once(stranger: FlaskClient, app: Flask, link: str) -> None:
    first = stranger.get(link)
    second = app.test_client().get(link)

    assert first.status_code == 200
    assert stranger.get("/console/").status_code == 200
    assert second.location == "/console/login?link=over"


def test_a_used_link_still_leads_its_visitor_in(client: FlaskClient, link: str) -> None:
    assert client.get(link, follow_redirects=True).request.path == "/console/"


def test_an_old_link_says_so(stranger: FlaskClient, clock: Clock, link: str) -> None:
    clock.now += LINK_LIFETIME

    answer = stranger.get(link, follow_redirects=True)

    assert answer.status_code == 403
    assert "older than ten minutes" in answer.text


def test_looking_at_a_link_without_opening_it_leaves_it_good(stranger: FlaskClient, link: str) -> None:
    looked = stranger.head(link)

    stranger.get(link)

    assert (looked.status_code, "Set-Cookie" in looked.headers) == (200, False)
    assert stranger.get("/console/").status_code == 200


def test_looking_at_a_link_tells_whether_it_is_good(stranger: FlaskClient, clock: Clock, link: str) -> None:
    forged = stranger.head(f"{link}x")
    clock.now += LINK_LIFETIME
    old = stranger.head(link)
    clock.now -= LINK_LIFETIME
    stranger.get(link)
    used = stranger.head(link)

    assert {forged.status_code, old.status_code, used.status_code} == {403}


def test_a_links_answer_tells_nobody_where_it_came_from(stranger: FlaskClient, link: str) -> None:
    assert stranger.get(link).headers["Referrer-Policy"] == "no-referrer"


def test_the_api_key_logs_in(stranger: FlaskClient) -> None:
    stranger.post("/console/login", data={"api_key": f" {API_KEY}\n"})

    assert stranger.get("/console/").status_code == 200


def test_a_wrong_key_is_refused_without_a_cookie_and_told_to_the_audit(
    stranger: FlaskClient, router: FakeRouter
) -> None:
    answer = stranger.post("/console/login", data={"api_key": "pmk_wrong"})

    assert router.refusals == [("console", "127.0.0.1")]

    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers
    assert "neither the API key" in answer.text


OTHERS_KEY = "pmk_" + "o" * 43


def attempt(browser: FlaskClient, api_key: str, forwarded: str = "", peer: str = "127.0.0.1") -> int:
    headers, environ = {"X-Forwarded-For": forwarded}, {"REMOTE_ADDR": peer}
    data = {"api_key": api_key}
    return browser.post("/console/login", data=data, headers=headers, environ_overrides=environ).status_code


def test_after_five_wrong_keys_the_next_one_waits(stranger: FlaskClient, router: FakeRouter, clock: Clock) -> None:
    router.admin_keys.add(OTHERS_KEY)
    for _ in range(5):
        attempt(stranger, "pmk_wrong")

    early = stranger.post("/console/login", data={"api_key": OTHERS_KEY})
    clock.now += 12
    late = attempt(stranger, OTHERS_KEY)

    assert (early.status_code, early.headers["Retry-After"]) == (429, "12")
    assert late == 200


def test_nobody_can_keep_out_who_has_the_consoles_own_key(stranger: FlaskClient) -> None:
    for _ in range(9):
        attempt(stranger, "pmk_wrong")

    assert attempt(stranger, API_KEY) == 200


def test_nor_whoever_was_given_the_form_before(app: Flask, router: FakeRouter) -> None:
    """Behind a proxy that nobody trusts all have one address."""
    router.admin_keys.add(OTHERS_KEY)
    crowd, person, guesser = (app.test_client() for _ in range(3))
    for browser in (person, guesser):
        browser.get("/console/login")
    for _ in range(9):
        attempt(crowd, "pmk_wrong")
        attempt(guesser, "pmk_wrong")

    assert [attempt(browser, OTHERS_KEY) for browser in (crowd, guesser, person)] == [429, 429, 200]


def test_an_address_that_is_only_claimed_counts_for_nothing(stranger: FlaskClient, router: FakeRouter) -> None:
    router.admin_keys.add(OTHERS_KEY)
    for number in range(5):
        attempt(stranger, "pmk_wrong", f"203.0.113.{number}")
        attempt(stranger, "pmk_wrong", f"203.0.113.{number}", "198.51.100.7")

    assert attempt(stranger, OTHERS_KEY, "203.0.113.9") == 429
    assert attempt(stranger, OTHERS_KEY, "203.0.113.9", "198.51.100.7") == 429


def test_behind_a_trusted_proxy_each_visitor_has_attempts_of_their_own(router: FakeRouter, clock: Clock) -> None:
    router.admin_keys.add(OTHERS_KEY)
    app = Flask("console")
    app.register_blueprint(create_blueprint(Settings(trusted_proxies=(ip_network("127.0.0.1"),)), router, clock))
    for number in range(5):
        attempt(app.test_client(), "pmk_wrong", f"made up {number}, 203.0.113.5")

    assert attempt(app.test_client(), OTHERS_KEY, "203.0.113.5") == 429
    assert attempt(app.test_client(), OTHERS_KEY, "203.0.113.5, 203.0.113.6") == 200
    assert ("console", "203.0.113.5") in router.refusals


def test_a_browser_that_asks_without_end_is_told_to_wait_and_no_other(app: Flask, link: str, clock: Clock) -> None:
    eager, other = app.test_client(), app.test_client()
    eager.get(link)
    other.post("/console/login", data={"api_key": API_KEY})

    told = [eager.get("/console/api/overview").status_code for _ in range(201)]

    assert (set(told[:200]), told[200]) == ({200}, 429)
    assert other.get("/console/api/overview").status_code == 200
    clock.now += 1
    assert eager.get("/console/api/overview").status_code == 200


@pytest.mark.parametrize(("proto", "secure"), [("http", False), ("https", True)])
def test_the_cookie_is_as_strict_as_it_can_be(stranger: FlaskClient, link: str, proto: str, secure: bool) -> None:
    cookie = stranger.get(link, headers={"X-Forwarded-Proto": proto}).headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/console" in cookie
    assert f"Max-Age={SESSION_LIFETIME:.0f}" in cookie
    assert ("Secure" in cookie) == secure


def test_a_session_ends_after_twelve_hours(client: FlaskClient, clock: Clock) -> None:
    clock.now += SESSION_LIFETIME

    assert client.get("/console/api/overview").status_code == 401


def test_a_logged_out_cookie_does_not_come_back(app: Flask, client: FlaskClient, csrf: str) -> None:
    name, _, value = client.get("/console/").request.headers["Cookie"].partition("=")

    client.post("/console/api/logout", json={}, headers={"X-CSRF-Token": csrf})
    thief = app.test_client()
    thief.set_cookie(name, value, path="/console")

    assert client.get("/console/").location == "/console/login"
    assert thief.get("/console/").location == "/console/login"


@pytest.mark.parametrize("path", ["/console/", "/console/login", "/console/api/overview", "/console/static/app.js"])
def test_every_answer_forbids_what_the_page_does_not_need(client: FlaskClient, path: str) -> None:
    with client.get(path) as answer:
        headers = answer.headers

    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "require-trusted-types-for 'script'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/console/", "/console/api/overview"])
def test_what_is_private_is_not_kept(client: FlaskClient, path: str) -> None:
    assert client.get(path).headers["Cache-Control"] == "no-store"


def test_what_did_not_change_is_not_sent_again(client: FlaskClient, router: FakeRouter) -> None:
    etag = client.get("/console/api/overview").headers["ETag"]

    same = client.get("/console/api/overview", headers={"If-None-Match": etag})
    router.own.add_machine("another")
    other = client.get("/console/api/overview", headers={"If-None-Match": etag})

    assert same.status_code == 304
    assert other.status_code == 200
