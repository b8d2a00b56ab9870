"""The command line for GitHub: an App is made once, its keys are its owner's, repositories are bound by number."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import SimpleQueue

import click
import pytest
import requests
from click.testing import Result

from pointsman.commands import github as commands
from pointsman.config import resolve
from pointsman.doctor.github import github as doctor
from pointsman.errors import Failure
from tests.fakes.github.github import GitHubStandIn
from tests.integration.pointsman.conftest import Run
from tests.rigs.scripted_control import FakeControl
from webhook_adapter.transports.github import app_setup
from webhook_adapter.transports.github.settings import read_app

STATE = "s" * 43


@pytest.fixture
def github() -> Iterator[GitHubStandIn]:
    with GitHubStandIn() as github:
        yield github


@pytest.fixture
def app(github: GitHubStandIn, data_dir: Path) -> Path:
    """As `setup` leaves it."""
    path = data_dir / "github_app.json"
    told = {"app_id": github.app.id, "slug": "pointsman", "private_key": github.app.pem}
    path.write_text(json.dumps(told | {"webhook_secret": "s" * 32, "path_secret": "p" * 43}))
    path.chmod(0o600)
    return path


@pytest.fixture
def say(run: Run, github: GitHubStandIn, app: Path) -> Callable[..., Result]:  # noqa: ARG001 - it is there
    return lambda *words: run("github", *words, POINTSMAN_GITHUB_API=github.base_url)


def test_a_repository_is_bound_by_its_number_to_whoever_may_write(
    say: Callable[..., Result], github: GitHubStandIn, control: FakeControl
) -> None:
    repository = github.world.add_repository("acme/api", private=True)
    github.install(repository)
    told = say("bind", "acme/api", "--machine", "devbox", "--folder", "~/src")

    assert told.exit_code == 0, told.output
    [bound] = control.bindings
    assert (bound.transport, bound.space, bound.name) == ("github", str(repository.id), "acme/api")
    assert (bound.machine_id, bound.folder, bound.writers, bound.autostart) == ("devbox", "~/src", True, True)
    assert "whoever may write" in told.output


def test_people_are_named_by_number_alone(
    say: Callable[..., Result], github: GitHubStandIn, control: FakeControl
) -> None:
    github.install(github.world.add_repository("acme/api"))
    by_name = say("bind", "acme/api", "--machine", "devbox", "--allow", "ada")
    by_number = say("bind", "acme/api", "--machine", "devbox", "--allow", "7", "--no-autostart")

    assert (by_name.exit_code, by_number.exit_code) == (2, 0)
    [bound] = control.bindings
    assert (list(bound.allowed), bound.writers, bound.autostart) == (["7"], False, False)


@pytest.mark.parametrize("name", ["acme/none", "acme", "../../app", "acme/api/x"])
def test_what_is_not_installed_is_not_bound(say: Callable[..., Result], control: FakeControl, name: str) -> None:
    told = say("bind", name, "--machine", "devbox")

    assert (told.exit_code, control.bindings) == (5, [])


def test_it_is_ended_by_name(say: Callable[..., Result], github: GitHubStandIn, control: FakeControl) -> None:
    github.install(github.world.add_repository("acme/api"))
    say("bind", "acme/api", "--machine", "devbox")
    listed = say("status")

    assert "acme/api" in listed.output
    assert [say("unbind", "ACME/api").exit_code, say("unbind", "acme/api").exit_code] == [0, 5]
    assert control.bindings == []


def test_without_an_app_it_says_how_to_make_one(run: Run) -> None:
    told = run("github", "bind", "acme/api", "--machine", "devbox")

    assert told.exit_code == 2
    assert "pointsman github setup" in told.output


class GitHubManifests(BaseHTTPRequestHandler):
    """GitHub, as far as making an App goes."""

    pem = ""

    def do_POST(self) -> None:
        assert "Authorization" not in self.headers
        is_known = self.path == "/app-manifests/good/conversions"
        told = {
            "id": 12,
            "slug": "pm",
            "pem": self.pem,
            "webhook_secret": None,
            "html_url": "https://github.com/apps/pm",
        }
        self._say(201 if is_known else 404, told if is_known else {"message": "Not Found"})

    def do_PATCH(self) -> None:
        self.server.hooks.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))  # type: ignore[attr-defined]
        self._say(200, {})

    def _say(self, status: int, told: object) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library's
        pass


@pytest.fixture
def manifests(github: GitHubStandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    monkeypatch.setattr(app_setup, "new_secret", lambda: STATE)
    monkeypatch.setattr(GitHubManifests, "pem", github.app.pem)
    server = HTTPServer(("127.0.0.1", 0), GitHubManifests)
    server.hooks = []  # type: ignore[attr-defined]
    serving = threading.Thread(target=server.serve_forever, args=(0.02,))
    serving.start()
    yield server
    server.shutdown()
    serving.join()
    server.server_close()


def setup(run: Run, manifests: HTTPServer, pasted: str, *flags: str) -> Result:
    api = f"http://127.0.0.1:{manifests.server_port}"
    return run("github", "setup", "--paste", *flags, stdin=f"{pasted}\n", POINTSMAN_GITHUB_API=api)


def test_an_app_is_made_and_its_keys_are_its_owner_s_alone(run: Run, manifests: HTTPServer, data_dir: Path) -> None:
    told = setup(run, manifests, f"http://127.0.0.1:9/created?code=good&state={STATE}")

    assert told.exit_code == 0, told.output
    path = data_dir / "github_app.json"
    assert (path.stat().st_mode & 0o777, read_app(path).app_id) == (0o600, 12)
    assert [each["content_type"] for each in manifests.hooks] == ["json"]  # type: ignore[attr-defined]
    assert manifests.hooks[0]["secret"] == read_app(path).webhook_secret  # type: ignore[attr-defined]
    assert "PRIVATE" not in told.output
    assert read_app(path).webhook_secret not in told.output
    assert not (data_dir / "github_setup.html").exists()
    again = setup(run, manifests, f"?code=good&state={STATE}")
    assert (again.exit_code, "--replace" in again.output) == (2, True)


@pytest.mark.parametrize("pasted", ["", "x", "?code=good", "?code=good&state=other", f"?state={STATE}", "\0"])
def test_somebody_else_s_address_makes_nothing(run: Run, manifests: HTTPServer, data_dir: Path, pasted: str) -> None:
    assert setup(run, manifests, pasted).exit_code == 2
    assert not (data_dir / "github_app.json").exists()


@pytest.mark.parametrize("code", ["used", "../../app", "a b"])
def test_a_code_that_is_none_makes_nothing(run: Run, manifests: HTTPServer, data_dir: Path, code: str) -> None:
    assert setup(run, manifests, f"?code={code}&state={STATE}").exit_code != 0
    assert not (data_dir / "github_app.json").exists()


@contextmanager
def confirming(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, SimpleQueue[str]]]:
    """The page that `setup` serves, and where the code comes out."""
    lines, codes = SimpleQueue[str](), SimpleQueue[str]()
    monkeypatch.setattr(click, "echo", lambda line, **_: lines.put(line))
    wanted = app_setup.manifest("pm", "", "p" * 43, "")

    def page(to: str) -> str:
        return app_setup.page("https://api.github.com", "acme", STATE, wanted | {"redirect_url": to})

    waiting = threading.Thread(target=lambda: codes.put(commands._confirmed(page, STATE)))
    waiting.start()
    yield lines.get(timeout=60).split()[1], codes
    waiting.join()


def test_a_browser_here_is_led_back_here(monkeypatch: pytest.MonkeyPatch) -> None:
    with confirming(monkeypatch) as (address, codes):
        page = requests.get(address, timeout=60).text
        forged = requests.get(f"{address}created?code=evil&state=other", timeout=60).status_code
        nothing = requests.get(f"{address}x", timeout=60).status_code
        good = requests.get(f"{address}created?code=good&state={STATE}", timeout=60).status_code

    assert f"https://github.com/organizations/acme/settings/apps/new?state={STATE}" in page
    assert f"{address}created" in page
    assert (forged, nothing, good, codes.get(timeout=60)) == (400, 404, 200, "good")


def test_a_manifest_wants_no_more_than_is_needed() -> None:
    wanted = app_setup.manifest("pm", "https://pm.example.net", "p" * 43, "http://127.0.0.1:1/created")

    assert wanted["public"] is False
    assert wanted["hook_attributes"]["url"] == f"https://pm.example.net/github/webhook/{'p' * 43}"
    assert "contents" not in wanted["default_permissions"]


def test_an_address_is_read_as_what_it_is() -> None:
    assert commands._code(f"http://127.0.0.1:9/created?code=good&state={STATE}", STATE) == "good"
    with pytest.raises(Failure):
        commands._code(f"?code=a&code=b&state={STATE}", STATE)


def found(data_dir: Path, **environ: str) -> list[tuple[str, str]]:
    nowhere = {"POINTSMAN_DATA_DIR": str(data_dir), "POINTSMAN_ROUTER": f"unix:{data_dir}/no-router"}
    return [(each.level.value, each.found) for each in doctor(resolve({}, nowhere | environ))]


def test_doctor_says_what_the_app_lacks(github: GitHubStandIn, app: Path, data_dir: Path) -> None:
    github.install(github.world.add_repository("acme/api"))
    whole = found(data_dir, POINTSMAN_GITHUB_API=github.base_url)
    github.app.events.remove("issue_comment")
    lacking = found(data_dir, POINTSMAN_GITHUB_API=github.base_url)
    away = found(data_dir, POINTSMAN_GITHUB_API="http://127.0.0.1:9")
    app.chmod(0o644)
    open_file = found(data_dir, POINTSMAN_GITHUB_API=github.base_url)

    assert [level for level, _ in whole] == ["ok"]
    assert lacking == [("warn", "the App lacks the event issue_comment")]
    assert [away[0][0], open_file[0][0]] == ["fail", "fail"]


def test_doctor_without_an_app(data_dir: Path) -> None:
    assert found(data_dir) == [("ok", "off; `pointsman github setup` turns it on")]
