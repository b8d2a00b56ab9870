"""Generate the Python of agentlink.v1; with --check, say whether the committed one is fresh.

The check compares descriptors, not text: another compiler version writes other files for the same protocol.
"""

import argparse
import importlib
import os
import sys
import tempfile
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc

HERE = Path(__file__).resolve().parent
OUT = HERE / "gen" / "python"
SOURCES = sorted(str(p.relative_to(HERE)) for p in (HERE / "agentlink").rglob("*.proto"))


def run(*options: str) -> None:
    bundled = Path(protoc.__file__).parent / "_proto"
    include = [f"-I{HERE}", f"-I{HERE / 'third_party'}", f"-I{bundled}"]
    if protoc.main(["protoc", *include, *options, *SOURCES]) != 0:
        sys.exit("protoc failed; its message is above")


def generate() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    # The plugins are installed beside this Python, whose folder need not be on anybody's path.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    run(f"--python_out={OUT}", f"--grpc_python_out={OUT}", f"--mypy_out={OUT}", f"--mypy_grpc_out={OUT}")
    for folder in (OUT / "agentlink", OUT / "agentlink" / "v1"):
        (folder / "__init__.py").write_text('"""Generated from protos/; run `make protos` to renew."""\n')
        (folder / "py.typed").touch()


def stale() -> list[str]:
    """The proto files whose committed Python says something else."""
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image.binpb"
        run(f"--descriptor_set_out={image}")
        wanted = FileDescriptorSet.FromString(image.read_bytes())
    sys.path.insert(0, str(OUT))
    return [file.name for file in wanted.file if not committed_is(file)]


def committed_is(wanted: FileDescriptorProto) -> bool:
    name = wanted.name.removesuffix(".proto").replace("/", ".") + "_pb2"
    try:
        committed = importlib.import_module(name).DESCRIPTOR.serialized_pb
    except ImportError:
        return False
    return without_json_names(FileDescriptorProto.FromString(committed)) == without_json_names(wanted)


def without_json_names(file: FileDescriptorProto) -> FileDescriptorProto:
    """Compilers differ in whether they write the default json_name down."""
    for message in file.message_type:
        for field in [*message.field, *(f for nested in message.nested_type for f in nested.field)]:
            field.ClearField("json_name")
    return file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 when the committed Python is stale"
    )
    if parser.parse_args().check:
        if names := stale():
            sys.exit(f"stale: {', '.join(names)}. Run `make protos` and commit the result.")
        return
    generate()


if __name__ == "__main__":
    main()
