"""Every kernel against the reference, at sizes that fill no block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from trainer.backend import Array, Backend, DropoutKey
from trainer.backend.reference import ReferenceKernels
from trainer.gpu_check.check import Finding, judge
from trainer.gpu_check.gpu import Gpu, difference

TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
"""Largest error, in shares of the largest number of an array; sums are over a thousand terms."""

HostArray = np.ndarray[Any, Any]


class Case(NamedTuple):
    """A kernel and what it is given.

    Attributes:
        call: calls it with a backend's kernels and the arrays.
        arrays: by name; those of floats are drawn in float64.
        written: names of those to be compared; of others nobody promises what is left in them.
    """

    name: str
    call: Callable[..., None]
    arrays: dict[str, HostArray]
    written: tuple[str, ...]


def kernels(gpu: Gpu, dtype: str) -> Finding:
    """Compare each kernel with the reference in float64, on the same numbers of the type."""
    backend = gpu.start()
    errors = {case.name: _error(backend, case, dtype) for case in _cases(gpu)}
    return judge(errors, TOLERANCE[dtype], "cases")


def _error(backend: Backend, case: Case, dtype: str) -> float:
    given = {
        name: array.astype(dtype) if array.dtype == np.float64 else array
        for name, array in case.arrays.items()
    }
    found = {name: backend.asarray(array) for name, array in given.items()}
    case.call(backend.kernels, **found)
    expected = {
        name: array.astype(np.float64) if array.dtype == dtype else array.copy()
        for name, array in given.items()
    }
    case.call(ReferenceKernels(np), **expected)
    return max(difference(backend.to_host(found[name]), expected[name]) for name in case.written)


def _cases(gpu: Gpu) -> Iterator[Case]:
    yield from _products(*gpu.size((130, 1000, 257), (5, 33, 7)))
    T, B, H, V = gpu.size((5, 50, 301, 97), (3, 3, 37, 35))
    yield from _cell(T, B, H)
    yield from _rows(T * B, H, V)
    yield from _loss(T * B, V)
    yield from _dropout(T, B, H)
    yield from _updates(gpu.size(1_000_003, 3_001))


def _products(m: int, k: int, n: int) -> Iterator[Case]:
    normal, out = np.random.default_rng(1).standard_normal, np.zeros((m, n))

    def product(name: str, call: Callable[..., None], a: HostArray, b: HostArray) -> Case:
        return Case(f"product {name}", call, {"a": a, "b": b, "out": out}, ("out",))

    rows, columns = normal((m, k)), normal((k, n))
    yield product("a b", lambda c, a, b, out: c.product(a, b, out), rows, columns)
    yield product("a' b", lambda c, a, b, out: c.product(a.T, b, out), normal((k, m)), columns)
    stacked = normal((2, m, k))
    yield product("a[t] b", lambda c, a, b, out: c.step_product(1, a, b, out), stacked, columns)
    yield product("a b'", lambda c, a, b, out: c.product(a, b.T, out), rows, normal((n, k)))


def _cell(T: int, B: int, H: int) -> Iterator[Case]:
    rng = np.random.default_rng(2)
    normal = rng.standard_normal
    c, resets = normal((T + 1, B, H)), rng.random((T, B)) < 0.3
    forward = {
        "z": normal((T, B, 4 * H)),
        "recurrent": normal((B, 4 * H)),
        "b": normal(4 * H),
        "c": c,
        "tanh_c": np.zeros((T, B, H)),
        "h": np.zeros((T + 1, B, H)),
    }
    backward = {
        "z": rng.random((T, B, 4 * H)),
        "c": c,
        "tanh_c": np.tanh(c[1:]),
        "dh": normal((T, B, H)),
        "dh_recurrent": normal((B, H)),
        "dc": normal((B, H)),
    }

    def gates_forward(kernels: Any, resets: Array | None = None, **arrays: Array) -> None:
        kernels.gates_forward(1, **arrays, resets=resets)

    def gates_backward(kernels: Any, resets: Array | None = None, **arrays: Array) -> None:
        kernels.gates_backward(1, **arrays, resets=resets)

    for more, name in (({}, ""), ({"resets": resets}, " with resets")):
        written: tuple[str, ...] = ("z", "c", "tanh_c", "h")
        yield Case(f"gates_forward{name}", gates_forward, forward | more, written)
        written = ("z", "dh", "dc")
        yield Case(f"gates_backward{name}", gates_backward, backward | more, written)


def _rows(n: int, columns: int, V: int) -> Iterator[Case]:
    rng = np.random.default_rng(3)
    rows = rng.integers(0, V - 1, n, np.int32)  # nobody asks for the last one
    table, values = rng.standard_normal((V, columns)), rng.standard_normal((n, columns))
    gathered = {"table": table, "rows": rows, "out": np.zeros((n, columns))}
    yield Case("gather_rows", lambda c, **a: c.gather_rows(**a), gathered, ("out",))
    summed = {"values": values, "rows": rows, "out": np.ones((V, columns))}
    yield Case("sum_rows", lambda c, **a: c.sum_rows(**a), summed, ("out",))


def _loss(N: int, V: int) -> Iterator[Case]:
    rng = np.random.default_rng(4)
    targets, total = rng.integers(0, V, N, np.int32), np.zeros(N)
    forward = {
        "logits": 3 * rng.standard_normal((N, V)),
        "targets": targets,
        "total": total,
        "losses": total,
    }
    written = ("logits", "total", "losses")
    yield Case("softmax_forward", lambda c, **a: c.softmax_forward(**a), forward, written)
    p = rng.random((N, V))
    backward = {"p": p, "targets": targets, "total": p.sum(axis=1)}
    yield Case(
        "softmax_backward", lambda c, **a: c.softmax_backward(**a, predictions=N), backward, ("p",)
    )


def _dropout(T: int, B: int, H: int) -> Iterator[Case]:
    x = np.random.default_rng(5).standard_normal((T, B, H))
    key, probability, step = DropoutKey(seed=7, layer=1, part=0), 0.3, np.array(3, np.int64)

    def forward(kernels: Any, **arrays: Array) -> None:
        kernels.dropout_forward(probability=probability, key=key, **arrays)

    def backward(kernels: Any, dy: Array, mask: Array) -> None:
        kernels.dropout_backward(dy, probability, mask)

    mask = np.zeros(x.shape, np.uint8)
    arrays: dict[str, HostArray] = {"x": x, "step": step, "mask": mask, "y": 0 * x}
    yield Case("dropout_forward", forward, arrays, ("mask", "y"))
    yield Case("dropout_backward", backward, {"dy": x, "mask": (x > 0).view(np.uint8)}, ("dy",))


def _updates(n: int) -> Iterator[Case]:
    rng = np.random.default_rng(6)
    p, g, v, m = rng.standard_normal((4, n))
    s, decayed, none = g * g, n // 2, np.array(-1, np.int64)

    def whole(name: str, **more: Any) -> Callable[..., None]:
        return lambda kernels, **arrays: getattr(kernels, name)(**arrays, **more)

    out = {"out": np.array(0.0)}
    yield Case("sum", whole("sum", factor=1 / n), {"values": s, **out}, ("out",))
    yield Case("norm", whole("norm"), {"values": g, **out}, ("out",))
    limits: dict[str, Any] = {"max_norm": 1.0, "max_value": 1 / n**0.5}
    norm = np.array(np.linalg.norm(g))
    yield Case("clip", whole("clip", **limits), {"g": g, "norm": norm}, ("g",))

    went_wrong = {"loss": np.array(np.nan), "norm": norm, "step": np.array(5), "bad_step": none}
    yield Case("observe", whole("observe"), went_wrong, ("bad_step",))

    rates = {"rates": np.array([0.1, 1e-8]), "bad_step": none}
    decay: dict[str, Any] = {"weight_decay": 0.01, "decayed": decayed}

    def update(name: str, arrays: dict[str, HostArray], missing: str = "", **more: Any) -> Case:
        without = {missing: None} if missing else {}
        call = whole(name, **decay, **more, **without)
        given = {"p": p, "g": g, **arrays, **rates}
        return Case(f"{name}{' without ' if missing else ''}{missing}", call, given, ("p", *arrays))

    yield update("sgd", {"v": v}, momentum=0.9, nesterov=True)
    yield update("sgd", {}, "v", momentum=0.0, nesterov=False)
    yield update("rmsprop", {"s": s, "v": v}, alpha=0.99, eps=1e-8, momentum=0.9)
    yield update("rmsprop", {"s": s}, "v", alpha=0.99, eps=1e-8, momentum=0.0)
    yield update("adam", {"m": m, "s": s}, betas=(0.9, 0.999))
    suppressed = update("adam", {"m": m, "s": s}, betas=(0.9, 0.999))
    latched = suppressed.arrays | {"bad_step": np.array(2, np.int64)}
    yield Case("adam after a bad step", suppressed.call, latched, ("p",))
