"""The console's service worker, with the version of all that it keeps: where a file changes, browsers take it anew."""

import hashlib
import json
from pathlib import Path

from flask import Blueprint, Response

_STATIC = Path(__file__).with_name("static")
_SHELL = (
    *("offline.html", "offline.js", "offline-queue.js", "offline-store.js", "offline.css", "share.html", "share.js"),
    *("console.css", "logo.svg", "icon-192.png", "manifest.webmanifest"),
)
"""What is shown without a line."""


def add_worker(blueprint: Blueprint) -> None:
    """Give the blueprint its service worker; beside the pages, as it may serve those below its own path alone."""
    served = script()

    @blueprint.get("/console/sw.js")
    def worker() -> Response:
        return Response(served, mimetype="text/javascript")


def script() -> str:
    """The service worker, with what it keeps."""
    store, worker = ((_STATIC / name).read_text() for name in ("offline-store.js", "sw.js"))
    digest = hashlib.sha256("".join([store, worker]).encode())
    for name in _SHELL:
        digest.update((_STATIC / name).read_bytes())
    shell = {"version": digest.hexdigest()[:16], "files": [f"/console/static/{name}" for name in _SHELL]}
    return f"const SHELL = {json.dumps(shell)};\n{store}\n{worker}"
