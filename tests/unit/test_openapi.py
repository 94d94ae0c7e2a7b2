"""The OpenAPI document that is checked in is the code's, and says of each call what it must."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from storewatch import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs/reference/openapi.json").read_text("utf-8"))


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


OPERATIONS = dict(operations())


def test_the_document_that_is_checked_in_is_that_of_the_code() -> None:
    written = (ROOT / "docs/reference/openapi.json").read_text("utf-8")
    script = runpy.run_path(str(ROOT / "scripts" / "write_openapi.py"))
    assert written == script["document"](), "the calls have changed: run `python scripts/write_openapi.py`"
    assert DOCUMENT["info"]["version"] == __version__


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_error_is_of_the_one_schema_of_problems(name: str) -> None:
    for status, answer in OPERATIONS[name]["responses"].items():
        if status >= "300":
            assert answer["content"] == {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            }


def test_every_call_has_a_name_of_its_own_and_a_sentence() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(names)) == len(names)
    assert [name for name, operation in OPERATIONS.items() if not operation.get("description")] == []


def test_everything_that_is_referred_to_is_there() -> None:
    referred = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(DOCUMENT)))
    assert referred == set(DOCUMENT["components"]["schemas"])


@pytest.mark.parametrize("name", ["Wanted", "ReportDetails", "Reports", "Problem"])
def test_bodies_have_examples(name: str) -> None:
    schema = DOCUMENT["components"]["schemas"][name]
    assert "examples" in json.dumps(schema["properties"])


def test_a_calls_answer_names_its_headers() -> None:
    accepted = OPERATIONS["POST /v1/reports"]["responses"]["202"]
    assert set(accepted["headers"]) == {"Location", "Retry-After"}
    names = [parameter["name"] for parameter in OPERATIONS["POST /v1/reports"]["parameters"]]
    assert names == ["Idempotency-Key"]


def test_a_service_that_hands_out_reports_imports_no_frames() -> None:
    """Polars takes longer to import than all else together, and tens of megabytes."""
    code = "import sys, storewatch.entrypoints.http.app; print('polars' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
