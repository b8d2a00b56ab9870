"""A bill of materials in CycloneDX's JSON: what Pointsman is made of when it runs, by the lock, and what needs what."""

import hashlib
import importlib.metadata
import json
import uuid
from collections.abc import Sequence
from typing import Any

from tests.architecture.source import ROOT
from tests.supply.locked import OURSELVES, Locked, needs

NAMESPACE = uuid.UUID("6f2c1c0e-5b0e-4b4e-9c3e-0d1f6c0a9d11")  # ours alone


def document(packages: Sequence[Locked]) -> dict[str, Any]:
    """The same for the same lock: no time is in it."""
    ordered = sorted(packages, key=lambda one: one.name)
    ourselves = {"type": "application", "bom-ref": OURSELVES, "name": OURSELVES, "version": _version(OURSELVES)}
    digest = hashlib.sha256(json.dumps([(one.name, one.version) for one in ordered]).encode()).hexdigest()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, digest)}",
        "version": 1,
        "metadata": {"component": ourselves},
        "components": [*(_component(one) for one in ordered), *vendored()],
        "dependencies": _dependencies(ordered),
    }


def _component(package: Locked) -> dict[str, Any]:
    made = {"type": "library", "bom-ref": purl(package), "name": package.name, "version": package.version}
    made["purl"] = purl(package)
    hashes = [{"alg": "SHA-256", "content": each} for each in package.hashes]
    # A hash belongs to one of its files, not to the package: any of these may be what was installed.
    references = [{"type": "distribution", "url": purl(package), "hashes": [one]} for one in hashes]
    return {**made, "externalReferences": references} | _licence(package.name)


def vendored() -> list[dict[str, Any]]:
    """What the console brings along for browsers, as its manifest has it."""
    listed = json.loads((ROOT / "webhook_adapter/console/static/vendor/manifest.json").read_text())
    return [_script(each) for each in listed]


def _script(listed: dict[str, str]) -> dict[str, Any]:
    named = f"pkg:npm/{listed['package'].replace('@', '%40')}@{listed['version']}"
    made = {"type": "library", "bom-ref": named, "name": listed["package"], "version": listed["version"], "purl": named}
    hashes = [{"alg": "SHA-256", "content": listed["sha256"]}]
    return {**made, "hashes": hashes, "licenses": [{"expression": listed["license"]}]}


def _licence(name: str) -> dict[str, Any]:
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return {}
    expression = metadata.get("License-Expression")
    return {"licenses": [{"expression": expression}]} if expression else {}


def _dependencies(packages: Sequence[Locked]) -> list[dict[str, Any]]:
    by_name = {one.name: purl(one) for one in packages}
    rows = [(OURSELVES, needs(OURSELVES)), *((one.name, _needs(one)) for one in packages)]
    return [
        {"ref": by_name.get(name, name), "dependsOn": sorted(by_name[each] for each in wanted if each in by_name)}
        for name, wanted in rows
    ]


def _needs(package: Locked) -> set[str]:
    try:
        return needs(package.name)
    except importlib.metadata.PackageNotFoundError:
        return set()


def purl(package: Locked) -> str:
    return f"pkg:pypi/{package.name}@{package.version}"


def _version(name: str) -> str:
    return importlib.metadata.version(name)
