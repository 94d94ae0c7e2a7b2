"""The morning report's script, run against a service that answers as ours does."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from manifests import KUSTOMIZE, named

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = KUSTOMIZE / "base" / "morning_report.py"
REPORT = "06757268c878488d846aee30a8101cae"

Answer = tuple[int, dict[str, str]]


@contextmanager
def service(
    *standings: Answer, trigger: Answer = (200, {"report_id": REPORT})
) -> Iterator[tuple[str, list[str]]]:
    """Serve these answers to get_report, one after the other; yield the address and what was asked."""
    asked: list[str] = []
    left = list(standings)

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.append(f"{self.command} {self.path}")
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


def run(base: str) -> subprocess.CompletedProcess[str]:
    """Run the script as the CronJob does, without waiting between two looks."""
    start = (
        f"import runpy, sys, time; sys.argv = [{str(SCRIPT)!r}, {base!r}]; "
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


def test_the_cron_job_runs_this_script_against_the_service() -> None:
    template = named("minimal", "CronJob", "morning-report")["spec"]["jobTemplate"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    (mount,) = container["volumeMounts"]
    assert container["command"] == ["python", f"{mount['mountPath']}/{SCRIPT.name}", "http://storewatch"]
    (volume,) = template["spec"]["volumes"]
    config = named("minimal", "ConfigMap", volume["configMap"]["name"])
    assert config["data"] == {SCRIPT.name: SCRIPT.read_text("utf-8")}
    assert named("minimal", "Service", "storewatch")["spec"]["ports"][0]["port"] == 80
