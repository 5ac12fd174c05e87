"""The node that `make engines` lays out: started on demand, gone with the process.

It listens on the loopback address only, on a free port, keeps its data in a temporary folder,
and stops when its standard input ends, so it cannot outlive who started it.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from hafnium.errors import EngineError
from hafnium.installed import installed

START_SECONDS = 180
_JAVA = ("-Xms256m", "-Xmx2g", "-XX:+UseSerialGC", "-Xshare:auto")
"""Stays small, for a test's few records."""
_READY = re.compile(r"READY (?P<host>127\.0\.0\.1:[0-9]+)")


def folder() -> Path:
    """Where the node is laid out."""
    return installed("elasticsearch")


def missing() -> str | None:
    """Why the node cannot be started here; None when it can."""
    if not (folder() / "installed").is_file():
        return "it is not installed; run `make engines`, or set HAFNIUM_ELASTICSEARCH_URL"
    if shutil.which("java") is None:
        return "there is no java; install a JDK, 17 or newer"
    return None


def start(java: Sequence[str] = _JAVA) -> str:
    """Start a node; it stops at exit. Returns its URL. ``java``: options of the virtual machine.
    Raises `EngineError`."""
    home = Path(tempfile.mkdtemp(prefix="hafnium-elasticsearch-"))
    (home / "config").mkdir()
    log = home / "node.log"
    command = ["java", *java, "-cp", f"{folder() / 'classes'}{os.pathsep}{folder() / 'lib'}/*"]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*command, "org.elasticsearch.node.LoopbackNode", str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=home,
        )
    atexit.register(_stop, process, home)
    ready = _ready(process)
    if ready is None:
        said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise EngineError(f"Elasticsearch did not start: {' '.join(said[:3])[:500]}")
    return f"http://{ready}"


def _ready(process: subprocess.Popen[bytes]) -> str | None:
    """The address the node prints; None when it ends or takes too long."""
    assert process.stdout is not None
    timer = threading.Timer(START_SECONDS, process.kill)
    timer.start()
    try:
        for line in process.stdout:
            found = _READY.match(line.decode("utf-8", "replace"))
            if found:
                return found["host"]
    finally:
        timer.cancel()
    return None


def _stop(process: subprocess.Popen[bytes], home: Path) -> None:
    """End the node's input; kill it if it stays."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    shutil.rmtree(home, ignore_errors=True)
