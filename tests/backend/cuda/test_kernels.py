"""Each kernel of the GPU beside the reference, at sizes that fill no warp and no block."""

import numpy as np
import pytest

from trainer.backend.kernels import DropoutKey
from trainer.backend.random import keep_mask

# T, B, H, t
WINDOWS = [(1, 1, 1, 0), (3, 2, 33, 1), (4, 5, 7, 3), (2, 3, 100, 0)]


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.mark.parametrize("with_resets", [False, True])
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize(("T", "B", "H", "t"), WINDOWS)
def test_gates_forward(compare, rng, T, B, H, t, with_bias, with_resets):
    z, recurrent = rng.standard_normal((T, B, 4 * H)), rng.standard_normal((B, 4 * H))
    b = rng.standard_normal(4 * H) if with_bias else None
    c, h = rng.standard_normal((2, T + 1, B, H))
    tanh_c = rng.standard_normal((T, B, H))
    resets = rng.random((T, B)) < 0.5 if with_resets else None
    compare("gates_forward", t, z, recurrent, b, c, tanh_c, h, resets, spent={2})


@pytest.mark.parametrize("with_resets", [False, True])
@pytest.mark.parametrize(("T", "B", "H", "t"), WINDOWS)
def test_gates_backward(compare, rng, T, B, H, t, with_resets):
    z = rng.random((T, B, 4 * H))
    c, (tanh_c, dh) = rng.standard_normal((T + 1, B, H)), rng.standard_normal((2, T, B, H))
    dh_recurrent, dc = rng.standard_normal((2, B, H))
    resets = rng.random((T, B)) < 0.5 if with_resets else None
    compare("gates_backward", t, z, c, tanh_c, dh, dh_recurrent, dc, resets, spent={5})


@pytest.mark.parametrize("N", [1, 7, 9])
@pytest.mark.parametrize("V", [1, 5, 32, 33, 300])
def test_softmax(compare, rng, N, V):
    logits = 30 * rng.standard_normal((N, V))
    logits[0] = -1e4  # far from any other row
    targets = rng.integers(0, V, N).astype(np.int32)
    total, losses = np.full((2, N), np.nan)
    p, targets, total, _ = compare("softmax_forward", logits, targets, total, losses)
    compare("softmax_backward", p, targets, total, 4 * N)


def test_a_prediction_that_is_not_finite_has_no_finite_loss(compare):
    logits = np.zeros((4, 40))
    logits[0, 35], logits[1, 35], logits[2, 3] = np.nan, np.inf, -np.inf
    targets = np.zeros(4, np.int32)
    *_, losses = compare("softmax_forward", logits, targets, np.zeros(4), np.zeros(4), spent={0, 2})
    np.testing.assert_array_equal(np.isfinite(losses), [False, False, True, True])


@pytest.mark.parametrize("K", [1, 33, 300])
@pytest.mark.parametrize("shape", [(1,), (7, 6)])
def test_gather_rows(compare, rng, shape, K):
    rows = rng.integers(0, 9, shape).astype(np.int32)
    compare("gather_rows", rng.standard_normal((9, K)), rows, np.full((*shape, K), np.nan))


@pytest.mark.parametrize("K", [1, 33, 70, 128, 300])
@pytest.mark.parametrize("N", [1, 31, 33, 700])
def test_sum_rows(compare, rng, N, K):
    rows = rng.integers(0, 8, N).astype(np.int32)  # of 9: one sum is 0
    compare("sum_rows", rng.standard_normal((N, K)), rows, np.full((9, K), np.nan))


@pytest.mark.parametrize("probability", [0.25, 0.999999])
@pytest.mark.parametrize("shape", [(1,), (15,), (17,), (2, 3, 171), (5001,)])
def test_dropout(compare, rng, shape, probability):
    x, mask, y = rng.standard_normal(shape), np.full(shape, 7, np.uint8), np.full(shape, np.nan)
    key, step = DropoutKey(seed=1, layer=2, shard=3), np.array(4)
    _, _, _, _, mask, _ = compare("dropout_forward", x, probability, key, step, mask, y)
    compare("dropout_backward", x, probability, mask)


@pytest.mark.parametrize("seed", [0, 2**53 + 1, 2**63 - 1, 2**64 - 1])
@pytest.mark.parametrize(("layer", "shard", "step"), [(0, 0, 0), (1, 2, 3), (7, 0, 2**40 + 1)])
def test_masks_are_numpys_bit_for_bit(cuda, host, seed, layer, shard, step):
    key, x = DropoutKey(seed, layer, shard), cuda.asarray(np.ones(1000, np.float32))
    mask, y = cuda.xp.empty(1000, np.uint8), cuda.xp.empty_like(x)
    cuda.kernels.dropout_forward(x, 0.5, key, cuda.asarray(np.array(step)), mask, y)
    expected = keep_mask((1000,), 0.5, seed=seed, step=step, layer=layer, shard=shard)
    np.testing.assert_array_equal(host(mask), expected)
    np.testing.assert_array_equal(host(y), expected * 2.0)


def test_a_number_at_the_threshold_is_kept(cuda, host):
    """One in 65,536 is: among so many there are some."""
    key, x = DropoutKey(1, 0, 0), cuda.asarray(np.ones(500_000, np.float32))
    mask, y = cuda.xp.empty(x.size, np.uint8), cuda.xp.empty_like(x)
    cuda.kernels.dropout_forward(x, 0.5, key, cuda.asarray(np.array(0)), mask, y)
    expected = keep_mask(x.shape, 0.5, seed=1, step=0, layer=0, shard=0)
    np.testing.assert_array_equal(host(mask), expected)


@pytest.mark.parametrize(("m", "k", "n"), [(1, 1, 1), (3, 5, 7), (1, 4, 3), (4, 1, 3)])
def test_a_product_of_a_time_step(compare, rng, m, k, n):
    a, b = rng.standard_normal((3, m, k)), rng.standard_normal((k, n))
    for t in range(3):
        compare("step_product", t, a, b, np.full((m, n), np.nan))


@pytest.mark.parametrize("K", [1, 33])
def test_sum_columns(compare, rng, K):
    for n in (5, 70, 3):  # the ones that it multiplies with are kept, and grow
        compare("sum_columns", rng.standard_normal((n, K)), np.full(K, np.nan))


def test_whole_numbers_are_numbers_too(compare, rng):
    """A kernel would take the bits of a Python int for those of a double."""
    p, g, m = rng.standard_normal((3, 9))
    rates, open_latch = np.array([0.1, 0.1]), np.array(-1)
    decay = {"weight_decay": 1, "decayed": 4}
    compare("sum", p, 2, np.array(0.0))
    compare("clip", g, np.array(10.0), 5, 1)
    compare("sgd", p, g, m, rates, open_latch, spent={1}, momentum=1, nesterov=False, **decay)
    options = {"alpha": 0, "eps": 1, "momentum": 1}
    compare("rmsprop", p, g, m**2, m, rates, open_latch, spent={1}, **options, **decay)
    compare("adam", p, g, m, m**2, rates, open_latch, spent={1}, betas=(0, 0), **decay)


@pytest.mark.parametrize("n", [1, 31, 33, 257, 3000, 262_145])
def test_sum_and_norm(compare, rng, n):
    values = rng.random(n)
    compare("sum", values, 1 / n, np.full((), np.nan))
    compare("norm", values, np.full((), np.nan))


def test_sums_are_the_same_bits_again(cuda, host, rng, dtype):
    values = cuda.asarray(rng.standard_normal((999, 70)), dtype)
    rows = cuda.asarray(rng.integers(0, 5, 999), "int32")
    results = []
    for _ in range(2):
        total, norm, sums = (cuda.xp.empty(shape, dtype) for shape in [(), (), (5, 70)])
        cuda.kernels.sum(values, 1.0, total)
        cuda.kernels.norm(values.ravel(), norm)
        cuda.kernels.sum_rows(values, rows, sums)
        results.append([host(array).tobytes() for array in (total, norm, sums)])
    assert results[0] == results[1]


@pytest.mark.parametrize("norm", [0.0, 2.0, 2e5, np.inf, np.nan])
@pytest.mark.parametrize(
    ("max_norm", "max_value"), [(None, None), (5.0, None), (None, 0.5), (5.0, 1e-3)]
)
def test_clip(compare, rng, norm, max_norm, max_value):
    g = np.append(rng.standard_normal(300), [np.nan, np.inf, -np.inf])
    compare("clip", g, np.array(norm), max_norm, max_value)


@pytest.mark.parametrize("before", [-1, 3])
@pytest.mark.parametrize("loss", [1.0, np.nan, np.inf])
@pytest.mark.parametrize("norm", [1.0, np.nan, -np.inf])
def test_observe(compare, loss, norm, before):
    compare("observe", np.array(loss), np.array(norm), np.array(8), np.array(before))


UPDATES = [
    ("sgd", 0, {"momentum": 0.0, "nesterov": False}),
    ("sgd", 1, {"momentum": 0.9, "nesterov": False}),
    ("sgd", 1, {"momentum": 0.9, "nesterov": True}),
    ("rmsprop", 1, {"alpha": 0.9, "eps": 1e-8, "momentum": 0.0}),
    ("rmsprop", 2, {"alpha": 0.9, "eps": 1e-8, "momentum": 0.9}),
    ("adam", 2, {"betas": (0.9, 0.999)}),
]
NAMES = ["sgd", "momentum", "nesterov", "rmsprop", "rmsprop with momentum", "adam"]


@pytest.mark.parametrize(("name", "slots", "options"), UPDATES, ids=NAMES)
class TestUpdate:
    def arrays(self, name, slots, n):
        """The slots of a method, None for those that it is used without."""
        wanted = {"sgd": 1, "rmsprop": 2, "adam": 2}[name]
        return [np.zeros(n) for _ in range(slots)] + [None] * (wanted - slots)

    @pytest.mark.parametrize(("weight_decay", "decayed"), [(0.0, 200), (0.1, 200), (0.1, 0)])
    def test_several_steps(self, compare, rng, name, slots, options, weight_decay, decayed):
        p, slot_arrays = rng.standard_normal(300), self.arrays(name, slots, 300)
        before = p
        for rate in (0.1, 0.05, 0.01):
            g, rates, bad_step = rng.standard_normal(300), np.array([rate, 1e-7]), np.array(-1)
            p, _, *slot_arrays, _, _ = compare(
                name,
                *(p, g, *slot_arrays, rates, bad_step),
                spent={1},
                weight_decay=weight_decay,
                decayed=decayed,
                **options,
            )
        assert (p != before).all()

    def test_after_a_bad_step_nothing_changes(self, cuda, host, rng, dtype, name, slots, options):
        p, slot_arrays = rng.standard_normal(300), self.arrays(name, slots, 300)
        arrays = [a if a is None else cuda.asarray(a, dtype) for a in (p, p * np.nan, *slot_arrays)]
        rates, bad_step = cuda.asarray(np.array([0.1, 1e-7]), dtype), cuda.asarray(np.array(0))
        update = getattr(cuda.kernels, name)
        update(*arrays, rates, bad_step, weight_decay=0.1, decayed=200, **options)
        np.testing.assert_array_equal(host(arrays[0]), p.astype(dtype))
        for slot in arrays[2 : 2 + slots]:
            assert not host(slot).any()


def test_a_kernel_is_one_launch_and_nothing_else(cuda, counts, dtype):
    T, B, H, V = 3, 2, 5, 7
    array = lambda *shape: cuda.xp.zeros(shape, dtype)  # noqa: E731
    z, recurrent, b = array(T, B, 4 * H), array(B, 4 * H), array(4 * H)
    c, h, tanh_c, dh = array(T + 1, B, H), array(T + 1, B, H), array(T, B, H), array(T, B, H)
    dc, logits, total, losses = array(B, H), array(T * B, V), array(T * B), array(T * B)
    resets = cuda.xp.zeros((T, B), bool)
    ids, table, rows = cuda.xp.zeros(T * B, "int32"), array(V, 4 * H), array(T * B, 4 * H)
    mask, step, scalar = cuda.xp.zeros(dh.shape, "uint8"), cuda.xp.zeros((), "int64"), array()
    flat, rates, key = array(300), array(2), DropoutKey(1, 2, 3)
    decay = {"weight_decay": 0.1, "decayed": 9}
    kernels = cuda.kernels
    one_launch = {
        "gather_rows": (table, ids, rows),
        "sum_rows": (rows, ids, table),
        "gates_forward": (1, z, recurrent, b, c, tanh_c, h, resets),
        "gates_backward": (1, z, c, tanh_c, dh, dc, dc, resets),
        "softmax_forward": (logits, ids, total, losses),
        "softmax_backward": (logits, ids, total, 6),
        "dropout_forward": (dh, 0.5, key, step, mask, tanh_c),
        "dropout_backward": (dh, 0.5, mask),
        "sum": (losses, 0.5, scalar),
        "clip": (flat, scalar, 1.0, None),
        "observe": (scalar, scalar, step, step),
    }
    kernels.norm(flat, scalar)  # whose memory comes with its first call
    for name, arguments in one_launch.items():
        assert counts(lambda: getattr(kernels, name)(*arguments)) == {"kernels": 1}, name  # noqa: B023
    assert counts(lambda: kernels.norm(flat, scalar)) == {"kernels": 2}
    assert counts(lambda: kernels.clip(flat, scalar, None, None)) == {}
    for name, slots, options in UPDATES:
        slot_arrays = [a if a is None else flat for a in TestUpdate().arrays(name, slots, 300)]
        arguments = (flat, flat, *slot_arrays, rates, step)
        update = lambda: getattr(kernels, name)(*arguments, **options, **decay)  # noqa: B023, E731
        assert counts(update) == {"kernels": 1}, name
