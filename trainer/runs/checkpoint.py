"""A checkpoint: one safetensors file with everything, and a digest that any flipped bit breaks.

Arrays lie under ``parameters.NAME``, ``optimizer.SLOT.NAME``, ``state.h`` and ``state.c``. All else
is sorted JSON in one metadata key: safetensors orders several keys differently from process to
process. The digest in it is the SHA-256 of the whole file with the digest's own characters zeroed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from trainer.errors import UserError
from trainer.files import whole_file
from trainer.nn import CharacterLSTM, LSTMState
from trainer.optim import Optimizer

FORMAT_VERSION = 1
_KEY = "trainer"
_NO_DIGEST = "0" * 64
_BEFORE_DIGEST = rb"\"digest\": \""
"""Quotes are escaped once here, and more than once in any text inside the facts."""

Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Checkpoint:
    """What a file held.

    Attributes:
        arrays: by name, on the host.
        facts: configuration, vocabulary, step and all else that is no array.
    """

    path: Path
    arrays: Arrays
    facts: dict[str, Any]


def write_checkpoint(path: Path, arrays: Arrays, facts: Mapping[str, Any]) -> None:
    """Write a checkpoint that is there whole and on the disk, or not at all.

    Raises:
        RunFailed: The disk is full or fails.
    """
    header = {**facts, "format_version": FORMAT_VERSION, "digest": _NO_DIGEST}
    metadata = json.dumps(header, sort_keys=True, allow_nan=False)
    content = bytearray(save(arrays, {_KEY: metadata}))
    place = content.index(_BEFORE_DIGEST) + len(_BEFORE_DIGEST)
    content[place : place + len(_NO_DIGEST)] = hashlib.sha256(content).hexdigest().encode()
    with whole_file(path) as file:
        file.write(content)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint and check its digest.

    Raises:
        UserError: It is missing, no checkpoint of this program, damaged, or of a newer format.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: the checkpoint cannot be read: {error.strerror}") from error
    facts = _facts(path, content)
    digest = facts.pop("digest")
    place = content.find(_BEFORE_DIGEST) + len(_BEFORE_DIGEST)
    zeroed = content[:place] + _NO_DIGEST.encode() + content[place + len(digest) :]
    if hashlib.sha256(zeroed).hexdigest() != digest:
        raise UserError(f"{path}: the checkpoint is damaged or cut short (its digest does not fit)")
    if facts.pop("format_version") != FORMAT_VERSION:
        raise UserError(f"{path}: the checkpoint has a format that this version does not know")
    return Checkpoint(path, load(content), facts)


def _facts(path: Path, content: bytes) -> dict[str, Any]:
    """Read the metadata of a file that may be anything."""
    try:
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])
        facts: dict[str, Any] = json.loads(header["__metadata__"][_KEY])
        if not (isinstance(facts["digest"], str) and len(facts["digest"]) == len(_NO_DIGEST)):
            raise ValueError
        facts["format_version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(
            f"{path}: no checkpoint of this program, or cut short; expected a file such as "
            "runs/NAME/checkpoints/step-00001000.safetensors"
        ) from error
    return facts


def pack(model: CharacterLSTM, optimizer: Optimizer, carried: LSTMState) -> Arrays:
    """Collect the arrays of a checkpoint, on the host."""
    parameters, to_host = model.parameters, model.backend.to_host
    arrays = {f"parameters.{name}": parameters[name].value for name in parameters}
    for slot, flat in optimizer.slots.items():
        arrays |= {f"optimizer.{slot}.{name}": parameters.view(flat, name) for name in parameters}
    arrays |= {"state.h": carried.h, "state.c": carried.c}
    return {name: np.ascontiguousarray(to_host(array)) for name, array in arrays.items()}


def unpack_parameters(checkpoint: Checkpoint, model: CharacterLSTM) -> None:
    """Load the parameters into a model.

    Raises:
        UserError: The checkpoint is of another model.
    """
    for name in model.parameters:
        _load(checkpoint, f"parameters.{name}", model.parameters[name].value, model)


def unpack(checkpoint: Checkpoint, model: CharacterLSTM, optimizer: Optimizer) -> LSTMState:
    """Load parameters and optimizer, and return the carried state (L, B, H).

    Raises:
        UserError: The checkpoint is of another model, optimizer or batch size.
    """
    unpack_parameters(checkpoint, model)
    for slot, flat in optimizer.slots.items():
        for name in model.parameters:
            place = model.parameters.view(flat, name)
            _load(checkpoint, f"optimizer.{slot}.{name}", place, model)
    batch_size = checkpoint.facts["config"]["training"]["batch_size"]
    carried = model.zero_state(batch_size)
    _load(checkpoint, "state.h", carried.h, model)
    _load(checkpoint, "state.c", carried.c, model)
    return carried


def _load(checkpoint: Checkpoint, name: str, place: Any, model: CharacterLSTM) -> None:
    array = checkpoint.arrays.get(name)
    if array is None or array.shape != place.shape or array.dtype != place.dtype:
        found = "none" if array is None else f"{array.dtype} {array.shape}"
        raise UserError(
            f"{checkpoint.path}: the checkpoint is of another model: {name} is {found}, "
            f"expected {place.dtype} {place.shape}"
        )
    place[...] = model.backend.asarray(array)
