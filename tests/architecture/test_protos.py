"""The protocol is fresh, clean and explained: every name in it has a comment above it."""

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)

from tests.architecture.source import ROOT

PROTOS = ROOT / "protos"
SOURCES = sorted(str(p.relative_to(PROTOS)) for p in (PROTOS / "agentlink").rglob("*.proto"))

Place = tuple[int, ...]
Element = tuple[Place, str]


def test_the_generated_python_is_fresh() -> None:
    done = subprocess.run(
        [sys.executable, str(PROTOS / "generate.py"), "--check"], capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 0, done.stderr


def test_buf_finds_nothing(tmp_path: Path) -> None:
    buf = Path(sys.executable).parent / "buf"

    done = subprocess.run(
        [str(buf), "lint", str(PROTOS)],
        capture_output=True,
        text=True,
        timeout=60,
        env={"HOME": str(tmp_path), "BUF_CACHE_DIR": str(tmp_path), "PATH": ""},
    )

    assert done.returncode == 0, done.stdout + done.stderr


def compared(protos: Path) -> "subprocess.CompletedProcess[str]":
    """How these protos compare with the committed baseline."""
    argv = [sys.executable, str(PROTOS / "baseline.py"), "--protos", str(protos)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60)


def test_what_others_were_built_from_still_works() -> None:
    done = compared(PROTOS)

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_field_that_is_gone_is_noticed(tmp_path: Path) -> None:
    changed = tmp_path / "protos"
    shutil.copytree(PROTOS, changed, ignore=shutil.ignore_patterns("gen"))
    file = changed / "agentlink" / "v1" / "agent_link.proto"
    file.write_text(file.read_text().replace("  uint64 nonce = 1;\n", "  uint64 nonce = 9;\n", 1))

    done = compared(changed)

    assert done.returncode != 0
    assert 'field "1" with name "nonce"' in done.stdout + done.stderr


@pytest.mark.parametrize("source", SOURCES)
def test_every_name_has_a_comment_above_it(source: str, tmp_path: Path) -> None:
    file = described(tmp_path)[source]
    commented = {tuple(one.path) for one in file.source_code_info.location if one.leading_comments.strip()}

    silent = [name for place, name in elements(file) if place not in commented]

    assert not silent


def described(folder: Path) -> dict[str, FileDescriptorProto]:
    """Each file of the protocol with its comments, as the compiler sees it."""
    image = folder / "image.binpb"
    spec = importlib.util.find_spec("grpc_tools")
    bundled = Path(spec.origin or "").parent / "_proto" if spec else PROTOS
    include = [f"-I{PROTOS}", f"-I{PROTOS / 'third_party'}", f"-I{bundled}"]
    options = ["--include_source_info", f"--descriptor_set_out={image}"]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *include, *options, *SOURCES], check=True, timeout=60)
    return {file.name: file for file in FileDescriptorSet.FromString(image.read_bytes()).file}


# The numbers are the field numbers of descriptor.proto: they make up the path of a location.
def elements(file: FileDescriptorProto) -> Iterator[Element]:
    yield (2,), f"{file.name}: package"
    for i, message in enumerate(file.message_type):
        yield from of_message((4, i), message, message.name)
    for i, enum in enumerate(file.enum_type):
        yield from of_enum((5, i), enum, enum.name)
    for i, service in enumerate(file.service):
        yield from of_service((6, i), service)


def of_message(place: Place, message: DescriptorProto, name: str) -> Iterator[Element]:
    if message.options.map_entry:
        return
    yield place, name
    yield from (((*place, 2, i), f"{name}.{field.name}") for i, field in enumerate(message.field))
    yield from (((*place, 8, i), f"{name}.{oneof.name}") for i, oneof in enumerate(message.oneof_decl))
    for i, nested in enumerate(message.nested_type):
        yield from of_message((*place, 3, i), nested, f"{name}.{nested.name}")
    for i, enum in enumerate(message.enum_type):
        yield from of_enum((*place, 4, i), enum, f"{name}.{enum.name}")


def of_enum(place: Place, enum: EnumDescriptorProto, name: str) -> Iterator[Element]:
    yield place, name
    yield from (((*place, 2, i), f"{name}.{value.name}") for i, value in enumerate(enum.value))


def of_service(place: Place, service: ServiceDescriptorProto) -> Iterator[Element]:
    yield place, service.name
    yield from (((*place, 2, i), f"{service.name}.{method.name}") for i, method in enumerate(service.method))
