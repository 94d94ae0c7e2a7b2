"""The morning report's script, run against a service that answers as ours does."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from manifests import KUSTOMIZE, named

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = KUSTOMIZE / "base" / "morning_report.py"
REPORT = "06757268c878488d846aee30a8101cae"

Answer = tuple[int, dict[str, str]]


@contextmanager
def service(
    *standings: Answer,
    trigger: Answer = (200, {"report_id": REPORT}),
    seen: list[str | None] | None = None,
) -> Iterator[tuple[str, list[str]]]:
    """Serve these answers to get_report, one after the other; yield the address and what was asked.

    `seen` gets the Authorization of each call.
    """
    asked: list[str] = []
    left = list(standings)

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.append(f"{self.command} {self.path}")
            if seen is not None:
                seen.append(self.headers["Authorization"])
            status, content = trigger if self.path == "/trigger_report" else left.pop(0)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        do_GET = do_POST = answer  # noqa: N815  http.server's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()


def run(base: str, token: Path = Path("no-such-file")) -> subprocess.CompletedProcess[str]:
    """Run the script as the CronJob does, without waiting between two looks."""
    start = (
        f"import runpy, sys, time; sys.argv = [{str(SCRIPT)!r}, {base!r}, {str(token)!r}]; "
        "time.sleep = lambda _: None; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    return subprocess.run(
        [sys.executable, "-I", "-c", start], check=False, capture_output=True, text=True, timeout=30, env={}
    )


def test_it_triggers_once_and_waits_until_the_report_is_complete() -> None:
    running = (200, {"status": "Running"})
    with service(running, running, (200, {"url": "http://x/y.csv", "status": "Complete"})) as (base, asked):
        done = run(base)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"report {REPORT}: Complete\n"
    assert asked == ["POST /trigger_report", *[f"GET /get_report?report_id={REPORT}"] * 3]


def test_it_fails_with_the_reason_when_the_report_does() -> None:
    with service((200, {"status": "Failed", "error": "there are no polls"})) as (base, _):
        done = run(base)
    assert (done.returncode, done.stdout) == (1, f"report {REPORT}: Failed there are no polls\n")


def test_it_waits_on_while_the_service_cannot_answer() -> None:
    with service((503, {}), (200, {"status": "Complete"})) as (base, asked):
        done = run(base)
    assert done.returncode == 0, done.stderr
    assert asked.count("POST /trigger_report") == 1


def test_it_fails_when_the_trigger_is_refused_or_the_report_is_unknown() -> None:
    with service(trigger=(503, {})) as (base, _):
        assert run(base).returncode != 0
    with service((404, {})) as (base, _):
        assert run(base).returncode != 0


def test_it_shows_its_token_at_each_call_where_there_is_one(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("sw_secret\n", "utf-8")
    seen: list[str | None] = []
    complete = (200, {"status": "Complete"})
    with service(complete, complete, seen=seen) as (base, _):
        assert run(base, token).returncode == 0
        assert run(base, tmp_path / "none").returncode == 0
    assert seen == ["Bearer sw_secret", "Bearer sw_secret", None, None]


def test_the_cron_job_runs_this_script_against_the_service() -> None:
    template = named("minimal", "CronJob", "morning-report")["spec"]["jobTemplate"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    script, token = (mount["mountPath"] for mount in container["volumeMounts"])
    assert container["command"] == [
        "python",
        f"{script}/{SCRIPT.name}",
        "http://storewatch",
        f"{token}/token",
    ]
    of_script, of_token = template["spec"]["volumes"]
    config = named("minimal", "ConfigMap", of_script["configMap"]["name"])
    assert config["data"] == {SCRIPT.name: SCRIPT.read_text("utf-8")}
    assert of_token["secret"]["optional"]
    assert named("minimal", "Service", "storewatch")["spec"]["ports"][0]["port"] == 80
