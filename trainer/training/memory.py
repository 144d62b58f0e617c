"""How much memory the arrays of a training take, by formula: known before the first is made."""

from __future__ import annotations

from collections.abc import Collection

from trainer.backend import Plan
from trainer.config import Config
from trainer.scoring.evaluation import WINDOW

_SLOTS = {"sgd": 0, "rmsprop": 1, "adam": 2}
"""Arrays that an optimizer keeps for each parameter, without that of a momentum."""


def training_bytes(
    config: Config, vocabulary_size: int, plan: Plan, evaluations: Collection[int] = ()
) -> dict[str, int]:
    """Return the bytes of the arrays of a training, by what they are for.

    With T steps of B sequences, V symbols, an embedding of size D (or none), L layers of H units
    and numbers of s bytes:

    ::

        parameters  P s, and P = V D + sum over layers (D_k + H + 1) 4H + (H + 1) V
                    where D_0 is V or D, and any other D_k is H
        gradients   P s for each shard of the batch
        optimizer   P s for each array that the method keeps, and one more to work in on the CPU
        embedding   T B D s
        LSTM        z (T, B, 4H), h and c (T + 1, B, H), tanh c (T, B, H), one step's recurrent
                    product (B, 4H), dh and dc (B, H); from the second layer on, or on top of an
                    embedding, dx (T, B, D_k); with resets, h without what they cut off (T, B, H);
                    for each layer
        dropout     T B H (s + 1) for each layer: what is left, and the mask
        output      logits (T, B, V), whose place their gradient takes, dx (T, B, H), and two
                    numbers of each prediction
        states      h and c (L, B, H), and their gradients
        cuBLAS      32 MiB to work in, on a GPU
        temporary   the greatest of what comes and goes within a step, on the CPU
        evaluation  the forward arrays of windows of 128 steps, for each number of streams

    Not counted: the text (mapped from the disk), the program, and a checkpoint while it is written;
    on a GPU, what CUDA itself takes there.

    Args:
        evaluations: into how many streams each text is cut that is evaluated.
    """
    model, T, B = config.model, config.training.sequence_length, config.training.batch_size
    H, L, V, D = model.hidden_size, model.num_layers, vocabulary_size, model.embedding_size
    s = {"float32": 4, "float64": 8}[config.backend.dtype]
    inputs = [D or V] + (L - 1) * [H]  # D_k

    P = V * (D or 0) + sum((D_k + H + model.bias) * 4 * H for D_k in inputs) + (H + 1) * V
    slots = _SLOTS[config.optimizer.name] + (config.optimizer.momentum > 0)
    on_gpu = plan.device.index is not None

    def forward(T: int, B: int) -> dict[str, int]:
        layer = T * B * 4 * H + 2 * (T + 1) * B * H + T * B * H + B * 4 * H
        return {
            "embedding": s * T * B * (D or 0),
            "LSTM": s * L * layer,
            "output": s * T * B * (V + 2),
        }

    arrays = {
        "parameters": s * P,
        "gradients": plan.shards * s * P,
        "optimizer": (slots + (not on_gpu)) * s * P,
    }
    arrays |= forward(T, B)
    with_gradient = inputs[1:] if D is None else inputs  # symbols have none
    arrays["LSTM"] += s * (L * 2 * B * H + sum(T * B * D_k for D_k in with_gradient))
    if config.corpus.document != "whole":
        arrays["LSTM"] += s * L * T * B * H
    arrays["dropout"] = L * T * B * H * (s + 1) if model.dropout > 0 else 0
    arrays["output"] += s * T * B * H
    arrays["states"] = s * 4 * L * B * H

    arrays["evaluation"] = 0
    for streams in set(evaluations):
        arrays["evaluation"] += sum(forward(WINDOW, streams).values())

    if on_gpu:
        return arrays | {"cuBLAS": 32 << 20}
    loss = 8 + 3 * s  # of each prediction: its number, the greatest logit and so on
    arrays["temporary"] = max(
        T * B * loss,
        WINDOW * max(evaluations, default=0) * loss,
        T * B * ((D or 4 * H) * s + 8) if plan.strategy == "reference" else 0,  # rows, sorted
        T * B * H * 3 if model.dropout > 0 else 0,  # random bits of a mask, and the mask before
    )
    return arrays


def describe_bytes(size: float) -> str:
    """Return a number of bytes as a person would say it."""
    return f"{size / 1e9:,.2f} GB" if size >= 1e9 else f"{size / 1e6:,.2f} MB"
