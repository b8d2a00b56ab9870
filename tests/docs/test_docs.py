"""The documentation names everything that people can use, and nothing that does not exist."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pointsman.config import SESSION_VARIABLES
from pointsman.settings import SETTINGS
from tests.architecture.source import PACKAGES, PROGRAMS, ROOT, tree

PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *(ROOT / "docs").glob("*.md")]
)
SETTING = re.compile(r"(?:POINTSMAN|TELEGRAM|ALLOWED)_[A-Z_]*[A-Z]\Z")


def text(page: str) -> str:
    return (ROOT / page).read_text()


def coded(page: str) -> str:
    """What stands in code spans and code blocks."""
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text(page), re.DOTALL))


def settings() -> set[str]:
    """What the command line resolves, and what the programs read."""
    from pointsman.settings import BY_NAME

    sources = [f"{program}/config.py" for program in PROGRAMS]
    constants = (node for path in sources for node in ast.walk(tree(path)) if isinstance(node, ast.Constant))
    return set(BY_NAME) | {
        node.value for node in constants if isinstance(node.value, str) and SETTING.match(node.value)
    }


def commands() -> dict[str, click.Command]:
    """Every visible command by the words that call it."""
    from pointsman.group import pointsman

    def below(words: str, command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command]]:
        if not isinstance(command, click.Group):
            yield words, command
            return
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from below(f"{words} {name}", child, click.Context(child, parent=context))

    return dict(below("pointsman", pointsman, click.Context(pointsman)))


def rpcs() -> set[str]:
    from agentlink.v1 import agent_link_pb2, chat_link_pb2, control_pb2, memory_pb2

    files = [module.DESCRIPTOR for module in (agent_link_pb2, chat_link_pb2, control_pb2, memory_pb2)]
    services = [service for file in files for service in file.services_by_name.values()]
    return {f"{service.name}.{method.name}" for service in services for method in service.methods}


def endpoints() -> set[str]:
    """Every route of the adapter, as its code declares it: "GET /health"."""
    calls = [
        node
        for path in (ROOT / "webhook_adapter").rglob("*.py")
        for node in ast.walk(tree(str(path.relative_to(ROOT))))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "post")
    ]
    paths = ((call.func, call.args[0]) for call in calls if call.args)
    return {
        f"{func.attr.upper()} {argument.value}"
        for func, argument in paths
        if isinstance(func, ast.Attribute)
        and isinstance(argument, ast.Constant)
        and isinstance(argument.value, str)
        and argument.value.startswith("/")
    }


def test_every_setting_is_documented() -> None:
    documented = set(re.findall(r"`([A-Z_]+)`", text("docs/settings.md")))

    assert settings()
    assert settings() - documented == set()


def test_every_default_is_told_as_it_is() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (.+?) \|", text("docs/settings.md"), re.MULTILINE))

    assert [one.name for one in SETTINGS if one.default and f"`{one.default}`" not in rows[one.name]] == []
    assert [one.name for one in SETTINGS if one.file and rows[one.name].split()[0] != "generated"] == []


@pytest.mark.parametrize("page", PAGES)
def test_pages_name_only_settings_that_exist(page: str) -> None:
    named = {name for name in re.findall(r"\b[A-Z]+_[A-Z_]+\b", coded(page)) if SETTING.match(name)}

    assert named - settings() - {*SESSION_VARIABLES} == set()


def test_every_command_is_documented() -> None:
    documented = coded("docs/commands.md")

    missing = [words for words in commands() if not re.search(rf"`{re.escape(words)}[` ]", documented)]

    assert not missing


@pytest.mark.parametrize("page", PAGES)
def test_pages_name_only_commands_that_exist(page: str) -> None:
    words = {name for command in commands() for name in (command, command.rpartition(" ")[0])}
    called = set(re.findall(r"(?:^|[`(;&|] ?)pointsman( [a-z]+(?: [a-z]+)?)", coded(page), re.MULTILINE))

    unknown = [
        f"pointsman{rest}" for rest in called if not words & {f"pointsman{rest}", f"pointsman {rest.split()[0]}"}
    ]

    assert not unknown


@pytest.mark.parametrize("page", PAGES)
def test_pages_name_only_options_that_the_command_has(page: str) -> None:
    known = {words: {option for one in command.params for option in one.opts} for words, command in commands().items()}
    lines = re.findall(r"(?:^|`)(pointsman [^`\n#]*)", coded(page), re.MULTILINE)
    called = [(words, line.split(" -- ")[0]) for line in lines for words in known if f"{line} ".startswith(f"{words} ")]

    unknown = [line for words, line in called if set(re.findall(r" (--[a-z-]+)", line)) - known[words]]

    assert not unknown


def test_every_chat_command_is_documented_and_in_the_help() -> None:
    from router.domain.routing import CHAT_COMMANDS
    from router.domain.wording.answers import HELP

    commands_ = {f"/{name}" for name in CHAT_COMMANDS - {"start", "help"}}

    assert commands_ - set(re.findall(r"`(/\w+)", text("docs/commands.md"))) == set()
    for_people = commands_ - {"/cmd"}  # programs know tokens; people reply
    assert for_people - set(re.findall(r"/\w+", HELP)) == set()


def test_the_menu_in_the_chat_offers_commands_that_exist() -> None:
    from router.domain.routing import CHAT_COMMANDS
    from webhook_adapter.transports.telegram.menu import COMMANDS

    assert set(COMMANDS) <= CHAT_COMMANDS


def marked() -> set[tuple[str, str]]:
    """The rules that tests name, each with its test."""
    found = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        where = str(path.relative_to(ROOT))
        if "mark.rule" not in path.read_text():
            continue
        for node in ast.walk(tree(where)):
            decorators = node.decorator_list if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else []
            names = [one.args[0] for one in decorators if isinstance(one, ast.Call) and "mark.rule" in ast.unparse(one)]
            found |= {(str(ast.literal_eval(name)), f"{where}::{node.name}") for name in names}  # type: ignore[attr-defined]
    return found


def test_every_rule_of_the_protocol_has_the_test_that_it_names() -> None:
    rules = re.findall(r"^\| ([AC]\d+) \| .* \| `([^`]+)` \|$", text("docs/protocol.md"), re.MULTILINE)
    numbers = [name for name, _ in rules]

    assert set(rules) == marked()
    assert numbers == [f"A{n}" for n in range(1, 27)] + [f"C{n}" for n in range(1, 11)]


def test_every_rpc_is_documented() -> None:
    documented = text("docs/protocol.md")

    assert [name for name in sorted(rpcs()) if f"`{name}`" not in documented] == []


def test_every_documented_rpc_exists() -> None:
    named = set(re.findall(r"`((?:AgentLink|ChatLink|Control)\.\w+)`", "\n".join(map(text, PAGES))))

    assert named - rpcs() == set()


def test_every_endpoint_is_documented() -> None:
    documented = text("docs/http.md")

    assert endpoints()
    assert [name for name in sorted(endpoints()) if f"`{name}`" not in documented] == []


def test_every_documented_endpoint_exists() -> None:
    named = set(re.findall(r"`((?:GET|POST) /[^`?]*)`", "\n".join(map(text, PAGES))))

    # Flask serves the static folder itself.
    assert named - endpoints() - {"GET /console/static/<path:filename>"} == set()


@pytest.mark.parametrize("page", PAGES)
def test_nothing_that_a_merge_left_stands_in_a_page(page: str) -> None:
    assert re.findall(r"^(?:<{7}|={7}|>{7})(?: .*)?$", text(page), re.MULTILINE) == []


@pytest.mark.parametrize("page", PAGES)
def test_links_inside_the_repository_lead_somewhere(page: str) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text(page))

    local = [target for target in targets if "://" not in target]

    assert [target for target in local if not ((ROOT / page).parent / target).exists()] == []


def test_the_map_of_the_code_names_only_what_exists() -> None:
    tops = "|".join((*PACKAGES, "protos", "tests"))

    named = re.findall(rf"`((?:{tops})/[\w./-]*)`", text("docs/architecture.md"))

    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_named_in_pages_exist(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))

    assert set(re.findall(r"(?:^|`)make ([a-z]+)", coded(page), re.MULTILINE)) - targets == set()


@pytest.mark.parametrize("page", PAGES)
def test_modules_and_tests_that_pages_call_exist(page: str) -> None:
    called = re.findall(r"python -m (tests(?:\.\w+)*)", coded(page))
    paths = re.findall(r"\btests/[\w./-]*\w", coded(page))
    modules_ = [ROOT / name.replace(".", "/") for name in called]

    missing = [one for one in modules_ if not (one / "__main__.py").exists() and not one.with_suffix(".py").exists()]
    missing += [ROOT / name for name in paths if name != "tests/KIND" and not (ROOT / name).exists()]

    assert not missing


def test_every_kind_of_test_is_explained_with_its_time() -> None:
    kinds = {path.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").rglob("test_*.py")}

    explained = re.findall(r"^\| `tests/(\w+)` \| .+ \| ([^|]+) \|$", text("docs/testing.md"), re.MULTILINE)

    assert {name for name, _ in explained} == kinds


def test_a_stranger_is_told_what_must_hold_in_half_a_page() -> None:
    page = text("CONTRIBUTING.md")

    assert "make check" in page
    assert len(page.splitlines()) <= 40


def test_make_help_explains_every_target() -> None:
    makefile = text("Makefile")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)

    assert phony is not None
    assert phony[1].split() == re.findall(r"^([a-z]+):.*## \S", makefile, re.MULTILINE)
    assert len(makefile.splitlines()) <= 60


def test_the_readme_begins_with_the_two_commands_that_need_nothing() -> None:
    first = text("README.md").split("```")[1]

    assert [line.split("#")[0].strip() for line in first.strip().splitlines()] == ["make demo", "make test"]


def test_the_readmes_lines_for_the_path_work_as_they_are_pasted(tmp_path: Path) -> None:
    [block] = re.findall(r"```\nmake setup\n(.*?)```", text("README.md"), re.DOTALL)
    made = tmp_path / ".venv" / "bin"
    made.mkdir(parents=True)
    (made / "pointsman").symlink_to(Path(sys.executable).with_name("pointsman"))
    environ = {"HOME": str(tmp_path), "PATH": os.defpath}

    done = subprocess.run(
        ["bash", "-e", "-c", f"{block}\npointsman --help"], cwd=tmp_path, env=environ, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert "up" in done.stdout
