"""Reading a configuration from a file written for it, in an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainer.config import load_config
from trainer.errors import UserError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in an empty folder, so that messages begin with a short file name."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def load():
    """Write a file and read it, with overrides."""

    def load(text, *overrides, file="x.yaml"):
        Path(file).write_bytes(text.encode() if isinstance(text, str) else text)
        return load_config(Path(file), overrides)

    return load


@pytest.fixture
def refusal(load):
    """Do the same with what must be refused; return the line that says why."""

    def refusal(text, *overrides, file="x.yaml"):
        with pytest.raises(UserError) as caught:
            load(text, *overrides, file=file)
        message = str(caught.value)
        assert "\n" not in message
        return message

    return refusal
