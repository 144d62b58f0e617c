"""What --print-config shows, and that it leaves everything alone."""

from __future__ import annotations

from trainer.config import load_config


def test_a_new_run(project):
    (project.path / "mine.yaml").write_text("base: tiny.yaml\nmodel:\n  num_layers: 1\n")
    project.text.unlink()  # no text is needed
    before = project.files()
    result = project.train("mine.yaml", "corpus.path=é.txt", "--print-config", "training.epochs=2")
    assert (result.status, result.stderr) == (0, "")
    assert project.files() == before

    lines = {
        line.split(" #")[0].rstrip(): line.split("# ")[-1] for line in result.stdout.split("\n")
    }
    assert lines["name: mine"] == "default"
    assert lines["  path: é.txt"] == "command line"
    assert lines["  epochs: 2"] == "command line"
    assert lines["  steps: null"] == "default"
    assert lines["  num_layers: 1"] == "mine.yaml:3"
    assert lines["  hidden_size: 8"] == "tiny.yaml:6"
    assert lines["  clip_norm: 1.0"] == "default"

    (project.path / "printed.yaml").write_text(result.stdout)
    expected = load_config(
        project.path / "mine.yaml", ["corpus.path=é.txt", "training.epochs=2", "model.num_layers=1"]
    )
    assert load_config(project.path / "printed.yaml") == expected
    assert project.trainer("train", "printed.yaml", "--print-config").status == 0


def test_a_run_to_resume(trained):
    before = trained.files()
    result = trained.train("--resume", "runs/tiny", "monitor.log_every=7", "--print-config")
    assert (result.status, result.stderr) == (0, "")
    assert trained.files() == before
    lines = result.stdout.splitlines()
    assert lines[0].endswith("# runs/tiny/config.yaml:1")
    assert [line.split("# ")[1] for line in lines if "  log_every: 7" in line] == ["command line"]
    assert "# default" not in result.stdout


def test_a_file_whose_name_no_folder_should_have(project):
    project.config.rename(project.path / "übung 1.yaml")
    result = project.train("übung 1.yaml", "--print-config")
    assert result.stderr == (
        "note: the run is called ubung-1, as no folder should be called 'übung 1'\n"
    )
    assert result.stdout.startswith("name: ubung-1 ")


def test_a_tilde_is_the_home_folder(project):
    project.environment["HOME"] = str(project.path)
    result = project.train("tiny.yaml", "corpus.path=~/text.txt", "runs=~/r", "--print-config")
    assert f"  path: {project.path}/text.txt " in result.stdout
    assert f"runs: {project.path}/r " in result.stdout


def test_a_name_that_is_taken_does_not_matter(trained):
    assert trained.train("tiny.yaml", "--print-config").status == 0


def test_output_is_utf_8_whatever_the_locale(project):
    project.config.write_text(project.config.read_text().replace("text.txt", "红.txt"))
    project.environment |= {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    result = project.python("-m", "trainer", "train", "tiny.yaml", "--print-config")
    assert "  path: 红.txt " in result.stdout


def test_bad_input(project, refused):
    refused(project.train("--print-config"), "which configuration?")
    refused(project.train("none.yaml", "--print-config"), "none.yaml: no such file")
    refused(project.train("tiny.yaml", "model.bias=3", "--print-config"), "model.bias=3: found 3")
    refused(project.train("tiny.yaml", "base=x", "--print-config"), "command line: base=x: a base")
    refused(project.train("--resume", "runs/no", "--print-config"), "runs/no: no run folder")
    (project.path / "mine.yaml").write_text("base: tiny\n")
    refused(project.train("mine.yaml", "--print-config"), "mine.yaml:1: base: no such file")
