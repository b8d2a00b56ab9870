"""The two laws of docs/architecture.md that imports can break, checked file by file."""

import ast
from pathlib import PurePosixPath

import pytest

from tests.architecture.source import PACKAGES, PROGRAMS, imports, modules, tree, within

CODE = modules(*PACKAGES)

# What only some files may import. A folder ends with a slash.
EDGES: dict[tuple[str, ...], tuple[str, ...]] = {
    ("grpc", "grpc_status", "grpc_health", "grpc_reflection", "agentlink", "google.protobuf", "google.rpc"): (
        "router/api/",
        "agent/link/channel.py",
        "agent/link/client.py",
        "agent/link/convert.py",
        "agent/link/enrol.py",
        "agent/link/event_messages.py",
        "agent/link/grpc_stream.py",
        "agent/link/question_messages.py",
        "agent/link/workspace_messages.py",
        "agent/link/router_proof.py",
        "agent/link/session_calls.py",
        "webhook_adapter/router/convert.py",
        "webhook_adapter/router/client.py",
        "webhook_adapter/courier/convert.py",
        "webhook_adapter/courier/delivery_link.py",
        "pointsman/client/",
    ),
    # One client of the Control service: whoever else calls it goes through pointsman.client.
    ("agentlink.v1.control_pb2_grpc",): ("router/api/", "pointsman/client/"),
    # What is paid for at the start of router and adapter alone: the command line and what every hook runs do without.
    ("flask", "werkzeug"): ("webhook_adapter/",),
    ("msgspec",): ("webhook_adapter/", "router/domain/", "router/store/", "router/services/", "router/api/"),
    ("peewee", "playhouse"): ("router/store/", "agent/store/"),
    ("requests",): ("webhook_adapter/transports/",),
    # What hooks and coding agents start are programs of their own, which load nothing.
    ("os.environ", "os.environb", "os.getenv", "os.putenv"): (
        *(f"{package}/config.py" for package in PACKAGES),
        "agent/hooks/forward.py",
        "pointsman/mcp/stdio.py",
    ),
}

# Lowest first. Imports point from a later row to an earlier one, or stay inside their own part; the parts of one row
# do not import each other.
LAYERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "router": (
        ("domain",),
        ("clock", "randomness", "config", "private_keys", "secret_file"),
        ("risk_rules", "key_file", "seal", "certificates", "local_socket", "folder_lock"),
        ("store", "link"),
        ("services",),
        ("api",),
        ("app",),
        ("cli",),
    ),
    "agent": (
        ("domain",),
        ("clock", "config", "processes", "peers", "loops", "token_files"),
        ("store", "link", "backends", "hooks"),
        ("pty_host",),
        ("services",),
        ("local",),
        ("app",),
        ("cli",),
    ),
    "webhook_adapter": (
        ("model", "config", "logs", "masks", "backoff", "clock", "loop"),
        ("auth", "json_bodies", "limit"),
        ("endpoints",),
        ("router",),
        ("console",),
        ("transports",),
        ("courier", "http"),
        ("wsgi",),
        ("cli",),
    ),
    "pointsman": (
        ("errors", "mail_checks", "agent_checks", "count_checks", "signals", "mcp"),
        ("settings",),
        ("lifeline",),
        ("credentials", "data_folder", "conflicts"),
        ("config",),
        ("client",),
        ("json_records", "providers", "secret_files", "spelling"),
        ("connection", "render", "tls"),
        ("context", "local", "names", "enrolment"),
        ("up",),
        ("commands",),
        ("doctor", "demo"),
        ("group",),
        ("cli",),
        ("__main__",),
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


def offences(path: str, words: str, *names: str) -> list[str]:
    """The imports of these names in a module, each with where it is and what is wrong with it."""
    return [
        f"{path}:{one.line}: {one.name} {words}"
        for one in imports(path)
        if within(one.name, *names) and not is_the_client(path, one.name)
    ]


def test_a_program_imports_no_other_program_but_the_adapter_its_client_of_the_router_and_words_of_mcp() -> None:
    found = [
        offence
        for path in modules(*PROGRAMS)
        for offence in offences(
            path, "is another program: what both must know goes into the protocol", *strangers(path)
        )
    ]

    assert not found


def strangers(path: str) -> list[str]:
    return [name for name in PACKAGES if not path.startswith(f"{name}/")]


def is_the_client(path: str, name: str) -> bool:
    shared = ("pointsman.client", "pointsman.mcp.protocol", "pointsman.mcp.tools")
    return path.startswith("webhook_adapter/") and within(name, *shared)


def test_the_command_line_imports_programs_only_inside_functions() -> None:
    found = [
        f"{path}:{one.line}: {one.name} must be imported inside the function that needs it"
        for path in modules("pointsman")
        for one in imports(path)
        if within(one.name, *PROGRAMS) and not one.lazy
    ]

    assert not found


@pytest.mark.parametrize("guarded", EDGES, ids=lambda names: names[0])
def test_edges_are_imported_at_the_edges_only(guarded: tuple[str, ...]) -> None:
    allowed = EDGES[guarded]

    found = [
        offence
        for path in CODE
        if not path.startswith(allowed)
        for offence in offences(path, f"may be imported only in {', '.join(allowed)}", *guarded)
    ]

    assert not found


def test_the_environment_is_read_in_config_only() -> None:
    names = {"os.environ", "os.environb", "os.getenv", "os.putenv", "os.unsetenv"}

    found = [
        f"{path}:{node.lineno}: {ast.unparse(node)} belongs into config.py"
        for path in CODE
        if PurePosixPath(path).name != "config.py"
        and path not in EDGES["os.environ", "os.environb", "os.getenv", "os.putenv"]
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in names
    ]

    assert not found


def test_every_module_has_a_layer() -> None:
    homeless = [
        f"{path}: give {part!r} a place in LAYERS"
        for path in modules(*PACKAGES)
        for program, part in [part_of(path.removesuffix(".py").replace("/", "."))]
        if part != "__init__" and part not in RANKS[program]
    ]

    assert not homeless


def test_imports_point_down() -> None:
    assert not [offence for path in modules(*PACKAGES) for offence in climbs(path)]


def climbs(path: str) -> list[str]:
    """The imports of a module that do not point to a lower layer of its program."""
    program, here = part_of(path.removesuffix(".py").replace("/", "."))
    ranks = RANKS[program]
    return [
        f"{path}:{one.line}: {one.name} is not below {program}.{here}"
        for one in imports(path)
        if within(one.name, program)
        and (there := part_of(one.name)[1]) != here
        and there in ranks
        and ranks[there] >= ranks.get(here, len(ranks))
    ]


def test_no_modules_import_each_other() -> None:
    graph = {dotted(path): {module for one in imports(path) if (module := module_of(one.name))} for path in CODE}

    assert not circle(graph)


def dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


MODULES = {dotted(path) for path in CODE}


def module_of(name: str) -> str:
    """The module that an imported name is, or is in; empty for others' code."""
    return next((module for module in (name, name.rpartition(".")[0]) if module in MODULES), "")


def circle(graph: dict[str, set[str]]) -> list[str]:
    """What is left where one takes away, again and again, what imports nothing that is left."""
    left = dict(graph)
    while free := [module for module, others in left.items() if not (others & left.keys()) - {module}]:
        for module in free:
            del left[module]
    return sorted(left)


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["a", "b", "c"]


def part_of(name: str) -> tuple[str, str]:
    """Program and first part of a dotted module name: router.store.commands is in router's store."""
    program, _, rest = name.partition(".")
    return program, rest.partition(".")[0]


def test_the_domain_is_pure() -> None:
    pure = [path for path in modules(*PROGRAMS) if "/domain/" in path]

    assert not [offence for path in pure for offence in impurities(path)]


def impurities(path: str) -> list[str]:
    """What a module of the domain must neither import nor call."""
    program = path.partition("/")[0]
    foreign = [f"{program}.{name}" for name in RANKS[program] if name != "domain"]
    called = [
        f"{path}:{node.lineno}: calls {ast.unparse(node.func)}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).removeprefix("datetime.") in IMPURE_CALLS
    ]
    return offences(path, "is I/O, time, chance or a higher layer", *IMPURE, *foreign) + called
