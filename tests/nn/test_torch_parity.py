"""PyTorch's own LSTM, loss, clipping and optimizers give the same numbers: float64, to 1e-10."""

import numpy as np
import pytest

from trainer.backend import create_backend
from trainer.nn import CharacterLSTM, LSTMState
from trainer.optim import SGD, Adam, Clipping, NonFiniteLatch, RMSProp

torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")

V, H, T, B = 11, 6, 7, 3


class TorchModel(torch.nn.Module):
    """The same network of PyTorch's modules, fed with vectors, with a copy of our parameters."""

    def __init__(self, model, embedding_size, bias):
        super().__init__()
        D = embedding_size or V
        self.embedding = torch.nn.Linear(V, D, bias=False) if embedding_size else None
        self.lstm = torch.nn.LSTM(D, H, model.num_layers, bias=bias)
        self.output = torch.nn.Linear(H, V)
        self.double()
        values = as_in_torch(model, model.parameters.values)
        for name, parameter in self.named_parameters():
            # PyTorch adds two biases to each gate: the second one stays zero.
            parameter.requires_grad = name in values
            parameter.data[...] = torch.from_numpy(values[name]) if name in values else 0

    def forward(self, x, state):
        h, after = self.lstm(self.embedding(x) if self.embedding else x, state)
        return h, self.output(h), after

    def loss(self, logits, targets):
        return torch.nn.functional.cross_entropy(logits.reshape(-1, V), targets.reshape(-1))


def as_in_torch(model, flat):
    """Lay out our parameters or gradients as PyTorch does, under its names."""

    def gates(name):
        a, i, f, o = np.split(model.parameters.view(flat, name), 4, axis=-1)
        return np.concatenate([i, f, a, o], axis=-1).T

    arrays = {
        "output.weight": model.parameters.view(flat, "output.W").T,
        "output.bias": model.parameters.view(flat, "output.b"),
    }
    if "embedding.W" in model.parameters:
        arrays["embedding.weight"] = model.parameters.view(flat, "embedding.W").T
    for k in range(model.num_layers):
        arrays[f"lstm.weight_ih_l{k}"] = gates(f"lstm.{k}.W")
        arrays[f"lstm.weight_hh_l{k}"] = gates(f"lstm.{k}.U")
        if f"lstm.{k}.b" in model.parameters:
            arrays[f"lstm.bias_ih_l{k}"] = gates(f"lstm.{k}.b")
    return arrays


def make_models(rng, num_layers, embedding_size=None, bias=True):
    options = {"embedding_size": embedding_size, "bias": bias, "dtype": "float64"}
    model = CharacterLSTM(create_backend(), V, H, num_layers, **options)
    for name in model.parameters:
        value = model.parameters[name].value
        value[...] = rng.standard_normal(value.shape)
    return model, TorchModel(model, embedding_size, bias)


def make_state(rng, num_layers):
    return LSTMState(*rng.standard_normal((2, num_layers, B, H)))


def assert_same(found, expected):
    np.testing.assert_allclose(found, expected.detach().numpy(), rtol=0, atol=1e-10)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("embedding_size", [None, 5])
@pytest.mark.parametrize("one_hot", [True, False])
@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_forward_and_backward(num_layers, one_hot, embedding_size, bias):
    rng = np.random.default_rng(0)
    model, torch_model = make_models(rng, num_layers, embedding_size, bias)
    ids, targets = rng.integers(0, V, (2, T, B))
    vectors = np.eye(V)[ids] if one_hot else rng.standard_normal((T, B, V))
    x, state = ids if one_hot else vectors, make_state(rng, num_layers)
    dstate = make_state(rng, num_layers)  # as if the text went on after the window

    torch_x = torch.tensor(vectors, requires_grad=True)
    torch_state = [torch.tensor(array, requires_grad=True) for array in state]
    torch_h, torch_logits, torch_after = torch_model(torch_x, torch_state)
    torch_loss = torch_model.loss(torch_logits, torch.from_numpy(targets))
    beyond = sum(
        (array * torch.from_numpy(gradient)).sum()
        for array, gradient in zip(torch_after, dstate, strict=True)
    )
    (torch_loss + beyond).backward()

    h, _ = model.lstm.forward(model.embedding.forward(x) if model.embedding else x, state)
    assert_same(h, torch_h)
    logits, after = model.forward(x, state)
    assert_same(logits, torch_logits)
    assert_same(after.h, torch_after[0])
    assert_same(after.c, torch_after[1])
    assert_same(model.loss.forward(logits, targets).mean(), torch_loss)

    dx, dbefore = model.backward(model.loss.backward(), dstate)
    if not one_hot:
        assert_same(dx, torch_x.grad)
    assert_same(dbefore.h, torch_state[0].grad)
    assert_same(dbefore.c, torch_state[1].grad)
    for name, gradient in as_in_torch(model, model.parameters.gradients).items():
        assert_same(gradient, torch_model.get_parameter(name).grad)


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize(
    ("method", "torch_method", "rate", "options"),
    [
        (SGD, torch.optim.SGD, 0.1, {}),
        (SGD, torch.optim.SGD, 0.1, {"momentum": 0.9}),
        (SGD, torch.optim.SGD, 0.1, {"momentum": 0.9, "nesterov": True}),
        (RMSProp, torch.optim.RMSprop, 0.01, {}),
        (RMSProp, torch.optim.RMSprop, 0.01, {"alpha": 0.9, "eps": 1e-3, "momentum": 0.5}),
        (Adam, torch.optim.Adam, 0.01, {}),
        (Adam, torch.optim.Adam, 0.01, {"betas": (0.8, 0.95), "eps": 1e-3}),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_twenty_steps_of_clipping_and_an_optimizer(
    method, torch_method, rate, options, weight_decay
):
    rng = np.random.default_rng(1)
    model, torch_model = make_models(rng, num_layers=2)
    maximum = 0.5
    clipping, latch = Clipping(model.parameters, maximum, None), NonFiniteLatch(model.backend)
    optimizer = method(model.parameters, weight_decay=weight_decay, **options)
    weights = [p for p in torch_model.parameters() if p.requires_grad]
    groups = [  # ours leaves biases alone
        {"params": [p for p in weights if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in weights if p.ndim == 1]},
    ]
    torch_optimizer = torch_method(groups, lr=rate, **options)

    state = model.zero_state(B)
    torch_state = [torch.from_numpy(array.copy()) for array in state]
    clipped = 0
    for step in range(20):
        ids, targets = rng.integers(0, V, (2, T, B))
        logits, state = model.forward(ids, state)
        loss = model.loss.forward(logits, targets).mean()
        model.backward(model.loss.backward())
        norm = clipping()
        latch.observe(np.array(step), loss, norm)
        optimizer.step(np.array(optimizer.rates(step + 1, rate)), latch)
        clipped += bool(norm > maximum)

        _, torch_logits, after = torch_model(torch.from_numpy(np.eye(V)[ids]), torch_state)
        torch_state = [array.detach() for array in after]
        torch_optimizer.zero_grad()
        torch_model.loss(torch_logits, torch.from_numpy(targets)).backward()
        torch_norm = torch.nn.utils.clip_grad_norm_(weights, maximum)
        torch_optimizer.step()
        assert_same(norm, torch_norm)

    assert 0 < clipped < 20  # clipping did something, and was not all that was done
    for name, value in as_in_torch(model, model.parameters.values).items():
        assert_same(value, torch_model.get_parameter(name))
