"""The console's doors: no session is forced on anybody, none leads elsewhere, none is shown in another's frame."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.adapter import environment
from webhook_adapter.config import AdapterConfig
from webhook_adapter.http.app import create_app
from webhook_adapter.router.client import RouterClient

ELSEWHERE = "evil.example"
PLACES = [
    "/",
    "/console/",
    "/console/login",
    "/console/api/overview",
    "/console/file?id=x",
]


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RouterUnderTest]:
    with serving(config(Path(tmp_path_factory.mktemp("console")))) as router:
        yield router


@pytest.fixture(scope="module")
def app(router: RouterUnderTest) -> Iterator[Flask]:
    settings = AdapterConfig.from_environ(environment(router.address))
    client = RouterClient(settings)
    yield create_app(settings, client)
    client.close()


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


def log_in(browser: FlaskClient, **headers: str) -> TestResponse:
    return browser.post("/console/login", data={"api_key": API_KEY}, headers=headers)


def cookie(answer: TestResponse) -> str:
    [made] = [value for value in answer.headers.getlist("Set-Cookie") if value.startswith("pointsman_")]
    return made


def test_a_cookie_that_was_there_before_the_login_is_not_the_one_after_it(browser: FlaskClient) -> None:
    name = cookie(log_in(browser)).partition("=")[0]
    planted = f"{name}=planted"

    given = cookie(log_in(browser, Cookie=planted))

    assert "planted" not in given


def test_two_logins_are_two_sessions(app: Flask) -> None:
    assert cookie(log_in(app.test_client())) != cookie(log_in(app.test_client()))


def test_the_cookie_is_for_this_site_alone_and_for_no_script(browser: FlaskClient) -> None:
    made = cookie(log_in(browser))

    assert {"HttpOnly", "SameSite=Strict", "Path=/console"} <= set(made.split("; "))


def test_behind_a_proxy_with_tls_it_is_for_https_alone(browser: FlaskClient) -> None:
    assert "Secure" in cookie(log_in(browser, **{"X-Forwarded-Proto": "https"})).split("; ")


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize("asked", ["?next=https://evil.example", "?url=//evil.example", "?return_to=/\\evil.example"])
def test_no_door_leads_elsewhere(browser: FlaskClient, path: str, asked: str) -> None:
    told = browser.get(path + asked.replace("?", "&" if "?" in path else "?"))

    assert ELSEWHERE not in told.headers.get("Location", "")


@pytest.mark.parametrize("path", ["//evil.example/console/", "/\\evil.example", "/console//evil.example"])
def test_nor_does_a_path(browser: FlaskClient, path: str) -> None:
    location = browser.get(path).headers.get("Location", "")

    assert not re.match(r"(https?:)?[/\\]{2}evil\.example", location)


@pytest.mark.parametrize("path", ["/console", "/console//login", "/console//"])
def test_nor_does_the_host_that_somebody_sends(browser: FlaskClient, path: str) -> None:
    told = browser.get(path, headers={"Host": ELSEWHERE})

    assert told.status_code == 308  # else this shows nothing
    assert re.match(r"/console(/|/login)$", told.headers["Location"])
    assert ELSEWHERE not in told.headers["Location"]


@pytest.mark.parametrize("path", PLACES)
def test_nothing_is_framed_sniffed_or_run_that_is_not_its_own(browser: FlaskClient, path: str) -> None:
    told = browser.get(path).headers

    assert "frame-ancestors 'none'" in told["Content-Security-Policy"]
    assert "default-src 'none'" in told["Content-Security-Policy"]
    assert "unsafe" not in told["Content-Security-Policy"]
    assert (told["X-Frame-Options"], told["X-Content-Type-Options"]) == ("DENY", "nosniff")


def test_pages_are_kept_in_no_cache(browser: FlaskClient) -> None:
    log_in(browser)

    assert browser.get("/console/").headers["Cache-Control"] == "no-store"
    assert browser.get("/console/api/overview").headers["Cache-Control"] == "no-store"


HOSTILE = "<img src=x onerror=alert(1)>\"'><script>alert(1)</script>"


def test_what_is_said_is_never_markup_in_what_is_answered(router: RouterUnderTest, browser: FlaskClient) -> None:
    """As JSON it comes to the page, which shows it as text: test_console_browser.py looks with a browser."""
    router.session(router.machine(), HOSTILE)
    log_in(browser)

    told = browser.get("/console/api/overview")

    assert told.mimetype == "application/json"
    assert HOSTILE in [one["label"] for one in told.json["sessions"]]  # type: ignore[index]
    assert HOSTILE not in browser.get("/console/").text
