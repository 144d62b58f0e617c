"""The note's backward pass as printed and as corrected, each against numeric gradients.

`backward` follows the note equation by equation, slowly. Any of its equations can be put back to
what the note prints (docs/derivation.md numbers them); then the numeric check must fail. With all
corrections it must pass, and agree with the layer that training uses.
"""

import numpy as np
import pytest

from trainer.nn import Linear, LSTMLayer, LSTMState, Parameters

T, B, D, H = 4, 2, 3, 3
GATES = "aifo"


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def forward(x, h0, c0, W, U):
    """Equations 1 to 6, without bias as in the note. W and U hold a matrix for each gate."""
    steps, h, c = [], h0, c0
    for x_t in x:
        hat = {g: x_t @ W[g] + h @ U[g] for g in GATES}
        gate = {g: np.tanh(hat[g]) if g == "a" else sigmoid(hat[g]) for g in GATES}
        c_new = gate["a"] * gate["i"] + c * gate["f"]
        steps.append((x_t, h, c, hat, gate, c_new))
        h, c = np.tanh(c_new) * gate["o"], c_new
    return h, c, steps


def backward(steps, dE_dh, W, U, printed=None):
    """The backward pass; `printed` names the one misprint that is put back."""
    dW, dU = ({g: np.zeros_like(M[g]) for g in GATES} for M in (W, U))
    dx = []
    delta_c = np.zeros_like(steps[0][2])
    from_next = np.zeros_like(delta_c)
    for (x, h_before, c_before, hat, gate, c), from_above in zip(
        reversed(steps), reversed(dE_dh), strict=True
    ):
        dh = from_above if printed == "M2" else from_above + from_next
        delta_c = delta_c + dh * gate["o"] * (1 - np.tanh(c) ** 2)
        d_gate = {
            "o": dh * np.tanh(c),
            "i": delta_c * gate["a"],
            "a": delta_c * gate["i"],
            "f": delta_c * c_before,
        }
        slope = {g: gate[g] * (1 - gate[g]) for g in "ifo"} | {"a": 1 - gate["a"] ** 2}
        if printed == "M4":
            slope["a"] = 1 - np.tanh(hat["a"])
        if printed == "M5":
            slope["i"] = hat["a"] * (1 - hat["a"])
        if printed == "M6":
            slope["f"] = hat["f"] * (1 - hat["f"])
        if printed == "M7":
            slope["o"] = hat["o"] * (1 - hat["o"])
        d_hat = {g: d_gate[g] * slope[g] for g in GATES}
        for g in GATES:
            if not (printed == "M1" and g == "a"):
                dW[g] += x.T @ d_hat[g]
                dU[g] += h_before.T @ d_hat[g]
        dx.append(sum(d_hat[g] @ W[g].T for g in GATES))
        from_next = sum(d_hat[g] @ U[g].T for g in GATES)
        delta_c = delta_c if printed == "M3" else delta_c * gate["f"]
    return dx[::-1], dW, dU, from_next, delta_c


def problem():
    rng = np.random.default_rng(0)
    x, dE_dh = rng.standard_normal((T, B, D)), rng.standard_normal((T, B, H))
    h0, c0 = rng.standard_normal((2, B, H))
    W = {g: rng.standard_normal((D, H)) for g in GATES}
    U = {g: rng.standard_normal((H, H)) for g in GATES}
    return x, dE_dh, h0, c0, W, U


def numeric_errors(printed):
    """Relative error of each gradient against central differences of E = sum(h * dE_dh)."""
    x, dE_dh, h0, c0, W, U = problem()

    def loss():
        _, _, steps = forward(x, h0, c0, W, U)
        hs = [np.tanh(c) * gate["o"] for *_, gate, c in steps]
        return sum((h * d).sum() for h, d in zip(hs, dE_dh, strict=True))

    dx, dW, dU, dh0, dc0 = backward(forward(x, h0, c0, W, U)[2], dE_dh, W, U, printed)
    pairs = {"x": (x, np.stack(dx)), "h0": (h0, dh0), "c0": (c0, dc0)}
    pairs |= {f"W_{g}": (W[g], dW[g]) for g in GATES} | {f"U_{g}": (U[g], dU[g]) for g in GATES}
    errors = {}
    for name, (value, analytic) in pairs.items():
        numeric = np.zeros_like(value)
        for place in np.ndindex(value.shape):
            kept, sides = value[place], []
            for distance in (1e-5, -1e-5):
                value[place] = kept + distance
                sides.append(loss())
            value[place] = kept
            numeric[place] = (sides[0] - sides[1]) / 2e-5
        norm = np.linalg.norm
        errors[name] = norm(analytic - numeric) / (norm(analytic) + norm(numeric))
    return errors


def test_the_corrected_note_passes():
    assert max(numeric_errors(None).values()) < 1e-8


@pytest.mark.parametrize(
    ("misprint", "wrong"),
    [
        ("M1", {"W_a", "U_a"}),
        ("M2", {"x", "h0", "c0", "W_a", "U_a"}),
        ("M3", {"x", "h0", "c0", "W_a", "W_i", "W_f"}),
        ("M4", {"W_a", "U_a", "x"}),
        ("M5", {"W_i", "U_i", "x"}),
        ("M6", {"W_f", "U_f", "x"}),
        ("M7", {"W_o", "U_o", "x"}),
    ],
)
def test_the_printed_form_fails(misprint, wrong):
    errors = numeric_errors(misprint)
    assert {name for name, error in errors.items() if error > 1e-2} >= wrong


def test_the_layer_agrees_with_the_corrected_note(backend, host):
    x, dE_dh, h0, c0, W, U = problem()
    parameters = Parameters(backend, {"W": (D, 4 * H), "U": (H, 4 * H)}, "float64")
    for name, by_gate in (("W", W), ("U", U)):
        side_by_side = np.concatenate([by_gate[g] for g in GATES], axis=1)
        parameters[name].value[...] = backend.asarray(side_by_side)
    layer = LSTMLayer(backend, Linear(backend, parameters["W"]), parameters["U"], None)

    h_T, c_T, steps = forward(x, h0, c0, W, U)
    h, after = layer.forward(backend.asarray(x), LSTMState(*map(backend.asarray, (h0, c0))))
    np.testing.assert_allclose(host(h)[-1], h_T, rtol=0, atol=1e-14)
    np.testing.assert_allclose(host(after.c), c_T, rtol=0, atol=1e-14)

    dx, dW, dU, dh0, dc0 = backward(steps, dE_dh, W, U)
    layer_dx, before = layer.backward(backend.asarray(dE_dh.copy()))
    for found, expected in [
        (layer_dx, np.stack(dx)),
        (before.h, dh0),
        (before.c, dc0),
        (parameters["W"].gradient, np.concatenate([dW[g] for g in GATES], axis=1)),
        (parameters["U"].gradient, np.concatenate([dU[g] for g in GATES], axis=1)),
    ]:
        np.testing.assert_allclose(host(found), expected, rtol=0, atol=1e-13)
