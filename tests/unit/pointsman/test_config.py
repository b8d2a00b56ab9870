"""Where settings come from, which win, and what is refused."""

import socket
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from pointsman.config import BadSettings, Settings, child_environment, resolve, unknown_names
from pointsman.settings import BY_NAME, SETTINGS, Program, Source, reachable

HTTP = "POINTSMAN_HTTP_LISTEN"


def settings(data_dir: Path, toml: str = "", flags: Mapping[str, str] | None = None, **environ: str) -> Settings:
    (data_dir / "pointsman.toml").write_text(toml)
    return resolve(flags or {}, {"POINTSMAN_DATA_DIR": str(data_dir), **environ})


def problems(data_dir: Path, toml: str = "", **environ: str) -> list[str]:
    with pytest.raises(BadSettings) as raised:
        settings(data_dir, toml, **environ)
    assert raised.value.exit_code == 2
    return raised.value.problems


def test_a_flag_is_stronger_than_the_environment_than_the_file_than_the_default(data_dir: Path) -> None:
    toml, flags = 'http_listen = "127.0.0.1:3"', {HTTP: "127.0.0.1:1"}

    found = [
        settings(data_dir, toml, flags, POINTSMAN_HTTP_LISTEN="127.0.0.1:2"),
        settings(data_dir, toml, POINTSMAN_HTTP_LISTEN="127.0.0.1:2"),
        settings(data_dir, toml),
        settings(data_dir),
    ]

    assert [(one[HTTP], one.values[HTTP].source) for one in found] == [
        ("127.0.0.1:1", Source.FLAG),
        ("127.0.0.1:2", Source.ENVIRONMENT),
        ("127.0.0.1:3", Source.FILE),
        ("127.0.0.1:8080", Source.DEFAULT),
    ]


def test_an_empty_variable_counts_as_not_given(data_dir: Path) -> None:
    assert settings(data_dir, POINTSMAN_HTTP_LISTEN="")[HTTP] == "127.0.0.1:8080"


def test_the_file_may_spell_names_as_the_environment_does_and_hold_lists(data_dir: Path) -> None:
    found = settings(data_dir, 'ALLOWED_CHAT_IDS = [-100, 5]\nPOINTSMAN_MACHINE_ID = "box"')

    assert found["ALLOWED_CHAT_IDS"] == "-100,5"
    assert found["POINTSMAN_MACHINE_ID"] == "box"


def test_the_data_directory_is_in_the_xdg_data_home(tmp_path: Path) -> None:
    assert resolve({}, {"XDG_DATA_HOME": str(tmp_path)}).data_dir == tmp_path / "pointsman"


def test_the_database_is_in_the_data_directory(data_dir: Path) -> None:
    assert settings(data_dir)["POINTSMAN_DATABASE"] == f"sqlite:///{data_dir}/router.db"


def test_clients_follow_a_router_that_listens_elsewhere(data_dir: Path) -> None:
    assert settings(data_dir, POINTSMAN_ROUTER_LISTEN="127.0.0.1:7777")["POINTSMAN_ROUTER"] == "127.0.0.1:7777"


def test_they_go_by_its_socket_where_there_is_one_and_no_address_is_set(data_dir: Path) -> None:
    (data_dir / "router.fingerprint").write_text("f" * 43)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(data_dir / "router.sock"))
        by_itself, set_ = settings(data_dir), settings(data_dir, POINTSMAN_ROUTER="127.0.0.1:7443")

    assert by_itself["POINTSMAN_ROUTER"] == f"unix:{data_dir}/router.sock"
    assert set_["POINTSMAN_ROUTER"] == "127.0.0.1:7443"
    # Both are the router of this folder.
    assert {each["POINTSMAN_ROUTER_FINGERPRINT"] for each in (by_itself, set_)} == {"f" * 43}


def test_a_generated_secret_is_read_from_the_data_directory(data_dir: Path) -> None:
    (data_dir / "api_key").write_text("pmk_generated\n")

    found = settings(data_dir).values["POINTSMAN_API_KEY"]

    assert (found.text, found.source) == ("pmk_generated", Source.GENERATED)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POINTSMAN_ROUTER_LISTEN", "7443"),
        ("POINTSMAN_ROUTER", "host:99999"),
        ("POINTSMAN_ROUTER", "unix:router.sock"),
        ("POINTSMAN_ROUTER", "http://host"),
        ("POINTSMAN_HTTP_LISTEN", ":8080"),
        ("POINTSMAN_DATABASE", "postgresql://user:pass@host/db"),
        ("POINTSMAN_API_KEY", "two words"),
        ("POINTSMAN_MACHINE_ID", "über box"),
        ("POINTSMAN_PUBLIC_URL", "http://example.org"),
        ("POINTSMAN_PUBLIC_URL", "example.org"),
        ("POINTSMAN_TLS_CA", "/no/such/file"),
        ("TELEGRAM_BOT_TOKEN", "nonsense"),
        ("TELEGRAM_WEBHOOK_SECRET", "a+b"),
        ("TELEGRAM_WEBHOOK_PATH_SECRET", "a/b"),
        ("TELEGRAM_API_BASE", "ftp://example.org"),
        ("ALLOWED_CHAT_IDS", "12,me"),
        ("ALLOWED_USER_IDS", "777000"),
        ("ALLOWED_CHAT_IDS", "5, 1087968824"),
        ("ALLOWED_USER_IDS", "136817688"),
    ],
)
def test_a_bad_value_is_refused_by_name(data_dir: Path, name: str, value: str) -> None:
    assert name in problems(data_dir, **{name: value})[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POINTSMAN_ROUTER", "[::1]:7443"),
        ("POINTSMAN_ROUTER", "unix:/srv/router.sock"),
        ("POINTSMAN_PUBLIC_URL", "https://example.org/pointsman"),
        ("POINTSMAN_PUBLIC_URL", "http://127.0.0.1:8080"),
        ("TELEGRAM_BOT_TOKEN", "123456:ABC-def_1"),
        ("TELEGRAM_API_BASE", "http://127.0.0.1:9/prefix"),
        ("ALLOWED_CHAT_IDS", "-1001234, 42,"),
        ("POINTSMAN_DATABASE", "sqlite:////srv/router.db"),
    ],
)
def test_a_good_value_is_taken(data_dir: Path, name: str, value: str) -> None:
    assert settings(data_dir, **{name: value})[name] == value


def test_a_secret_that_is_refused_is_not_repeated(data_dir: Path) -> None:
    assert "s3cret" not in problems(data_dir, TELEGRAM_BOT_TOKEN="s3cret s3cret")[0]


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("htp_listen = '127.0.0.1:1'", "unknown key 'htp_listen'; did you mean http_listen?"),
        ("[web]\nlisten = 'x'", "unknown key 'web'"),
        ("data_dir = '/elsewhere'", "cannot stand in the file that it locates"),
        ("http_listen = true", "must be a text"),
        ("http_listen = ", "cannot be read"),
    ],
    ids=["misspelt", "table", "data-dir", "type", "syntax"],
)
def test_the_file_is_refused_by_the_name_of_its_key(data_dir: Path, toml: str, words: str) -> None:
    (problem,) = problems(data_dir, toml)

    assert words in problem
    assert "pointsman.toml" in problem


def test_a_bad_value_is_refused_where_it_stands(data_dir: Path) -> None:
    (data_dir / "api_key").write_text("two words")
    toml, flags = 'http_listen = "8080"', {"POINTSMAN_ROUTER_LISTEN": "7443"}

    with pytest.raises(BadSettings) as raised:
        settings(data_dir, toml, flags, POINTSMAN_ROUTER="host", POINTSMAN_PUBLIC_URL="http://example.org")

    assert raised.value.problems == [
        "the flag --router-listen is not HOST:PORT, such as 127.0.0.1:7443",
        "POINTSMAN_ROUTER in the environment is not HOST:PORT, such as 127.0.0.1:7443",
        f"{data_dir}/api_key must be 1 to 256 printable ASCII characters without blanks",
        f"http_listen in {data_dir}/pointsman.toml is not HOST:PORT, such as 127.0.0.1:7443",
        "POINTSMAN_PUBLIC_URL in the environment must be an https:// address: Telegram takes nothing else",
    ]


def test_every_problem_is_named_at_once(data_dir: Path) -> None:
    assert len(problems(data_dir, "nonsense = 1", POINTSMAN_ROUTER="x", ALLOWED_CHAT_IDS="y")) == 3


@pytest.mark.parametrize("listen", ["0.0.0.0:7443", "router.example.org:7443", "[::]:7443"])
def test_beyond_loopback_the_router_needs_tls(data_dir: Path, listen: str) -> None:
    assert "needs POINTSMAN_TLS_CERT" in problems(data_dir, POINTSMAN_ROUTER_LISTEN=listen)[0]


def test_beyond_loopback_without_tls_only_when_asked_for(data_dir: Path) -> None:
    found = settings(data_dir, POINTSMAN_ROUTER_LISTEN="0.0.0.0:7443", POINTSMAN_INSECURE_LISTEN="1")

    assert found["POINTSMAN_ROUTER"] == "127.0.0.1:7443"


@pytest.mark.parametrize("listen", ["0.0.0.0:8080", "10.77.0.1:8080", "127.evil.example:8080", "[::]:8080"])
def test_beyond_loopback_plain_http_must_be_asked_for(data_dir: Path, listen: str) -> None:
    [problem] = problems(data_dir, POINTSMAN_HTTP_LISTEN=listen)

    assert "POINTSMAN_HTTP_PLAIN=1" in problem
    assert settings(data_dir, POINTSMAN_HTTP_LISTEN=listen, POINTSMAN_HTTP_PLAIN="1")[HTTP] == listen


def test_a_ca_for_clients_needs_a_certificate(data_dir: Path) -> None:
    pem = data_dir / "ca.pem"
    pem.touch()

    assert "POINTSMAN_TLS_CERT" in problems(data_dir, POINTSMAN_TLS_CLIENT_CA=str(pem))[0]


def test_a_key_that_others_may_read_is_refused_with_what_cures_it(data_dir: Path) -> None:
    cert, key = data_dir / "cert.pem", data_dir / "key.pem"
    cert.touch()
    key.touch()
    key.chmod(0o644)
    files = {"POINTSMAN_TLS_CERT": str(cert), "POINTSMAN_TLS_KEY": str(key)}

    [problem] = problems(data_dir, **files)

    assert f"(mode 0644): chmod 600 {key}" in problem
    key.chmod(0o600)
    assert settings(data_dir, **files)["POINTSMAN_TLS_KEY"] == str(key)


def test_a_certificate_without_its_key_is_refused(data_dir: Path) -> None:
    pem = data_dir / "cert.pem"
    pem.touch()

    assert "go together" in problems(data_dir, POINTSMAN_TLS_CERT=str(pem))[0]


def test_names_in_the_environment_that_mean_nothing_are_found(data_dir: Path) -> None:
    found = settings(data_dir, POINTSMAN_HTP_LISTEN="x", POINTSMAN_SESSION_ID="s")

    assert unknown_names(found.environ) == ["POINTSMAN_HTP_LISTEN"]


@pytest.mark.parametrize(
    ("listen", "address"),
    [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:1", "127.0.0.1:1"), ("127.0.0.1:1", "127.0.0.1:1"), ("[::1]:1", "[::1]:1")],
)
def test_an_address_that_means_everywhere_is_reached_on_loopback(listen: str, address: str) -> None:
    assert reachable(listen) == address


SECRETS = {
    "POINTSMAN_API_KEY": "pmk_secret",
    "POINTSMAN_ADAPTER_KEY": "pmk_own",
    "TELEGRAM_BOT_TOKEN": "1:secret",
    "TELEGRAM_WEBHOOK_SECRET": "secret",
    "TELEGRAM_WEBHOOK_PATH_SECRET": "secret",
}


@pytest.mark.parametrize(
    ("program", "may_see"),
    [
        (Program.ROUTER, {"POINTSMAN_API_KEY", "POINTSMAN_ADAPTER_KEY"}),
        (Program.AGENT, set()),
        (Program.ADAPTER_HTTP, set(SECRETS) - {"POINTSMAN_API_KEY"}),
        (Program.COURIER, set(SECRETS) - {"POINTSMAN_API_KEY"}),
    ],
)
def test_a_program_gets_no_secret_that_it_does_not_need(data_dir: Path, program: Program, may_see: set[str]) -> None:
    environ = child_environment(settings(data_dir, **SECRETS), program)

    assert {name for name in SECRETS if name in environ} == may_see


def test_a_program_gets_defaults_spelt_out_and_everything_else_as_it_was(data_dir: Path) -> None:
    environ = child_environment(settings(data_dir, PATH="/bin"), Program.ADAPTER_HTTP)

    assert (environ["PATH"], environ[HTTP]) == ("/bin", "127.0.0.1:8080")


def test_an_agent_that_was_told_no_router_uses_the_one_it_enrolled_at(data_dir: Path) -> None:
    assert "POINTSMAN_ROUTER" not in child_environment(settings(data_dir), Program.AGENT)
    told = settings(data_dir, POINTSMAN_ROUTER="127.0.0.1:1")
    assert child_environment(told, Program.AGENT)["POINTSMAN_ROUTER"] == "127.0.0.1:1"


def test_who_has_a_router_here_means_that_one_wherever_its_database_is(data_dir: Path) -> None:
    (data_dir / "agent").mkdir()
    (data_dir / "agent" / "machine.json").write_text('{"router": "first:7443"}')
    elsewhere = settings(data_dir)
    (data_dir / "router.fingerprint").write_text("f" * 43)
    here = settings(data_dir)

    assert (elsewhere["POINTSMAN_ROUTER"], elsewhere.router_is_elsewhere) == ("first:7443", True)
    assert (here["POINTSMAN_ROUTER"], here.router_is_elsewhere) == ("127.0.0.1:7443", False)


def test_every_setting_has_a_flag_and_a_key_of_its_own() -> None:
    assert len({setting.key for setting in SETTINGS}) == len({setting.flag for setting in SETTINGS}) == len(BY_NAME)


def test_an_unreadable_secret_counts_as_not_there(data_dir: Path) -> None:
    (data_dir / "api_key").mkdir(mode=stat.S_IRWXU)

    assert settings(data_dir)["POINTSMAN_API_KEY"] == ""
