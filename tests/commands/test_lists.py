from __future__ import annotations

import json


def test_the_schema_is_json_and_knows_the_sections(project):
    result = project.trainer("schema")
    assert result.status == 0
    assert {"corpus", "model", "training"} <= json.loads(result.stdout)["properties"].keys()


def test_the_schema_in_words(project):
    result = project.trainer("schema", "--markdown")
    assert result.status == 0
    assert "\n### corpus\n" in result.stdout
