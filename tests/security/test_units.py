"""The units for a layout with accounts apart: sound, shut as far as they can be, and each open place has its reason."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pointsman.settings import SETTINGS
from tests.architecture.source import ROOT
from tests.programs import needed

UNITS = sorted((ROOT / "deploy").glob("*.service"))
SHUT = ["pointsman-adapter.service", "pointsman-router.service"]
MOST_EXPOSED = 3.0  # of 10, as systemd-analyze counts

each_shut = pytest.mark.parametrize("name", SHUT)


def text(name: str) -> str:
    return (ROOT / "deploy" / name).read_text()


def analyzed(*arguments: str) -> subprocess.CompletedProcess[str]:
    needed("systemd-analyze")
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The units, as if the program were installed."""
    program = shutil.which("true") or "/bin/true"
    for unit in UNITS:
        (tmp_path / unit.name).write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={program}", unit.read_text()))
    return tmp_path


@pytest.mark.parametrize("name", [unit.name for unit in UNITS])
def test_systemd_understands_every_line(here: Path, name: str) -> None:
    told = analyzed("verify", "--man=no", *(["--user"] if "WantedBy=default" in text(name) else []), str(here / name))

    assert [line for line in told.stderr.splitlines() if name in line] == []


@each_shut
def test_router_and_adapter_are_shut(here: Path, name: str) -> None:
    told = analyzed("security", "--offline=true", "--no-pager", str(here / name))
    score = re.search(r"exposure level for \S+: ([\d.]+)", told.stdout)

    assert score is not None, told.stderr
    assert float(score[1]) <= MOST_EXPOSED


@each_shut
def test_every_place_that_is_left_open_has_its_reason(here: Path, name: str) -> None:
    told = analyzed("security", "--offline=true", "--no-pager", str(here / name)).stdout
    open_places = set(re.findall(r"✗ (\w+)=", told))
    answered = {
        "RestrictAddressFamilies",  # narrowed to the families that it speaks
        "DeviceAllow",  # what DevicePolicy=closed and ProtectClock= leave
        "RootDirectory",  # spelled with RootImage=
        "IPAddressDeny" if "IPAddressAllow=localhost" in text(name) else "",
    }

    reasons = set(re.findall(r"(\w+)=", text(name).partition("# Left out, and why:")[2]))

    assert open_places - answered - reasons == set()


@each_shut
def test_secrets_come_as_credentials_and_stand_in_no_unit(name: str) -> None:
    secrets = {setting.key: setting.name for setting in SETTINGS if setting.secret}

    assert set(re.findall(r"LoadCredential=(\w+):/", text(name))) <= set(secrets)
    assert [held for held in secrets.values() if f"{held}=" in text(name)] == []


def test_the_adapter_sees_nothing_of_the_routers_folder() -> None:
    [folder] = re.findall(r"POINTSMAN_DATA_DIR=(\S+)", text("pointsman-router.service"))

    assert f"InaccessiblePaths=-{folder}\n" in text("pointsman-adapter.service")
    assert f"POINTSMAN_DATA_DIR={folder}\n" not in text("pointsman-adapter.service")


def test_the_adapter_is_told_which_router_to_believe() -> None:
    """The file with its fingerprint lies where the adapter may not look."""
    set_up = (ROOT / "docs" / "operations.md").read_text()

    assert "EnvironmentFile=-/etc/pointsman/adapter.env\n" in text("pointsman-adapter.service")
    assert "POINTSMAN_ROUTER_FINGERPRINT=$(cat /var/lib/pointsman/router.fingerprint)" in set_up


def test_the_agent_is_given_no_api_key() -> None:
    assert "LoadCredential" not in text("pointsman-agent.service")
    assert "WantedBy=default.target" in text("pointsman-agent.service")  # a person's own unit, not root's
