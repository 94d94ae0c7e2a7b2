# ruff: noqa: INP001  a file of a ConfigMap, no package
"""Have a service make a report, with the token in a file if it is there, and wait until the report is."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

POLL_SECONDS = 2
UNAVAILABLE = 503


def main(base: str, token: Path) -> int:
    """Return 0 once the report is complete, 1 if it failed; the Job's own deadline ends an endless wait."""
    report_id = call(f"{base}/trigger_report", method="POST", token=token)["report_id"]
    while (answer := standing(base, report_id, token))["status"] == "Running":
        time.sleep(POLL_SECONDS)
    print(f"report {report_id}: {answer['status']} {answer.get('error', '')}".rstrip())  # noqa: T201  the Job's log
    return 0 if answer["status"] == "Complete" else 1


def standing(base: str, report_id: str, token: Path) -> dict[str, Any]:
    """Say how a report stands; while the service does not answer, it is taken to run on."""
    try:
        return call(f"{base}/get_report?report_id={report_id}", method="GET", token=token)
    except HTTPError as error:
        if error.code != UNAVAILABLE:
            raise
    except URLError:
        pass
    return {"status": "Running"}


def call(url: str, *, method: str, token: Path) -> dict[str, Any]:
    """Return the JSON object that a call answers with; with the token in that file, if there is one."""
    headers = {"Authorization": f"Bearer {token.read_text('utf-8').strip()}"} if token.exists() else {}
    request = Request(url, method=method, headers=headers)  # noqa: S310  the address is the Job's own argument
    with urlopen(request, timeout=30) as answer:  # noqa: S310  the same
        content: dict[str, Any] = json.load(answer)
    return content


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
