from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest

from trainer.errors import UserError
from trainer.text.python_texts import python_docs, python_stdlib


def test_the_docs_are_sorted() -> None:
    text = b"".join(python_docs("")).decode()
    assert len(text) > 300_000
    assert text.startswith('The "assert" statement\n')


def test_python_without_its_docs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(UserError, match=r"without pydoc_data.*: do that instead"):
        next(python_docs("do that instead"))


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    return tmp_path


def test_the_library_is_its_modules_and_no_others(library: Path) -> None:
    files = {
        "os.py": b"import sys\n",
        "ast.py": "\nname = 'é'\n\n".encode(),
        "csv.py": b"latin = '\xe9'\n",
        "cmd.py": b"nul = '\0'\n",
        "sitecustomize.py": b"what a distribution adds\n",
        "os.txt": b"no source\n",
    }
    for name, content in files.items():
        (library / name).write_bytes(content)
    (library / "json").mkdir()
    (library / "json" / "os.py").write_bytes(b"below\n")
    assert b"".join(python_stdlib("")).decode() == "name = 'é'\n\n\nimport sys\n\n\n"


def test_python_without_its_sources(library: Path) -> None:
    (library / "os.pyc").touch()
    with pytest.raises(UserError, match=r"without the sources.*: do that instead"):
        next(python_stdlib("do that instead"))
