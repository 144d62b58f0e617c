from __future__ import annotations

import json


def test_corpora_are_listed_with_their_licences(project):
    result = project.trainer("corpora")
    assert result.status == 0
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert {"shakespeare", "python-docs"} <= lines.keys()
    assert all(";" in line for line in lines.values())


def test_the_schema_is_json_and_knows_the_sections(project):
    result = project.trainer("schema")
    assert result.status == 0
    assert {"corpus", "model", "training"} <= json.loads(result.stdout)["properties"].keys()
