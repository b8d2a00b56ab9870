"""Compare the protocol with its committed baseline, baseline.binpb: what others were built from must still work.

Fails when something was removed, renumbered or changed in type. With --renew the protocol as it is becomes the
baseline: after a release, or where nobody can depend yet on what changed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUF = Path(sys.executable).with_name("buf")
RULES = '{"version": "v2", "breaking": {"use": ["FILE"]}}'


def buf(*words: str | Path) -> None:
    with tempfile.TemporaryDirectory() as folder:  # buf wants a home, and must not need the network
        surrounding = {"HOME": folder, "BUF_CACHE_DIR": folder, "PATH": os.defpath}
        done = subprocess.run([BUF, *words], env=surrounding)
    if done.returncode != 0:
        sys.exit("The protocol breaks what others were built from. If that is meant: protos/baseline.py --renew")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--renew", action="store_true", help="make the protocol as it is the baseline")
    parser.add_argument("--protos", type=Path, default=HERE, help="the protos to compare")
    options = parser.parse_args()
    baseline = HERE / "baseline.binpb"
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image.binpb"
        here = options.protos
        buf("build", here, "--path", here / "agentlink", "--exclude-source-info", "-o", image)
        if options.renew:
            baseline.write_bytes(image.read_bytes())
        else:
            buf("breaking", image, "--against", baseline, "--config", RULES, "--exclude-imports")


if __name__ == "__main__":
    main()
