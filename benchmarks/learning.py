"""Train the same model on the same text with this trainer and with PyTorch, one after the other.

    python benchmarks/learning.py data/tinyshakespeare.txt
    python benchmarks/learning.py my.txt --characters 1000000 model.num_layers=1 backend.threads=1

Both follow configs/tinyshakespeare.yaml (and what the command line changes), see the same windows
in the same order, and are scored on the whole validation text. PyTorch starts from its own initial
values: they are what its users get. Each has a process of its own. Ours is `train.py` with all that
it writes on the way; PyTorch's is the bare loop. PyTorch is no part of the project: pip install
torch.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from trainer.builder import build_corpus, build_schedule
from trainer.config import load_config
from trainer.text import Batches

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "configs" / "tinyshakespeare.yaml"

Result = tuple[float, float]  # seconds of training, nats per character on the validation text


def train_ours(overrides: list[str]) -> Result:
    """Run train.py; read the result from metrics.jsonl."""
    command = [sys.executable, str(ROOT / "train.py"), str(CONFIG), *overrides, "--force"]
    subprocess.run(command, check=True, stdout=sys.stderr)  # the table alone goes to stdout
    run = Path("runs", load_config(CONFIG, overrides).name)
    lines = (run / "metrics.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    last = [row for row in rows if row["kind"] == "validation"][-1]
    return last["seconds"], last["loss"]


def train_torch(overrides: list[str]) -> Result:
    """Train the configured model in PyTorch, as its users write it."""
    import torch
    from torch import nn

    config = load_config(CONFIG, overrides)
    model, training, optimizer = config.model, config.training, config.optimizer
    if config.backend.threads is not None:
        torch.set_num_threads(config.backend.threads)
    torch.manual_seed(training.seed)
    corpus = build_corpus(config.corpus)
    V, D, H = len(corpus.vocabulary), model.embedding_size, model.hidden_size
    split, schedule = corpus.split(config.corpus.split), build_schedule(config)
    batches = Batches(split.train, training.batch_size, training.sequence_length)

    embedding = nn.Embedding(V, D) if D is not None else nn.Identity()
    lstm = nn.LSTM(D or V, H, model.num_layers, bias=model.bias, dropout=model.dropout)
    dropout, output = nn.Dropout(model.dropout), nn.Linear(H, V)
    network = nn.ModuleList([embedding, lstm, dropout, output])
    sgd = torch.optim.SGD(
        network.parameters(),
        momentum=optimizer.momentum,
        nesterov=optimizer.nesterov,
        weight_decay=optimizer.weight_decay,
    )

    def loss_of(x: torch.Tensor, y: torch.Tensor, state: object) -> tuple[torch.Tensor, object]:
        vectors = nn.functional.one_hot(x, V).float() if D is None else embedding(x)
        h, (h_last, c_last) = lstm(vectors, state)
        logits = output(dropout(h)).reshape(-1, V)
        loss = nn.functional.cross_entropy(logits, y.reshape(-1))
        return loss, (h_last.detach(), c_last.detach())

    start, state = time.perf_counter(), None
    for step in range(training.steps):
        epoch, window = divmod(step, batches.windows_per_epoch)
        x, y = (torch.from_numpy(ids).long() for ids in batches.window(window)[:2])
        rate = optimizer.learning_rate * schedule.factor(step / training.steps, epoch)
        for group in sgd.param_groups:
            group["lr"] = rate
        loss, state = loss_of(x, y, None if window == 0 else state)
        sgd.zero_grad()
        loss.backward()
        if optimizer.clip_norm is not None:
            nn.utils.clip_grad_norm_(network.parameters(), optimizer.clip_norm)
        if optimizer.clip_value is not None:
            nn.utils.clip_grad_value_(network.parameters(), optimizer.clip_value)
        sgd.step()
    seconds = time.perf_counter() - start

    # The validation text as one stream, each character but the first scored once.
    text = torch.from_numpy(split.validation.ids.astype(np.int64))[:, None]
    network.eval()
    total, state = 0.0, None
    with torch.no_grad():
        for x, y in zip(text[:-1].split(1000), text[1:].split(1000), strict=True):
            loss, state = loss_of(x, y, state)
            total += loss.item() * len(y)
    return seconds, total / (len(text) - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train side by side with PyTorch.")
    parser.add_argument("text", metavar="FILE", help="the text to learn")
    parser.add_argument("overrides", nargs="*", metavar="section.key=value")
    parser.add_argument("--characters", type=int, default=9_500_000, help="to train on")
    arguments = parser.parse_intermixed_args()

    overrides = ["name=learning", *arguments.overrides, f"corpus.path={arguments.text}"]
    training = load_config(CONFIG, overrides).training
    steps = arguments.characters // (training.batch_size * training.sequence_length)
    overrides.append(f"training.steps={steps}")

    print("| | training, s | characters/s | process, s | validation, nats/character |")
    print("| --- | ---: | ---: | ---: | ---: |", flush=True)
    for name, train in (("trainer", train_ours), ("PyTorch", train_torch)):
        start = time.perf_counter()
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            seconds, nats = pool.apply(train, (overrides,))
        process = time.perf_counter() - start
        speed = steps * training.batch_size * training.sequence_length / seconds
        print(f"| {name} | {seconds:.1f} | {speed:,.0f} | {process:.1f} | {nats:.4f} |", flush=True)


if __name__ == "__main__":
    main()
