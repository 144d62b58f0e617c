"""A checkpoint: one safetensors file with everything, and a digest that any flipped bit breaks.

Arrays lie under ``parameters.NAME``, ``optimizer.SLOT.NAME``, ``state.h`` and ``state.c``. All else
is sorted JSON in one metadata key: safetensors orders several keys differently from process to
process. The digest in it is the SHA-256 of the whole file with the digest's own characters zeroed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, PositiveInt, TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from trainer.config import Config, config_from_mapping
from trainer.errors import UserError
from trainer.files import whole_file
from trainer.nn import CharacterLSTM, LSTMState
from trainer.optim import Optimizer
from trainer.runs.counters import Counters
from trainer.text import Vocabulary

FORMAT_VERSION = 1
_KEY = "trainer"
_NO_DIGEST = "0" * 64
_BEFORE_DIGEST = rb"\"digest\": \""
"""Quotes are escaped once here, and more than once in any text inside the facts."""

Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class SavedPlan:
    """What of `trainer.backend.Plan` decides the last bits of a run.

    Attributes:
        parts: the plan's shards; files called them so from the first on.
    """

    strategy: str
    threads: PositiveInt
    parts: PositiveInt


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a file holds.

    Attributes:
        arrays: by name, on the host.
        text_sha256: of the text that the run is trained on.
        files_sha256: of where its files end, and what for.
    """

    path: Path
    arrays: Arrays
    config: Config
    vocabulary: Vocabulary
    counters: Counters
    plan: SavedPlan
    text_sha256: str
    files_sha256: str

    def facts(self) -> dict[str, Any]:
        """Return all that is no array, as JSON takes it."""
        return {
            **self.counters.to_facts(),
            "config": self.config.model_dump(mode="json"),
            "vocabulary": self.vocabulary.characters,
            "backend": asdict(self.plan),
            "text_sha256": self.text_sha256,
            "files_sha256": self.files_sha256,
        }


class _Facts(BaseModel):
    """What stands in the JSON beside the counters; older files have more."""

    model_config = ConfigDict(strict=True)

    config: dict[str, Any]
    vocabulary: str
    backend: SavedPlan
    text_sha256: str
    files_sha256: str


_COUNTERS = TypeAdapter(Counters)


def write_checkpoint(checkpoint: Checkpoint) -> None:
    """Write a checkpoint that is there whole and on the disk, or not at all.

    Raises:
        RunFailed: The disk is full or fails.
    """
    write_content(checkpoint.path, checkpoint.arrays, checkpoint.facts())


def write_content(path: Path, arrays: Arrays, facts: Mapping[str, Any]) -> None:
    """Write arrays and facts, with a digest of both."""
    header = {**facts, "format_version": FORMAT_VERSION, "digest": _NO_DIGEST}
    metadata = json.dumps(header, sort_keys=True, allow_nan=False)
    content = bytearray(save(arrays, {_KEY: metadata}))
    place = content.index(_BEFORE_DIGEST) + len(_BEFORE_DIGEST)
    content[place : place + len(_NO_DIGEST)] = hashlib.sha256(content).hexdigest().encode()
    with whole_file(path) as file:
        file.write(content)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; check its digest, and that what it says is of the right kinds.

    Raises:
        UserError: It is missing, no checkpoint of this program, damaged, or of a newer format.
    """
    arrays, facts = read_content(path)
    try:
        missing = Counters.needed() - facts.keys()
        if missing:
            raise ValueError(f"{min(missing)}: missing")
        text = json.dumps(facts)
        known = _Facts.model_validate_json(text)
        counters = _COUNTERS.validate_json(text, strict=True)
        config = config_from_mapping(known.config, str(path))
        vocabulary = Vocabulary(
            known.vocabulary,
            unit=config.corpus.unit,
            unknown=config.corpus.unknown,
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise UserError(_not_whole(path, f"{place}: {first['msg']}")) from error
    except ValueError as error:
        raise UserError(_not_whole(path, str(error))) from error
    return Checkpoint(
        path,
        arrays,
        config,
        vocabulary,
        counters,
        known.backend,
        known.text_sha256,
        known.files_sha256,
    )


def read_content(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """Read arrays and facts, and check their digest; what the facts say is not.

    Raises:
        UserError: as `read_checkpoint`.
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
    try:
        return load(content), facts
    except (SafetensorError, KeyError, TypeError, ValueError) as error:  # types NumPy lacks, ...
        raise UserError(_not_whole(path, f"its arrays cannot be read ({error})")) from error


def _not_whole(path: Path, reason: str) -> str:
    return f"{path}: the checkpoint does not hold what one of this program does: {reason}"


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
    carried = model.zero_state(checkpoint.config.training.batch_size)
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
