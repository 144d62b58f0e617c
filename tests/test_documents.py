"""The options that the documents name and the files that they link to are there."""

import re
from pathlib import Path

import pytest

from trainer.config.schema import KEYS, SECTIONS

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OPTION = re.compile(rf"[ `]({'|'.join(SECTIONS)})\.(?!py)([a-z_]+)(?=[`=])")  # model.py is none
LINK = re.compile(r"\]\((?!http)([^)#]+)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_named_things_exist(document):
    text = document.read_text(encoding="utf-8")
    options = set(OPTION.findall(text))
    assert options <= set(KEYS), options - set(KEYS)
    missing = [link for link in LINK.findall(text) if not (document.parent / link).exists()]
    assert not missing
