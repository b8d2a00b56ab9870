"""The two laws of docs/architecture.md that imports can break, checked file by file."""

import ast
from pathlib import PurePosixPath

import pytest

from tests.architecture.source import PACKAGES, PROGRAMS, Import, imports, modules, tree, within

CODE = modules(*PACKAGES)

# What only some files may import. A folder ends with a slash.
EDGES: dict[tuple[str, ...], tuple[str, ...]] = {
    ("grpc", "grpc_status", "grpc_health", "grpc_reflection", "agentlink", "google.protobuf", "google.rpc"): (
        "router/api/",
        "agent/link/client.py",
        "agent/link/convert.py",
        "agent/link/enrol.py",
        "webhook_adapter/router_client.py",
        "webhook_adapter/router_client_console.py",
        "webhook_adapter/courier.py",
        "webhook_adapter/errors.py",
        "pointsman/client.py",
    ),
    ("peewee", "playhouse"): ("router/store/", "agent/store/"),
    ("requests",): ("webhook_adapter/transports/",),
    # What every hook runs is a program of its own, of one file.
    ("os.environ", "os.environb", "os.getenv", "os.putenv"): (
        *(f"{package}/config.py" for package in PACKAGES),
        "agent/hooks/forward.py",
    ),
}

# Lowest first. Imports point from a later row to an earlier one, or stay inside their own part; the parts of one row
# do not import each other.
LAYERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "router": (
        ("domain",),
        ("clock", "chance", "config"),
        ("store", "link"),
        ("services",),
        ("api",),
        ("app",),
        ("cli",),
    ),
    "agent": (
        ("domain",),
        ("clock", "config"),
        ("store", "link", "backends", "hooks"),
        ("services",),
        ("local",),
        ("app",),
        ("cli",),
    ),
    "webhook_adapter": (
        ("model", "config", "logs", "backoff", "clock"),
        ("auth", "errors", "body", "present", "metrics"),
        ("submit_stream",),
        ("router_client", "router_client_console"),
        ("transports",),
        ("rest", "console", "carrier"),
        ("health", "courier"),
        ("app",),
        ("wsgi", "worker", "gunicorn_conf"),
        ("server",),
        ("cli",),
    ),
}
RANKS = {program: {part: rank for rank, row in enumerate(rows) for part in row} for program, rows in LAYERS.items()}

# domain/ is pure: nothing in it reads, writes, waits, knows the time or throws dice.
IMPURE = (
    *("asyncio", "threading", "multiprocessing", "concurrent", "subprocess", "signal", "socket", "ssl", "selectors"),
    *("os", "io", "pathlib", "shutil", "tempfile", "sqlite3", "urllib.request", "http", "logging"),
    *("time", "random", "secrets", "uuid.uuid1", "uuid.uuid4", "uuid_utils"),
    *("grpc", "agentlink", "google", "peewee", "playhouse", "requests", "flask", "click", "psutil", "uvloop"),
)
IMPURE_CALLS = {"open", "print", "input", "datetime.now", "datetime.utcnow", "date.today", "uuid.uuid4", "uuid.uuid1"}


def offences(found: list[Import], path: str, words: str) -> list[str]:
    return [f"{path}:{one.line}: {one.name} {words}" for one in found]


@pytest.mark.parametrize("path", modules(*PROGRAMS))
def test_a_program_imports_no_other_program(path: str) -> None:
    strangers = [name for name in PACKAGES if not path.startswith(f"{name}/")]

    found = [one for one in imports(path) if within(one.name, *strangers)]

    assert not offences(found, path, "is another program: what both must know goes into the protocol")


@pytest.mark.parametrize("path", modules("pointsman"))
def test_the_command_line_imports_programs_only_inside_functions(path: str) -> None:
    found = [one for one in imports(path) if within(one.name, *PROGRAMS) and not one.lazy]

    assert not offences(found, path, "must be imported inside the function that needs it")


@pytest.mark.parametrize("guarded", EDGES, ids=lambda names: names[0])
@pytest.mark.parametrize("path", CODE)
def test_edges_are_imported_at_the_edges_only(path: str, guarded: tuple[str, ...]) -> None:
    at_the_edge = path.startswith(EDGES[guarded])

    found = [] if at_the_edge else [one for one in imports(path) if within(one.name, *guarded)]

    assert not offences(found, path, f"may be imported only in {', '.join(EDGES[guarded])}")


@pytest.mark.parametrize("path", CODE)
def test_the_environment_is_read_in_config_only(path: str) -> None:
    at_the_edge = PurePosixPath(path).name == "config.py" or path == "agent/hooks/forward.py"
    names = {"os.environ", "os.environb", "os.getenv", "os.putenv", "os.unsetenv"}

    found = [n for n in ast.walk(tree(path)) if isinstance(n, ast.Attribute) and ast.unparse(n) in names]

    assert at_the_edge or not [f"{path}:{node.lineno}: {ast.unparse(node)} belongs into config.py" for node in found]


@pytest.mark.parametrize("path", modules(*PROGRAMS))
def test_every_module_has_a_layer(path: str) -> None:
    program, part = part_of(path.removesuffix(".py").replace("/", "."))

    assert part == "__init__" or part in RANKS[program], f"{path}: give {part!r} a place in LAYERS"


@pytest.mark.parametrize("path", modules(*PROGRAMS))
def test_imports_point_down(path: str) -> None:
    program, here = part_of(path.removesuffix(".py").replace("/", "."))
    ranks = RANKS[program]

    up = [
        one
        for one in imports(path)
        if within(one.name, program)
        and (there := part_of(one.name)[1]) != here
        and there in ranks
        and ranks[there] >= ranks.get(here, len(ranks))
    ]

    assert not offences(up, path, f"is not below {program}.{here}")


def part_of(name: str) -> tuple[str, str]:
    """Program and first part of a dotted module name: router.store.commands is in router's store."""
    program, _, rest = name.partition(".")
    return program, rest.partition(".")[0]


@pytest.mark.parametrize("path", [path for path in modules(*PROGRAMS) if "/domain/" in path])
def test_the_domain_is_pure(path: str) -> None:
    program = path.partition("/")[0]
    foreign = [name for name in RANKS[program] if name != "domain"]

    found = [one for one in imports(path) if within(one.name, *IMPURE, *(f"{program}.{name}" for name in foreign))]
    called = [
        f"{path}:{node.lineno}: calls {ast.unparse(node.func)}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).removeprefix("datetime.") in IMPURE_CALLS
    ]

    assert not offences(found, path, "is I/O, time, chance or a higher layer") + called
