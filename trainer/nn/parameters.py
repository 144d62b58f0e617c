"""All parameters in one flat array, all gradients in another, and named views of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from trainer.backend import Array, Backend

ALIGNMENT = 256
"""Bytes; every array starts at a multiple of this, which suits vector units, cuBLAS and NCCL."""


class Parameter(NamedTuple):
    """A view of a parameter's values and one of its gradient, of the same shape."""

    value: Array
    gradient: Array


class Parameters:
    """Parameters by name, laid out flat: matrices first, then vectors, zeros between them.

    Zeroing, norm, clipping, decay and update are then each one expression over a whole array.

    Args:
        values: the flat array of other parameters of these shapes, to be shared; None for zeros.

    Attributes:
        values, gradients: (size,) the flat arrays, padding included; the padding stays zero.
        matrices: the slice of the flat arrays that holds everything but the vectors (biases).
        count: how many numbers the parameters hold, padding not counted.
    """

    def __init__(
        self,
        backend: Backend,
        shapes: Mapping[str, tuple[int, ...]],
        dtype: str = "float32",
        values: Array | None = None,
    ) -> None:
        itemsize = backend.xp.dtype(dtype).itemsize
        step = ALIGNMENT // itemsize
        by_rank = sorted(shapes, key=lambda name: len(shapes[name]) == 1)  # stable
        sizes = {name: _product(shapes[name]) for name in by_rank}
        padded = {name: -(-size // step) * step for name, size in sizes.items()}

        self.backend = backend
        self.count = sum(sizes.values())
        total = sum(padded.values())
        self.values = _aligned_zeros(backend, total, dtype) if values is None else values
        self.gradients = _aligned_zeros(backend, total, dtype)
        self.matrices = slice(0, sum(padded[name] for name in by_rank if len(shapes[name]) > 1))

        self._slices: dict[str, slice] = {}
        self._shapes = dict(shapes)
        start = 0
        for name in by_rank:
            self._slices[name] = slice(start, start + sizes[name])
            start += padded[name]

    def with_own_gradients(self) -> Parameters:
        """Return the same parameters, values shared, with a gradient array of their own."""
        return Parameters(self.backend, self._shapes, str(self.values.dtype), self.values)

    def __getitem__(self, name: str) -> Parameter:
        return Parameter(self.view(self.values, name), self.view(self.gradients, name))

    def __iter__(self) -> Iterator[str]:
        """Names, in the order in which they were declared."""
        return iter(self._shapes)

    def __contains__(self, name: str) -> bool:
        return name in self._shapes

    def view(self, flat: Array, name: str) -> Array:
        """View the part of a flat array (values, gradients, an optimizer slot) that is `name`'s."""
        return flat[self._slices[name]].reshape(self._shapes[name])


def _product(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def _aligned_zeros(backend: Backend, size: int, dtype: str) -> Array:
    """Zeros whose first byte lies at a multiple of ALIGNMENT (NumPy itself promises only 16)."""
    itemsize = backend.xp.dtype(dtype).itemsize
    if size * itemsize >= 2**63:  # more than NumPy can even refuse
        raise MemoryError(f"Unable to allocate {size:,} parameters")
    spare = backend.xp.zeros(size + ALIGNMENT // itemsize, dtype)
    address = backend.address(spare)
    first = -address % ALIGNMENT // itemsize
    return spare[first : first + size]
