"""The notebook beside the sample: what it shows is what its cells say now."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "sample_data"
NOTEBOOK = FOLDER / "store_monitoring.ipynb"


def code_cells() -> list[dict[str, Any]]:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_the_notebook_runs_and_shows_the_same_texts_again() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "make_notebook.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_its_first_cell_has_one_line_that_names_the_data() -> None:
    lines = [line for line in code_cells()[0]["source"] if line.startswith("DATA = ")]

    assert len(lines) == 1


def test_it_is_kept_with_its_outputs_and_without_a_trace_of_where_it_ran() -> None:
    assert any("image/png" in output.get("data", {}) for cell in code_cells() for output in cell["outputs"])
    assert [cell["metadata"] for cell in code_cells() if cell["metadata"]] == []
    assert str(ROOT) not in NOTEBOOK.read_text(encoding="utf-8")


def test_sample_and_notebook_stay_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*.csv")) <= 300_000
    assert NOTEBOOK.stat().st_size < 600_000
