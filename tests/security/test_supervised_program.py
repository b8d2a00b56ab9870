"""What a program in a session can do to the account that it runs in, and what accounts apart take from it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from pointsman.config import resolve
from pointsman.secret_files import make_missing
from tests.folders import short_folder
from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.integration.router.permissions.asking import ask
from tests.rigs.other_account import other_account

READS_THE_KEY = "import sys; print(open(sys.argv[1]).read().strip())"
TRIES_TO = """
try:
    print(json.dumps(open(arguments["path"]).read()))
except OSError as error:
    print(json.dumps(type(error).__name__))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder


@pytest.fixture
def key_file(folder: Path) -> Path:
    """The key that `up` made for the account which also runs the sessions."""
    make_missing(resolve({}, {"POINTSMAN_DATA_DIR": str(folder)}), "POINTSMAN_API_KEY")
    return folder / "api_key"


@pytest.fixture
def router(folder: Path, key_file: Path) -> Iterator[RouterUnderTest]:
    with serving(config(folder, api_key=key_file.read_text().strip())) as router:
        yield router


def test_within_one_account_it_can_answer_its_own_question(router: RouterUnderTest, key_file: Path) -> None:
    """SECURITY.md says so plainly: were it otherwise, that page would have to change."""
    key = subprocess.run([sys.executable, "-c", READS_THE_KEY, key_file], capture_output=True, text=True).stdout.strip()
    holder = router.caller(key)
    token = holder.control.CreateJoinToken(pb.CreateJoinTokenRequest()).join_token
    machine = router.stranger("devbox")
    machine.enrol(token)

    with machine.connected() as link:
        holder.control.RegisterSession(pb.RegisterSessionRequest(session_id="s", machine_id="devbox"))
        question = ask(link, "s")
        answer = pb.RespondPermissionRequest(permission_id=question, option_id="allow", input_digest="d1")
        answered = holder.control.RespondPermission(answer).permission

    assert answered.state == types.PERMISSION_STATE_ALLOWED


def test_with_accounts_apart_the_key_is_out_of_its_reach(key_file: Path) -> None:
    key_file.parent.chmod(0o755)  # the file's own mode is enough

    with other_account() as sessions:
        assert sessions.tries(TRIES_TO, path=str(key_file)) == "PermissionError"
