"""Holds a running cloud against `docs/openapi.yaml`: sends requests made of the specification, well formed and not, for about a minute.

Starts a local cloud of its own, with users, conversations, messages and files, and runs `schemathesis` on all operations. Fails on any
status of 500 or above, and on any answer that the specification does not have: status, content type, headers or body. `busy` is
an answer to requests that are in each other's way; it fails if repeats of the request get it as well. Needs
`schemathesis`; run by `.ci/run`. `CONTRACT_SECONDS` makes it longer, `CONTRACT_SEED` repeats a run, `PALAVER_BINARIES` names a folder with
built programs, as for the tests of the TypeScript client. Further arguments go to `schemathesis`.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import local_cloud
import world

ROOT = pathlib.Path(__file__).parents[2]
CHECKS = [
    "succeeds_after_busy",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]

# Nothing here writes slowly, and no answer may say that the deployment lacks something.
PARAMETERS = ["FloodLimit=0", "EventLimit=0", "ServerRate=2000", "HttpRate=2000", "ExportsPerDay=100", "RetentionDays=365"]


def fuzz(http, folder):
    """Returns the status of `schemathesis`."""
    environment = dict(os.environ, SCHEMATHESIS_HOOKS="hooks", PYTHONPATH=str(pathlib.Path(__file__).parent))
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"]
    command += [str(ROOT / "docs/openapi.yaml"), "--url", http, "--checks", ",".join(CHECKS), "--warnings", "off"]
    command += ["--phases", "examples,fuzzing", "--max-examples", "12", "--workers", "4", "--max-time", os.environ.get("CONTRACT_SECONDS", "60")]
    command += ["--continue-on-failure", "--generation-database", "none", "--max-redirects", "0", "--no-color"]
    if seed := os.environ.get("CONTRACT_SEED"):
        command += ["--seed", seed]
    return subprocess.run(command + sys.argv[1:], cwd=folder, env=environment).returncode


def main():
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "log"
        with local_cloud.running(*PARAMETERS, log=log) as urls:
            known = pathlib.Path(folder) / "world.json"
            known.write_text(json.dumps(world.create(urls)))
            os.environ["CONTRACT_WORLD"] = str(known)
            status = fuzz(urls["http"], folder)
        if status != 0:
            told = [line for line in log.read_text().splitlines() if "ERROR" in line or "WARN" in line or "panicked" in line]
            print("\n".join(told[-40:]))
    sys.exit(status)


if __name__ == "__main__":
    main()
