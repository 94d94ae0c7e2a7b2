"""The OpenAPI document, held against a running service that asks for tokens, by schemathesis."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from service import Service, small_facts
from storewatch.entrypoints.http.tokens import Scope, Tokens

CONFIG = Path(__file__).parents[1] / "schemathesis.toml"
SECONDS = 40  # that it goes on making calls


def test_the_service_does_what_its_openapi_document_says_and_nothing_else(tmp_path: Path) -> None:
    """All checks, by examples, at the limits, at random, and along the links from call to call."""
    service = Service(
        home=tmp_path / "home", folder=tmp_path, settings={"auth": "tokens", "queue_limit": "99999"}
    )
    service.load(small_facts())
    token = Tokens(service.home / "tokens").new("tester", Scope.ADMIN)
    try:
        service.start()
        options = {"--config-file": CONFIG}, {"--checks": "all", "--seed": "1", "--max-time": SECONDS}
        head, tail = ([str(part) for pair in given.items() for part in pair] for given in options)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", *head, "run", f"{service.url}/openapi.json"),
                *(*tail, "--header", f"Authorization: Bearer {token}", "--continue-on-failure"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        service.close()
    assert done.returncode == 0, done.stdout + done.stderr
    generated = re.search(r"(\d+) generated", done.stdout)
    assert generated
    assert int(generated[1]) > 100
    assert "request failed" not in service.output
