"""The device that is tested, and a project of its own for each test.

A project is a working directory, and the real commands run in it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pytest
from safetensors.numpy import load_file

from trainer.backend import ONE_THREAD, Plan, create_backend
from trainer.backend.device import Device
from trainer.monitor.metrics import read_metrics
from trainer.runs.checkpoint import read_checkpoint

ROOT = Path(__file__).resolve().parent.parent
# Hints say how this program is called: as in an environment that is activated.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "no_proxy": "127.0.0.1",  # where the fixture `web` is
    "PYTHONPATH": str(ROOT),
    "PYTHONUNBUFFERED": "",  # no: what comes at once does so because the program sees to it
    "PYTHONUTF8": "1",
}

# A shell that starts the tests in the background has them ignore Ctrl-C, and nohup a hangup. The
# commands under test inherit that, and some are to be interrupted.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(
            number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        )

CONFIG = """\
corpus:
  path: text.txt
  split: [0.8, 0.1, 0.1]
  cache: cache
model:
  hidden_size: 8
  num_layers: 2
  dropout: 0.2
training:
  batch_size: 4
  sequence_length: 8
  steps: 40
optimizer:
  learning_rate: 1.0
  momentum: 0.9
schedule:
  name: linear
evaluation:
  every: 10
generation:
  length: 30
monitor:
  log_every: 5
  gates_every: 20
  sample_every: 20
checkpoint:
  every: 10
backend:
  device: cpu
  threads: 1
"""

# Sends the training process a signal after a step: no clock decides where.
SIGNAL = """\
import os
from trainer.training.loop import Training

train_step = Training.train_step

def train_step_and_signal(training):
    train_step(training)
    if training.counters.step == {last_step}:
        os.kill(os.getpid(), {number})

Training.train_step = train_step_and_signal
"""


def pytest_addoption(parser):
    parser.addoption(
        "--device",
        choices=("cpu", "gpu"),
        default="cpu",
        help="where the tests compute; with gpu, only those that have to do with the device run",
    )


def pytest_collection_modifyitems(config, items):
    """Keep the tests of the device: on the CPU all but those of a GPU's own code."""
    on_gpu = config.getoption("device") == "gpu"

    def belongs(item):
        return (
            {"backend", "cuda"} & {*item.fixturenames}
            if on_gpu
            else "cuda" not in item.fixturenames
        )

    config.hook.pytest_deselected(items=[item for item in items if not belongs(item)])
    items[:] = filter(belongs, items)


@pytest.fixture(scope="session")
def backend(request):
    """The backend of the device under test."""
    if request.config.getoption("device") == "cpu":
        return create_backend()
    from trainer.backend.cuda import CudaBackend

    return CudaBackend(0)


@pytest.fixture(scope="session")
def cuda(backend):
    """The backend of a GPU: on the CPU, what uses it is left out."""
    return backend


@pytest.fixture(scope="session")
def host(backend):
    """A function that copies an array to the host: of the device, or of the host already."""
    return lambda array: np.array(backend.to_host(array))


@pytest.fixture(scope="session")
def plan(backend):
    """The plan of a training on the device under test."""
    return ONE_THREAD if backend.name == "numpy" else Plan("cuda", 1, 1, Device(0, "a GPU"))


class Result(NamedTuple):
    status: int
    stdout: str
    stderr: str


class CommandServer:
    """The process that `command_server.py` describes."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, ROOT / "tests" / "command_server.py"],
            env={**os.environ, **ENVIRONMENT},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, **order: object) -> int:
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


class Project:
    """A folder with `text.txt` and `tiny.yaml`: 17 steps an epoch, 40 steps a run.

    `train` and `trainer` run `python train.py` and `python -m trainer` in it, in a process of
    their own that the server makes; `python` and `start` begin from nothing.
    """

    def __init__(self, path: Path, server: CommandServer) -> None:
        self.path = path
        self.server = server
        self.environment = dict(ENVIRONMENT)
        self.text = path / "text.txt"
        self.text.write_text(sentences(700))
        self.config = path / "tiny.yaml"
        self.config.write_text(CONFIG)

    def train(self, *arguments: object, first: str = "") -> Result:
        return self._serve("train.py", arguments, first)

    def trainer(self, *arguments: object, first: str = "") -> Result:
        return self._serve("trainer", arguments, first)

    def train_and_signal(self, number: int, last_step: int, *arguments: object) -> Result:
        first = SIGNAL.format(number=int(number), last_step=last_step)
        return self.train(*arguments, first=first)

    def python(self, *arguments: object) -> Result:
        process = self.start(*arguments)
        stdout, stderr = process.communicate(timeout=60)
        # Messages are in the encoding of standard error, whatever that is.
        told = stderr.decode(errors="backslashreplace")
        return Result(process.returncode, stdout.decode(), told)

    def start(self, *arguments: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            cwd=self.path,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def _serve(self, program: str, arguments: tuple[object, ...], first: str) -> Result:
        with TemporaryDirectory() as folder:
            stdout, stderr = Path(folder) / "stdout", Path(folder) / "stderr"
            status = self.server.run(
                program=program,
                arguments=[*map(str, arguments)],
                folder=str(self.path),
                environment=self.environment,
                first=first,
                stdout=str(stdout),
                stderr=str(stderr),
            )
            return Result(status, stdout.read_bytes().decode(), stderr.read_bytes().decode())

    def checkpoint(self, run: str, pointer: str = "latest") -> Path:
        folder = self.path / "runs" / run / "checkpoints"
        return folder / (folder / pointer).read_text().strip()

    def rows(self, run: str, *kinds: str) -> list[dict]:
        rows = read_metrics(self.path / "runs" / run / "metrics.jsonl")
        return [row for row in rows if not kinds or row["kind"] in kinds]

    def outcome(self, run: str) -> dict:
        """All that two equal runs have in common: every bit but the clock's and the name."""
        facts = read_checkpoint(self.checkpoint(run)).facts()
        clock = {"seconds", "summed_seconds"}
        facts = {key: value for key, value in facts.items() if key not in clock}
        facts["config"] = {**facts["config"], "name": None}
        arrays = load_file(self.checkpoint(run))
        clock = {"seconds", "characters_per_second"}
        return {
            "arrays": {name: (a.dtype, a.shape, a.tobytes()) for name, a in arrays.items()},
            "facts": facts,
            "rows": [{k: v for k, v in row.items() if k not in clock} for row in self.rows(run)],
        }

    def files(self, folder: str = ".") -> dict[str, tuple[int, bytes]]:
        """Everything below a folder: names, times of change, contents."""
        found = {}
        for path in sorted((self.path / folder).rglob("*")):
            content = path.read_bytes() if path.is_file() else b""
            found[str(path.relative_to(self.path))] = (path.lstat().st_mtime_ns, content)
        return found


def sentences(length: int, seed: int = 1) -> str:
    """A text that a tiny model can learn something of, with 20 distinct characters."""
    draw = random.Random(seed).choices
    words = "the sea wind and old moon over a quiet hill sings to its river"
    lines = (" ".join(draw(words.split(), k=6)) + ".\n" for _ in range(length // 20))
    return "".join(lines)[: length - 1] + "\n"


@pytest.fixture(scope="session")
def server():
    server = CommandServer()
    yield server
    server.close()


@pytest.fixture
def project(tmp_path, server):
    return Project(tmp_path, server)


@pytest.fixture(scope="session")
def trained(tmp_path_factory, server):
    """A project with a finished run, `runs/tiny`, and how the command ended; only to be read."""
    project = Project(tmp_path_factory.mktemp("trained"), server)
    project.result = project.python(ROOT / "train.py", "tiny.yaml")
    assert project.result.status == 0, project.result.stderr
    return project


@pytest.fixture
def web(monkeypatch):
    """A web server on this machine: `address`, and `pages`, which a test fills.

    A page is the bytes of an answer, or a function that answers with the request's handler.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            page = server.pages.get(self.path)
            if callable(page):
                page(self)
            elif page is None:
                self.send_error(404)
            else:
                self.answer(page, len(page))

        def answer(self, body, length):
            self.send_response(200)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            server.agents.append(self.headers["User-Agent"])

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.pages, server.agents = {}, []
    server.address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def refused():
    """Check that a command ended with one clear line, as an error, and wrote nothing else."""

    def check(result: Result, *words: str, status: int = 2) -> None:
        assert result.status == status, result
        assert result.stdout == ""
        (line,) = result.stderr.splitlines()
        assert line.startswith("error: " if status == 2 else "failed: ")
        for word in words:
            assert word in line

    return check
