"""Installing and uninstalling hooks: what comes back is what was there, to the byte."""

import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.hooks import installer
from agent.hooks.claude_code import EVENTS, events_for
from agent.hooks.installer import Hooks
from agent.hooks.settings_file import SettingsRefused

HOOKS = Hooks("/opt/python", "/run/agent.sock", EVENTS, "user")
MOVED = Hooks("/elsewhere/python", "/run/agent.sock", EVENTS, "user")
OTHER = {"hooks": [{"type": "command", "command": "say done"}]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.json"


def events_of(file: Path) -> dict[str, Any]:
    hooks: dict[str, Any] = json.loads(file.read_bytes().decode("utf-8-sig"))["hooks"]
    return hooks


def there_and_back(file: Path, content: bytes) -> None:
    """Install, see that everything is there, uninstall, compare."""
    file.write_bytes(content)
    before = json.loads(content.decode("utf-8-sig"))

    assert installer.install(file, HOOKS)

    assert set(installer.installed(file)) == {event.name for event in EVENTS}
    now = json.loads(file.read_bytes().decode("utf-8-sig"))
    assert {key: now[key] for key in before if key != "hooks"} == {k: before[k] for k in before if k != "hooks"}
    assert installer.uninstall(file)
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    "content",
    [
        b"{}",
        b"{ }",
        b"{\n}\n",
        b"{\n\n\n}",
        b"\n\n {}\n\n",
        b'{"model": "opus"}',
        b'{"model":"opus","env":{"A":"1"}}\n',
        b'{\n  "model": "opus"\n}\n',
        b'{\n    "model": "opus",\n    "env": {}\n}',
        b'{\n\t"model": "opus"\n}\n',
        b'{\r\n  "model": "opus"\r\n}\r\n',
        b'\xef\xbb\xbf{\n  "model": "opus"\n}\n',
        '{\n  "théme": "żółw 🐢",\n  "quote": "\\"{[,:]}\\\\"\n}\n'.encode(),
        b'{"hooks": {}}',
        b'{\n  "hooks": {\n  },\n  "z": 1\n}\n',
        b'{"hooks": {"Stop": []}}',
        b'{\n  "hooks": {\n    "Stop": [\n    ]\n  }\n}\n',
        json.dumps({"hooks": {"Stop": [OTHER], "PreToolUse": [OTHER]}}).encode(),
        json.dumps({"hooks": {"Stop": [OTHER, OTHER], "PreToolUse": []}, "a": 1}, indent=4).encode(),
        b'{\n"hooks"  :{  "Stop":[ {"hooks": [] } ] ,\n\n"Notification"\n:\n[\n]\n}  }',
    ],
)
def test_uninstalling_gives_the_same_bytes_back(file: Path, content: bytes) -> None:
    there_and_back(file, content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ENTRIES = st.lists(st.just(OTHER) | JSON, max_size=3)
SECTION = st.dictionaries(st.sampled_from([*(event.name for event in EVENTS), "PreToolUse"]), ENTRIES, max_size=4)
SETTINGS = st.builds(
    lambda rest, hooks, last: {**rest, **hooks, **last},
    st.dictionaries(st.text(max_size=8), JSON, max_size=3),
    st.just({}) | st.builds(lambda section: {"hooks": section}, SECTION),
    st.dictionaries(st.text(max_size=8).filter(lambda key: key != "hooks"), JSON, max_size=2),
).filter(lambda whole: isinstance(whole.get("hooks", {}), dict) and all(map(is_list, whole.get("hooks", {}).values())))
LAYOUTS = st.tuples(
    st.sampled_from([None, 0, 1, 2, 4, "\t"]),
    st.sampled_from([(", ", ": "), (",", ":"), (" ,  ", " :\t")]),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
    st.text(" \t\n", max_size=3),
)


def is_list(value: object) -> bool:
    return isinstance(value, list)


@given(SETTINGS, LAYOUTS)
def test_any_settings_in_any_layout_come_back(tmp_path_factory: Any, whole: dict[str, Any], layout: Any) -> None:
    indent, separators, escaped, newline, around = layout
    text = json.dumps(whole, indent=indent, separators=separators, ensure_ascii=escaped)
    content = f"{around}{text}{around}".replace("\n", newline).encode(errors="replace")

    there_and_back(tmp_path_factory.mktemp("any") / "settings.json", content)


def test_without_a_file_one_is_made_for_this_user_alone_and_taken_away_again(tmp_path: Path) -> None:
    file = tmp_path / "new" / "settings.json"

    assert installer.install(file, HOOKS)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert set(events_of(file)) == {event.name for event in EVENTS}
    assert installer.uninstall(file)
    assert not file.exists()


def test_a_file_made_for_the_hooks_stays_when_a_person_has_put_something_in(file: Path) -> None:
    installer.install(file, HOOKS)
    file.write_text(json.dumps({"model": "opus", **json.loads(file.read_text())}))

    installer.uninstall(file)

    assert json.loads(file.read_text()) == {"model": "opus"}


def test_a_persons_own_hook_in_a_list_made_for_ours_stays(file: Path) -> None:
    file.write_text("{}")
    installer.install(file, HOOKS)
    settings = json.loads(file.read_text())
    settings["hooks"]["Stop"].append(OTHER)
    file.write_text(json.dumps(settings, indent=2))

    installer.uninstall(file)

    assert json.loads(file.read_text()) == {"hooks": {"Stop": [OTHER]}}


def test_uninstalling_after_claude_code_has_written_the_file_anew_leaves_only_the_rest(file: Path) -> None:
    file.write_text('{"model": "opus"}')
    installer.install(file, HOOKS)
    file.write_text(json.dumps(json.loads(file.read_text()), indent=2))

    installer.uninstall(file)

    assert json.loads(file.read_text()) == {"model": "opus"}


def test_installing_again_changes_nothing(file: Path) -> None:
    file.write_text('{"model": "opus"}')
    installer.install(file, HOOKS)
    before = (file.read_bytes(), file.stat().st_ino)

    assert not installer.install(file, HOOKS)

    assert (file.read_bytes(), file.stat().st_ino) == before


def test_installing_from_another_place_replaces_the_earlier_hooks(file: Path) -> None:
    file.write_text('{"model": "opus"}')
    installer.install(file, HOOKS)

    assert installer.install(file, MOVED)

    assert [len(entries) for entries in events_of(file).values()] == [1] * len(EVENTS)
    assert "/opt/python" not in file.read_text()
    installer.uninstall(file)
    assert file.read_text() == '{"model": "opus"}'


def test_uninstalling_what_was_never_installed_changes_nothing(file: Path) -> None:
    file.write_text('{"hooks": {"Stop": []}}')

    assert not installer.uninstall(file)

    assert file.read_text() == '{"hooks": {"Stop": []}}'


def test_a_link_stays_a_link_and_the_file_keeps_its_mode(tmp_path: Path, file: Path) -> None:
    real = tmp_path / "dotfiles.json"
    real.write_text("{}")
    real.chmod(0o640)
    file.symlink_to(real)

    installer.install(file, HOOKS)

    assert file.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert set(events_of(real)) == {event.name for event in EVENTS}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dotfiles.json", "settings.json"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not JSON"),
        (b'{"a": 1,}', "not JSON"),
        (b'{"a": 1} // note', "not JSON"),
        (b"[]", "no JSON object"),
        (b'{"hooks": []}', '"hooks" is no object'),
        (b'{"hooks": {"Stop": {}}}', '"hooks.Stop" is no list'),
        (b'{"hooks": {}, "hooks": {}}', "twice"),
        (b'{"hooks": {"Stop": [], "Stop": []}}', "twice"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_file_that_cannot_be_edited_safely_is_left_alone(file: Path, content: bytes, says: str) -> None:
    file.write_bytes(content)

    with pytest.raises(SettingsRefused, match=says):
        installer.install(file, HOOKS)

    assert file.read_bytes() == content
    assert [path.name for path in file.parent.iterdir()] == ["settings.json"]


def test_an_older_version_is_not_given_events_that_it_does_not_know() -> None:
    assert "StopFailure" not in {event.name for event in events_for((2, 1, 77))}
    assert {event.name for event in events_for((2, 1, 197))} == {event.name for event in EVENTS}
    assert events_for((1, 0, 0)) == ()


def test_a_hook_of_a_removed_pointsman_does_nothing(file: Path, tmp_path: Path) -> None:
    installer.install(file, Hooks(str(tmp_path / "no-python"), "/run/agent.sock", EVENTS, "user"))
    line = installer.installed(file)["UserPromptSubmit"]

    ended = subprocess.run(["sh", "-c", line], input=b"{}", capture_output=True)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
