"""What may import what, read from the sources."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# From the bottom to the top: a module imports only from its own layer and those above it here.
LAYERS = [
    ["trainer"],
    ["errors"],
    ["hints", "terminal"],
    ["files", "yaml_text"],
    ["backend"],
    ["nn"],
    ["optim"],
    ["config"],
    ["text"],
    ["monitor"],
    ["runs"],
    ["builder"],
    ["generation", "scoring"],
    ["model"],
    ["training"],
    ["api"],
    ["gpu_check"],
    ["commands"],
    ["__main__"],
]
LEVELS = {name: level for level, names in enumerate(LAYERS) for name in names}
MATHEMATICS = ["nn", "optim", "monitor/statistics.py"]


def sources(*parts):
    """Return the source files of these parts of the package, all of it without any."""
    paths = [ROOT / "trainer" / part for part in parts or [""]]
    return sorted(p for path in paths for p in ([path] if path.is_file() else path.rglob("*.py")))


def module_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def layer_of(module):
    return [*module.split("."), "trainer"][1]


def imports(path, *, type_checking=True):
    """Yield the modules that a file imports anywhere, or what it imports of a package."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = set()
    if not type_checking:
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                skipped |= {id(child) for statement in node.body for child in ast.walk(statement)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                path_of_whole = ROOT.joinpath(*whole.split("."))
                is_module = path_of_whole.is_dir() or path_of_whole.with_suffix(".py").exists()
                yield whole if is_module else node.module


def test_every_module_has_a_layer():
    assert {layer_of(module_of(path)) for path in sources()} == set(LEVELS)


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_imports_run_one_way(path):
    module = module_of(path)
    level = LEVELS[layer_of(module)]
    for name in imports(path):
        if name.split(".")[0] == "trainer":
            same_package = layer_of(name) == layer_of(module)
            assert same_package or LEVELS[layer_of(name)] < level, f"{module} imports {name}"


def test_a_module_does_not_import_the_package_that_imports_it():
    for path in sources():
        package = module_of(path.parent / "__init__.py")
        if path.name != "__init__.py" and package != "trainer":
            assert package not in imports(path), path


def test_there_is_no_circle_within_a_package():
    graph = {
        module_of(path): {name for name in imports(path) if name.split(".")[0] == "trainer"}
        for path in sources()
        if path.name != "__init__.py"  # collects what its modules offer
    }
    done = set()

    def follow(module, way):
        assert module not in way, " -> ".join([*way, module])
        if module not in done:
            for name in graph.get(module, ()):
                follow(name, [*way, module])
            done.add(module)

    for module in graph:
        follow(module, [])


def test_the_text_and_the_configuration_know_nothing_of_the_training():
    for part, allowed in {
        "config": {"errors", "hints", "terminal", "yaml_text", "config"},
        "text": {"errors", "files", "hints", "terminal", "yaml_text", "text"},
        "monitor": {"errors", "files", "terminal", "backend", "nn", "monitor"},
    }.items():
        for path in sources(part):
            found = {layer_of(n) for n in imports(path) if n.startswith("trainer")}
            assert found <= allowed, path


@pytest.mark.parametrize("path", sources(*MATHEMATICS), ids=module_of)
def test_the_mathematics_knows_arrays_only_through_the_backend(path):
    allowed = {"__future__", "abc", "collections", "dataclasses", "math", "typing", "trainer"}
    assert {name.split(".")[0] for name in imports(path, type_checking=False)} <= allowed
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Name):
            assert node.id != "np", f"{path}:{node.lineno}"
        # numpy.random.Generator in an annotation is a name for readers; a call would be at work.
        if isinstance(node, ast.Call):
            assert not ast.unparse(node.func).startswith("numpy."), f"{path}:{node.lineno}"


@pytest.mark.parametrize("path", sources(*MATHEMATICS), ids=module_of)
def test_the_mathematics_never_asks_which_backend_it_is_on(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in ("name", "strategy"):
            assert not ast.unparse(node.value).endswith("backend"), f"{path}:{node.lineno}"


def loaded_by(statement):
    """Return the modules that a fresh interpreter has after a statement, but not before."""
    program = (
        f"import sys; before = set(sys.modules); {statement}; print(*set(sys.modules) - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_package_itself_imports_nothing():
    assert loaded_by("import trainer") == {"trainer"}


def test_the_mathematics_can_be_used_on_its_own():
    loaded = loaded_by("import trainer.nn, trainer.optim")
    layers = {layer_of(name) for name in loaded if "trainer." in name}
    assert layers == {"backend", "errors", "hints", "nn", "optim"}
    assert not {"yaml", "pydantic", "tqdm", "tensorboard", "safetensors"} & loaded


def test_what_is_slow_to_import_waits_until_it_is_used():
    loaded = loaded_by("import trainer.commands.train")
    assert not {"tensorboard", "tqdm", "PIL", "numba", "cupy"} & loaded


DOORS = {"terminal.py", "hints.py", "monitor/console.py"}
"""What speaks to a person; the display of a training draws a bar of its own kind."""


def test_there_is_one_door_to_the_terminal():
    for path in sources():
        if str(path.relative_to(ROOT / "trainer")) in DOORS:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        written = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not {"print", "sys.stdout.write", "sys.stderr.write"} & written, path
        assert "tqdm" not in {name.split(".")[0] for name in imports(path)}, path


def test_no_attribute_appears_outside_init():
    """What an object holds is said where it is made, or where its base is."""
    classes = {
        node.name: node
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }

    def stored(node):
        return {
            inner.attr
            for inner in ast.walk(node)
            if isinstance(inner, ast.Attribute)
            and isinstance(inner.ctx, ast.Store)
            and ast.unparse(inner.value) == "self"
        }

    def declared(kind):
        names = {n.target.id for n in kind.body if isinstance(n, ast.AnnAssign)}
        for node in kind.body:
            if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                names |= stored(node)
        bases = (classes.get(ast.unparse(base)) for base in kind.bases)
        return names.union(*(declared(base) for base in bases if base is not None))

    assert len(classes) > 50
    for kind in classes.values():
        assert stored(kind) <= declared(kind), f"{kind.name}: {stored(kind) - declared(kind)}"
