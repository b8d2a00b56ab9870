"""What the command line says of machines that are brought, and what it refuses."""

import json
from pathlib import Path

import pytest

from tests.integration.pointsman.conftest import Run

LOCAL = '[machines.builder]\nprovider = "local"\nfolder = {folder}\n'


def write(data_dir: Path, text: str) -> Path:
    data_dir.mkdir(mode=0o700, exist_ok=True)
    path = data_dir / "providers.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_without_a_file_it_says_where_to_write_one(run: Run, data_dir: Path) -> None:
    result = run("providers")

    assert result.exit_code == 0
    assert str(data_dir / "providers.toml") in result.output


def test_a_file_that_others_may_write_is_not_believed(run: Run, data_dir: Path) -> None:
    write(data_dir, "").chmod(0o666)
    result = run("providers")

    assert result.exit_code == 2
    assert "chmod go-w" in result.output


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("most_up = 0", "from 1 to 50"),
        ('[machines.a]\nprovider = "fly"\nimage = "i"\napp = "acme"\nregions = ["ams"]', "Fly wants a token"),
        ('[machines.a]\nprovider = "ssh"\nhost = "h"\nhost_key = "x"\nfolder = "f"', "host_key"),
    ],
)
def test_what_is_wrong_with_it_is_said(run: Run, data_dir: Path, text: str, why: str) -> None:
    write(data_dir, text)
    result = run("providers", "stop", "a")

    assert result.exit_code == 2
    assert why in result.output


@pytest.mark.parametrize("verb", ["bring", "stop", "destroy"])
def test_a_machine_that_it_does_not_name_is_none(run: Run, data_dir: Path, verb: str) -> None:
    write(data_dir, LOCAL.format(folder=json.dumps(str(data_dir / "machines"))))
    result = run("providers", verb, "other")

    assert result.exit_code == 5
    assert "it has builder" in result.output


def test_nothing_is_deleted_before_somebody_says_so(run: Run, data_dir: Path) -> None:
    write(data_dir, LOCAL.format(folder=json.dumps(str(data_dir / "machines"))))
    result = run("providers", "destroy", "builder", stdin="n\n")

    assert result.exit_code == 1
    assert "Delete builder with all that is on it?" in result.output


DOCKER = """#!/bin/sh
echo "$@" >>{log}
case "$1 $*" in
  ps*.ID*) echo 0123 ;;
  inspect*) printf '0123\\told\\t\\tcreated\\t0001-01-01T00:00:00Z\\t2026-01-01T00:00:00Z\\n' ;;
  volume*) echo pointsman-old-1 ;;
esac
"""


def test_what_is_nobodys_is_shown_and_a_program_that_is_ill_too(
    run: Run, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(data_dir, '[machines.a]\nprovider = "docker"\nimage = "i"\n[machines.b]\nprovider = "podman"\nimage = "i"\n')
    for name, text in (("docker", DOCKER.format(log=tmp_path / "log")), ("podman", "#!/bin/sh\nexit 3\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    decided = json.loads(run("providers", "sweep", "--dry-run", "--json").stdout)

    assert [(each["provider"], each["machine"], each["goes"]) for each in decided] == [
        ("docker", "old", False), ("docker", "", False), ("podman", "", False),
    ]  # fmt: skip
    assert "cannot be asked" in decided[-1]["why"]
    assert "rm" not in (tmp_path / "log").read_text().split()


ODD = ["", "[1]", "{}", '{"verb": "rm", "folder": "x"}', '{"verb": "stop", "folder": "x", "key": "-rf"}', "[" * 10000]


@pytest.mark.parametrize("said", ODD)
def test_what_comes_to_the_other_end_is_looked_at(run: Run, tmp_path: Path, said: str) -> None:
    result = run("machine-process", stdin=said.replace('"x"', json.dumps(str(tmp_path / "x"))))

    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)  # it was told why
    assert not (tmp_path / "x").exists()
