"""Starts a local cloud for tests in Python, on free ports and without data of its own.

`PALAVER_BINARIES` names a folder with built programs, as for the tests of the TypeScript client; without it `cargo local` builds them.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parents[2]
START_SECONDS = 1_800


@contextlib.contextmanager
def running(*parameters, log=None):
    """Gives the addresses of a cloud, which stops at the end, also when this process is killed. `log` is the file of its output."""
    with tempfile.TemporaryDirectory() as folder:
        endpoints, log = pathlib.Path(folder) / "endpoints.json", log or pathlib.Path(folder) / "log"
        with log.open("w") as out:
            cloud = _start(endpoints, out, parameters)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not endpoints.exists():
                if cloud.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"the local cloud does not start: {log.read_text()}")
                time.sleep(0.1)
            yield json.loads(endpoints.read_text())
        finally:
            cloud.stdin.close()
            cloud.wait()


def _start(endpoints, out, parameters):
    binaries, environment = os.environ.get("PALAVER_BINARIES"), dict(os.environ)
    program = ["cargo", "local"]
    if binaries:
        program = [str(pathlib.Path(binaries) / "local-cloud")]
        environment["CARGO"] = str(ROOT / "clients/typescript/tests/support/built-binaries.js")
    options = ["--template", str(ROOT / "template.yaml"), "--endpoints", str(endpoints), "--ephemeral", "--stop-on-stdin-eof"]
    options += ["--no-status", "--http-port", "0", "--websocket-port", "0", "--oidc-port", "0"]
    for parameter in parameters:
        options += ["--parameter", parameter]
    return subprocess.Popen(program + options, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT)
