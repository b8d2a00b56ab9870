"""`pointsman tls`: a private CA and its certificates, believed by real clients, renewed under running programs."""

import json
import re
import shutil
import socket
import ssl
import stat
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest
from click.testing import CliRunner, Result
from cryptography import x509

from pointsman.group import pointsman
from pointsman.tls.authority import Authority, names_here
from pointsman.tls.certificates import is_host, read
from router.config import Tls
from tests.folders import short_folder
from tests.integration.pointsman.up.test_up import Up, running
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.waiting import wait_until

Run = Callable[..., Result]
NOW = datetime.now(UTC)


@pytest.fixture
def run(data_dir: Path) -> Run:
    def invoke(*arguments: str, **environ: str) -> Result:
        return CliRunner().invoke(pointsman, arguments, env={"POINTSMAN_DATA_DIR": str(data_dir), **environ})

    return invoke


@pytest.fixture
def made(run: Run, data_dir: Path) -> Path:
    """The folder of what `tls init` made."""
    done = run("tls", "init", "--name", "router.example.org", "--name", "192.0.2.9", "--name", "*.example.net")
    assert done.exit_code == 0, done.output
    return data_dir / "tls"


@pytest.fixture
def router(made: Path, tmp_path: Path) -> Iterator[RouterUnderTest]:
    """One with that certificate, which asks its clients for theirs."""
    tls = Tls(made / "router.pem", made / "router.key", made / "ca.pem")
    with serving(config(tmp_path, tls=tls)) as router:
        yield router


def lines(output: str) -> dict[str, str]:
    """What it says to put into the first pointsman.toml of which it speaks."""
    return tomllib.loads("\n".join(re.findall(r'^  (\w+ = ".*")$', output.partition("\nOn every")[0], re.MULTILINE)))


def written(folder: Path, settings: dict[str, str]) -> None:
    (folder / "pointsman.toml").write_text("".join(f'{key} = "{value}"\n' for key, value in settings.items()))


def shown(address: str) -> int:
    """Serial number of the certificate that a new connection gets."""
    host, _, port = address.rpartition(":")
    pem = ssl.get_server_certificate((host, int(port)), timeout=10)
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


def serial(pem: Path) -> int:
    return x509.load_pem_x509_certificate(pem.read_bytes()).serial_number


def test_what_it_makes_is_its_owners_alone_and_the_key_of_the_ca_lies_apart(made: Path) -> None:
    modes = {str(path.relative_to(made)): stat.S_IMODE(path.stat().st_mode) for path in made.rglob("*")}

    assert modes == {
        "ca.pem": 0o600,
        "authority": 0o700,
        "authority/ca.key": 0o600,
        "router.pem": 0o600,
        "router.key": 0o600,
    }
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_a_certificate_is_for_the_names_and_addresses_of_its_machine_and_those_that_were_given(made: Path) -> None:
    names = read(made / "router.pem").names

    assert {"router.example.org", "192.0.2.9", "*.example.net"} < set(names)
    assert {"localhost", "127.0.0.1", "::1", socket.gethostname()} < set(names)
    assert set(names) == set(names_here(["router.example.org", "192.0.2.9", "*.example.net"]))


@pytest.mark.parametrize("name", ["router.example.org", "a.example.net", "localhost", "127.0.0.1", "192.0.2.9"])
def test_who_trusts_the_ca_believes_it_as_strictly_as_it_can(router: RouterUnderTest, made: Path, name: str) -> None:
    """OpenSSL is one judge, and gRPC's BoringSSL below another."""
    context = ssl.create_default_context(cafile=str(made / "ca.pem"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    host, _, port = router.address.rpartition(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=name) as wrapped,
    ):
        assert wrapped.version() == "TLSv1.3"


def test_nobody_believes_it_under_another_name(router: RouterUnderTest, made: Path) -> None:
    context = ssl.create_default_context(cafile=str(made / "ca.pem"))
    host, _, port = router.address.rpartition(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(plain, server_hostname="router.example.com")


def test_the_certificate_signs_no_other(made: Path) -> None:
    certificate = x509.load_pem_x509_certificate((made / "router.pem").read_bytes())

    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


@pytest.mark.parametrize("arguments", [("init",), ("init", "--name", "b.example.org")])
def test_nothing_that_is_there_is_overwritten(run: Run, made: Path, arguments: tuple[str, ...]) -> None:
    assert run("tls", "client", "laptop").exit_code == 0
    before = {path: path.read_bytes() for path in made.rglob("*.*")}

    for again in (arguments, ("client", "laptop")):
        done = run("tls", *again)
        assert done.exit_code == 1
        assert "pointsman tls renew" in done.output

    assert {path: path.read_bytes() for path in made.rglob("*.*")} == before


def test_a_folder_of_that_name_with_something_in_it_stays(run: Run, data_dir: Path) -> None:
    (data_dir / "tls").mkdir(mode=0o700)
    (data_dir / "tls" / "mine.pem").write_text("mine")

    assert run("tls", "init").exit_code == 1
    assert [path.name for path in data_dir.rglob("*")] == ["tls", "mine.pem"]


@pytest.mark.parametrize("name", ["", "../x", "a b", "-a", "a.-b", "a" * 64, "ü.example", "1.2.3.4.5.", "x\n"])
def test_what_is_no_name_of_a_machine_is_refused(run: Run, data_dir: Path, name: str) -> None:
    assert not is_host(name)
    assert run("tls", "init", "--name", name).exit_code == 2
    assert not (data_dir / "tls").exists()


@pytest.mark.parametrize("name", ["../x", ".x", "a/b", "a b", "", "x\n", "a" * 65])
def test_what_is_no_name_of_a_client_is_refused(run: Run, made: Path, name: str) -> None:
    done = run("tls", "client", name)

    assert done.exit_code == 2
    assert not (made / "clients").exists()


def test_settings_that_wait_for_the_certificate_do_not_keep_it_from_being_made(run: Run, data_dir: Path) -> None:
    (data_dir / "pointsman.toml").write_text('router_listen = "0.0.0.0:7443"\n')

    assert "pointsman tls init" in run("machines").output
    done = run("tls", "init")
    written(data_dir, lines(done.output))

    assert (
        "no answer from the router" in run("machines", POINTSMAN_API_KEY=API_KEY, POINTSMAN_ROUTER="127.0.0.1:1").output
    )


def test_a_machine_that_had_the_ca_joins_and_goes_on_after_each_renewal(
    run: Run, router: RouterUnderTest, made: Path, tmp_path: Path
) -> None:
    """As the printed lines say: with copies of three files, and nothing else of the router's machine."""
    told = run("tls", "client", "laptop")
    copies = tmp_path / "laptop"
    copies.mkdir()
    for name in ("ca.pem", "clients/laptop.pem", "clients/laptop.key"):
        shutil.copy(made / name, copies)
    paths = {key: value.replace("/PATH/TO", str(copies)) for key, value in lines(told.output).items()}
    written(copies, paths)

    def there(*arguments: str) -> Result:
        environ = {"POINTSMAN_DATA_DIR": str(copies), "POINTSMAN_ROUTER": router.address, "POINTSMAN_API_KEY": API_KEY}
        return CliRunner().invoke(pointsman, arguments, env=environ | {"POINTSMAN_MACHINE_ID": "laptop"})

    token = json.loads(there("machine", "token", "--json").stdout)["joinToken"]
    assert "laptop is enrolled" in there("enroll", router.address, token).output
    before = serial(made / "router.pem")

    renewed = run("tls", "renew")

    assert renewed.exit_code == 0, renewed.output
    assert before != shown(router.address) == serial(made / "router.pem")
    assert "laptop" in there("machines").output
    assert run("tls", "renew", "laptop").exit_code == 0
    for name in ("laptop.pem", "laptop.key"):
        shutil.copy(made / "clients" / name, copies)
    assert "laptop" in there("machines").output


@pytest.mark.e2e
def test_up_with_the_lines_that_it_prints_asks_everybody_for_a_certificate_and_works() -> None:
    with short_folder() as folder:
        done = CliRunner().invoke(pointsman, ["tls", "init", "--data-dir", str(folder)])
        client_ca = re.search(r'^  # tls_client_ca = "(.*)"$', done.output, re.MULTILINE)
        assert client_ca
        written(folder, lines(done.output) | {"tls_client_ca": client_ca[1]})
        with running(folder) as up:
            assert wait_until(lambda: _machines(up) == [("box", True)])
            with urlopen(f"{up.http}/health/ready", timeout=10) as answer:
                assert answer.status == 200
            assert up.run("doctor").returncode == 0
            before = serial(folder / "tls" / "router.pem")

            assert up.run("tls", "renew").returncode == 0

            assert before != shown(up.router) == serial(folder / "tls" / "router.pem")
            assert _machines(up) == [("box", True)]


def _machines(up: Up) -> list[tuple[str, bool]]:
    found = json.loads(up.run("machines", "--json").stdout or "[]")
    return [(machine["machineId"], machine["connected"]) for machine in found]


def test_a_renewal_keeps_the_names_and_adds_those_that_are_given(run: Run, made: Path) -> None:
    done = run("tls", "renew", "--name", "new.example.org", "--days", "30")

    facts = read(made / "router.pem")
    assert done.exit_code == 0
    assert {"router.example.org", "192.0.2.9", "*.example.net", "new.example.org", "localhost"} < set(facts.names)
    assert timedelta(days=29) < facts.until - NOW < timedelta(days=31)
    assert facts.name == "router.example.org"


def test_a_clients_renewal_takes_no_names(run: Run, made: Path) -> None:
    run("tls", "client", "laptop")

    assert run("tls", "renew", "laptop", "--name", "x.example.org").exit_code == 2
    assert run("tls", "renew", "laptop").exit_code == 0
    assert read(made / "clients" / "laptop.pem").names == ()


@pytest.mark.parametrize("arguments", [("client", "laptop"), ("renew",)])
def test_without_a_ca_or_its_key_it_says_what_to_do(
    run: Run, data_dir: Path, made: Path, arguments: tuple[str, ...]
) -> None:
    (made / "authority" / "ca.key").rename(data_dir / "kept")
    away = run("tls", *arguments)
    (made / "authority" / "ca.key").write_bytes((made / "router.key").read_bytes())
    wrong = run("tls", *arguments)
    shutil.rmtree(made)
    none = run("tls", *arguments)

    assert "Put it back for this call" in away.output
    assert "is not the key of" in wrong.output
    assert "`pointsman tls init` makes one" in none.output
    assert [done.exit_code for done in (away, wrong, none)] == [1, 1, 5]


@pytest.mark.usefixtures("made")
def test_it_shows_who_and_until_when_also_of_what_others_made(run: Run, tmp_path: Path) -> None:
    run("tls", "client", "laptop")
    Authority(tmp_path).begin(("acme.example.org",), 5, NOW)
    theirs = {"CERT": tmp_path / "tls" / "router.pem", "KEY": tmp_path / "tls" / "router.key"}
    settings = {f"POINTSMAN_TLS_{name}": str(path) for name, path in theirs.items()}

    found = json.loads(run("tls", "show", "--json", **settings).stdout)

    assert [(one["kind"], one["name"]) for one in found] == [
        ("CA", f"Pointsman on {socket.gethostname()}"),
        ("server", "router.example.org"),
        ("client", "laptop"),
        ("server", "acme.example.org"),
    ]
    assert [one["until"][:10] for one in found[1:]] == [
        f"{NOW + timedelta(days=days):%Y-%m-%d}" for days in (365, 365, 5)
    ]


def test_no_certificate_outlives_its_ca(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.begin(("a.example.org",), 365, NOW - timedelta(days=3600))

    facts = authority.renew(authority.router, (), 365, NOW)

    assert facts.until == read(authority.ca).until


@pytest.mark.parametrize(
    ("ago", "level", "said"), [(0, "OK", "is good"), (352, "WARN", "is good"), (366, "FAIL", "was good")]
)
def test_doctor_tells_how_long_it_is_good(run: Run, data_dir: Path, ago: int, level: str, said: str) -> None:
    Authority(data_dir).begin(("a.example.org",), 365, NOW - timedelta(days=ago))
    files = {"CERT": "router.pem", "KEY": "router.key", "CA": "ca.pem", "CLIENT_CA": "ca.pem"}
    settings = {f"POINTSMAN_TLS_{name}": str(data_dir / "tls" / file) for name, file in files.items()}

    found = json.loads(run("doctor", "--json", **settings, POINTSMAN_ROUTER="127.0.0.1:1").stdout)

    told = {one["found"].split()[0]: one for one in found if one["check"] == "certificate"}
    mine = told[str(data_dir / "tls" / "router.pem")]
    assert (mine["level"], said in mine["found"]) == (level, True)
    assert mine["cure"] == ("" if level == "OK" else "pointsman tls renew")
    assert told[str(data_dir / "tls" / "ca.pem")]["level"] == "OK"


def test_doctor_tells_of_files_that_are_no_pair(run: Run, made: Path) -> None:
    run("tls", "client", "laptop")
    files = {"CERT": made / "router.pem", "KEY": made / "clients" / "laptop.key"}
    settings = {f"POINTSMAN_TLS_{name}": str(path) for name, path in files.items()}

    found = json.loads(run("doctor", "--json", **settings, POINTSMAN_ROUTER="127.0.0.1:1").stdout)

    assert any("they come as a pair" in one["found"] and one["level"] == "FAIL" for one in found)
