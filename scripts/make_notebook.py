"""`make notebook`: run the notebook from its first cell to its last and keep what it shows.

The notebook is its own source: edit its cells, then run this. What is kept depends on no machine, time or
user. `--check` writes nothing, and fails if a cell now shows another text (pictures are not compared).
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

NOTEBOOK = Path(__file__).parents[1] / "sample_data" / "store_monitoring.ipynb"
PATIENCE = 300  # seconds a cell
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def main() -> None:
    """Run the notebook; write it, or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    is_check = parser.parse_args().check
    before = nbformat.read(NOTEBOOK, as_version=4)
    now = executed(nbformat.read(NOTEBOOK, as_version=4))
    if not is_check:
        nbformat.write(now, NOTEBOOK)
    elif difference := list(difflib.unified_diff(shown(before), shown(now), "kept", "now", lineterm="")):
        sys.exit("\n".join(["the notebook shows another text now; run `make notebook`", *difference]))


def executed(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Run all cells in a fresh process, in the notebook's folder.

    Raises:
        CellExecutionError: A cell raised.
    """
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["IPYTHONDIR"] = os.environ["JUPYTER_RUNTIME_DIR"] = scratch
        config = Config({"KernelManager": {"transport": "ipc", "ip": f"{scratch}/kernel"}})
        client = NotebookClient(
            notebook,
            config=config,
            kernel_name="python3",
            timeout=PATIENCE,
            record_timing=False,
            coalesce_streams=True,  # what a cell prints comes in as many pieces as the machine is busy
        )
        client.execute(cwd=str(NOTEBOOK.parent))
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    for number, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"{number:02}", nbformat.from_dict({})
        if cell.cell_type == "code":
            # A note of Matplotlib on a machine's first run is no result; a warning should be seen and mended.
            cell.outputs = [output for output in cell.outputs if "font cache" not in output.get("text", "")]
    nbformat.validate(notebook)
    return notebook


def shown(notebook: nbformat.NotebookNode) -> list[str]:
    """Return each cell's source and the text that it shows, in lines."""
    lines = []
    for cell in notebook.cells:
        lines += [f"--- cell {cell.id}", *cell.source.splitlines()]
        for output in cell.get("outputs", []):
            lines += output.get("text", "").splitlines()
            texts = {kind: text for kind, text in output.get("data", {}).items() if kind.startswith("text/")}
            lines += [line for kind in sorted(texts) for line in texts[kind].splitlines()]
    return lines


if __name__ == "__main__":
    main()
