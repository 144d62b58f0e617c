"""The notebook runs from its first cell to its last, as a reader would run it."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "docs" / "look_inside.ipynb"


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_the_notebook_runs(project, monkeypatch):
    nbclient = pytest.importorskip("nbclient", reason="pip install -e '.[dev]'")
    nbformat = pytest.importorskip("nbformat")
    assert project.train(ROOT / "configs" / "tiny.yaml").status == 0
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        cell.pop("outputs", None)
        if cell.cell_type == "code":
            cell.outputs = []
    nbclient.NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": project.path}}
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    printed = "".join(output.get("text", "") for output in outputs)
    assert "nats per character" in printed
    assert "forget gate: (1, 83, 32)" in printed
    shown = [kind for output in outputs for kind in output.get("data", {})]
    assert {"text/html", "image/png"} <= set(shown)
    assert not any(output.get("name") == "stderr" for output in outputs)
