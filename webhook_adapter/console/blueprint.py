"""The console's pages and the rules that every request to it meets."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from flask import Blueprint, Response, g, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from pointsman.client.errors import RouterError
from webhook_adapter.auth import address_of_client, let_body_come, peer_of
from webhook_adapter.console.api import add_api, may_call
from webhook_adapter.console.downloads import add_downloads
from webhook_adapter.console.login import FORM_LIFETIME, SESSION_LIFETIME, LoginGuard, Visitor
from webhook_adapter.console.ports import ConsoleRouter, ConsoleSettings
from webhook_adapter.console.push import add_pushes
from webhook_adapter.console.worker import add_worker
from webhook_adapter.json_bodies import InvalidRequest
from webhook_adapter.limit import AT_ONCE, Limit
from webhook_adapter.router.errors import http_status

# All else is for visitors alone, also what is added later.
_OPEN_TO_ALL = frozenset({"console.static", "console.root", "console.login", "console.log_in", "console.worker"})
_SAME_FOR_ALL = frozenset({"console.static", "console.worker"})
_LABEL = 64  # characters
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# The page shows what sessions say. Should some of it get past the escaping, it may neither run nor call anywhere.
_HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            # For the address of the service worker, which push.js checks; and for what is left of Markdown once it is
            # clean, made by DOMPurify alone.
            "trusted-types pointsman-worker dompurify",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def create_blueprint(
    config: ConsoleSettings, router: ConsoleRouter, clock: Callable[[], float] = time.time
) -> Blueprint:
    """The console at /console, and / which leads there. Register it without a prefix."""
    blueprint = Blueprint(
        "console", __name__, static_folder="static", static_url_path="/console/static", template_folder="templates"
    )
    guard = LoginGuard(config.api_key, router)
    _add_guards(blueprint, guard, clock, Limit(config.calls_a_second, AT_ONCE * config.calls_a_second))
    _add_errors(blueprint)
    _add_pages(blueprint, guard)
    _add_login(blueprint, guard, config, router, clock)
    add_api(blueprint, config, router)
    add_downloads(blueprint, router)
    add_pushes(blueprint, router)
    add_worker(blueprint)
    return blueprint


def _add_guards(blueprint: Blueprint, guard: LoginGuard, clock: Callable[[], float], calls: Limit) -> None:
    @blueprint.before_request
    def let_in() -> ResponseReturnValue | None:
        g.visitor = _visitor(guard, clock())
        mutating = request.method not in _SAFE_METHODS
        if mutating and not _same_origin():
            return _refusal(403, "PERMISSION_DENIED", "This request came from another site.")
        if request.endpoint in _OPEN_TO_ALL:
            return None
        if g.visitor is None:
            return _log_in_first()
        if wait := calls.take(g.visitor.session_id, clock()):
            return _come_later(wait)
        if mutating and not guard.is_from_page(g.visitor, request.headers.get("X-CSRF-Token", "")):
            return _refusal(403, "PERMISSION_DENIED", "The page is out of date. Load it again.")
        if mutating and not may_call(request.endpoint or "", g.visitor.role):
            return _refusal(403, "PERMISSION_DENIED", "You may not do this here: nothing was done. Ask who runs this.")
        let_body_come()
        return None

    @blueprint.after_request
    def harden(response: Response) -> Response:
        response.headers.update(_HEADERS)
        # The login form needs its Origin, which "no-referrer" would hide; a link's token must go nowhere.
        response.headers["Referrer-Policy"] = "no-referrer" if "token" in request.args else "same-origin"
        response.headers["Cache-Control"] = "no-cache" if request.endpoint in _SAME_FOR_ALL else "no-store"
        # The page asks again and again, and mostly nothing has changed.
        if request.method == "GET" and response.is_json:
            response.add_etag()
            response.make_conditional(request)
        return response


def _visitor(guard: LoginGuard, now: float) -> Visitor | None:
    """Who asks; None for somebody who is not let in. Raises RouterError where the router cannot say."""
    holder = guard.holder(request.cookies.get(guard.cookie_name, ""), now)
    if holder is None or request.endpoint in _SAME_FOR_ALL:
        return None
    try:
        browser = guard.seen(holder)
        return replace(holder, person_name=browser.person_name, role=browser.role) if browser.is_open else None
    except RouterError:
        # The empty page says that the router is away. There is nothing in it, and all that it asks for fails.
        if request.endpoint == "console.page":
            return holder
        if request.endpoint in _OPEN_TO_ALL:
            return None
        raise


def _add_errors(blueprint: Blueprint) -> None:
    @blueprint.errorhandler(InvalidRequest)
    def invalid(error: InvalidRequest) -> ResponseReturnValue:
        return _refusal(400, "INVALID_ARGUMENT", str(error))

    @blueprint.errorhandler(RouterError)
    def refused(error: RouterError) -> ResponseReturnValue:
        # The page reads 401 as its own session's end; here it is the adapter that the router does not know.
        if error.status == "UNAUTHENTICATED":
            return _refusal(502, error.code, "The router refuses this console's API key. Start it with a good one.")
        return _refusal(http_status(error).value, error.code, error.message)


def _add_pages(blueprint: Blueprint, guard: LoginGuard) -> None:
    # Said at once, they come at once: else each is known of only by the one before it.
    static = Path(blueprint.static_folder or "")
    modules = sorted(str(path.relative_to(static)) for path in static.rglob("*.js") if path.stem != "highlight")

    @blueprint.get("/")
    def root() -> ResponseReturnValue:
        return redirect(url_for("console.page"))

    @blueprint.get("/console/")
    def page() -> ResponseReturnValue:
        return render_template("console.html", csrf=g.visitor.csrf, person=g.visitor.person_name, modules=modules)

    @blueprint.post("/console/api/logout")
    def log_out() -> ResponseReturnValue:
        guard.log_out(g.visitor)
        response = jsonify(ok=True)
        response.delete_cookie(guard.cookie_name, path="/console")
        return response


def _add_login(
    blueprint: Blueprint,
    guard: LoginGuard,
    config: ConsoleSettings,
    router: ConsoleRouter,
    clock: Callable[[], float],
) -> None:
    @blueprint.get("/console/login")
    def login() -> ResponseReturnValue:
        if "token" in request.args:
            return _follow_link(guard, request.args["token"], clock())
        if g.visitor:
            return redirect(url_for("console.page"))
        page = (
            ("That link was used before, or is older than ten minutes.", 403) if "link" in request.args else ("", 200)
        )
        return _with_form(guard, _login_page(*page), clock())

    @blueprint.post("/console/login")
    def log_in() -> ResponseReturnValue:
        now, shown = clock(), request.form.get("api_key", "").strip()
        if cookie := guard.cookie_for_own_key(shown, now, _label()):
            return _welcome(guard, cookie)
        address = address_of_client(config.trusted_proxies)
        who = guard.who_tries(request.cookies.get(guard.form_name, ""), peer_of(address), now)
        wait = guard.attempts.wait(who, now)
        if wait > 0:
            page, status = _login_page(f"Too many attempts. Try again in {wait:.0f} s.", 429)
            return page, status, {"Retry-After": str(max(1, round(wait)))}
        cookie = guard.cookie_for_key(shown, now, _label()) or guard.cookie_for_code(shown, now, _label())
        if cookie is None:
            guard.attempts.spend(who, now)
            with suppress(RouterError):  # no news for the audit is no reason to let them wait
                router.report_refusal("console", address)
            return _login_page("That is neither the API key of this console nor a code that is good.", 403)
        return _welcome(guard, cookie)


def _label() -> str:
    """What the browser calls itself, short enough for people: the end of its name tells most."""
    return request.user_agent.string[-_LABEL:]


def _follow_link(guard: LoginGuard, token: str, now: float) -> ResponseReturnValue:
    if request.method == "HEAD":  # from programs that look at links; it must not use this one up
        return Response(status=200 if guard.takes_link(token, now) else 403)
    cookie = guard.cookie_for_link(token, now, _label())
    if cookie is not None:
        return _welcome(guard, cookie)
    return redirect(url_for("console.login", link="over"))


def _welcome(guard: LoginGuard, cookie: str) -> Response:
    """Set the cookie, then go on from a page of our own.

    A redirect would not do: a link followed from another site starts a cross-site navigation, and a Strict cookie is
    not sent along with those, not even after redirects.
    """
    response = Response(render_template("welcome.html"))
    response.set_cookie(
        guard.cookie_name,
        cookie,
        max_age=round(SESSION_LIFETIME),
        path="/console",
        httponly=True,
        samesite="Strict",
        secure=_is_https(),
    )
    return response


def _with_form(guard: LoginGuard, page: tuple[str, int], now: float) -> Response:
    """The login page, and a cookie by which its browser's attempts are its own."""
    response = make_response(page)
    response.set_cookie(
        guard.form_name,
        guard.form(now),
        max_age=round(FORM_LIFETIME),
        path="/console/login",
        httponly=True,
        samesite="Strict",
        secure=_is_https(),
    )
    return response


def _is_https() -> bool:
    # Claiming https falsely only makes a cookie stricter, so the header needs no trust.
    return request.is_secure or request.headers.get("X-Forwarded-Proto", "") == "https"


def _login_page(error: str = "", status: int = 200) -> tuple[str, int]:
    return render_template("login.html", error=error), status


def _log_in_first() -> ResponseReturnValue:
    if request.path.startswith("/console/api/"):
        return _refusal(401, "UNAUTHENTICATED", "Log in again.")
    return redirect(url_for("console.login"))


def _refusal(status: int, code: str, text: str) -> ResponseReturnValue:
    return jsonify(error=text, code=code), status


def _come_later(wait: float) -> ResponseReturnValue:
    answer = jsonify(error="This page asks too often. Wait a moment.", code="RESOURCE_EXHAUSTED")
    return answer, 429, {"Retry-After": str(max(1, round(wait)))}


def _same_origin() -> bool:
    """Browsers say where a request comes from; programs that say nothing carry no cookie they did not ask for."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host
