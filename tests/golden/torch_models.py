"""The models of `tests/models/`, written a second time with PyTorch's own functions.

Each one is the maths of one example, like its twin: the batch is a loop in `generate.py`. Functions
with a kink go through `away_from_kink`: data that lie on one would make f32 and f64 take different
sides, and say nothing about either.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F

Tensor = torch.Tensor
Shapes = dict[str, list[int]]


@dataclass(frozen=True)
class Model:
    """One model: shapes in order of declaration, forward function, loss and kind of target."""

    inputs: Shapes
    params: Shapes
    # forward(params, *inputs) gives the output, several outputs flattened into one.
    forward: Callable[..., Tensor]
    # loss(output, target, params), of one example. None: the model has no loss.
    loss: Callable[[Tensor, Tensor, dict[str, Tensor]], Tensor] | None
    # "real": like the output; "value": one number; "binary": zeros and ones; int K: a class of K; (N, K): N of them.
    target: str | int | tuple[int, int] = "real"
    seed: int = 0


# How near to a kink is too near: far above the rounding errors of f32 at these magnitudes.
MARGIN = 1e-5


def away_from_kink(distance: Tensor) -> None:
    """Refuses data on which f32 and f64 might fall on different sides of a kink at zero."""
    nearest = distance.detach().abs().min().item()
    if nearest < MARGIN:
        raise ValueError(f"{nearest:.1e} away from a kink: choose another seed for this model")


def relu(z):
    away_from_kink(z)
    return F.relu(z)


def leaky_relu(z, slope):
    away_from_kink(z)
    return F.leaky_relu(z, slope)


def absolute(z):
    away_from_kink(z)
    return z.abs()


def maximum(a, b):
    away_from_kink(a - b)
    return torch.maximum(a, b)


def minimum(a, b):
    away_from_kink(a - b)
    return torch.minimum(a, b)


def max_over(z, axis):
    largest, second = torch.topk(z, 2, dim=axis).values.unbind(axis)
    away_from_kink(largest - second)
    return largest


def clamp(z, low, high):
    away_from_kink(z - low)
    away_from_kink(z - high)
    return torch.clamp(z, low, high)


def where_greater(a, b, then, otherwise):
    """`select(a > b, then, otherwise)`."""
    away_from_kink(a - b)
    return torch.where(a > b, then, otherwise)


def mse(y, target, _params=None):
    return F.mse_loss(y, target)


def mae(y, target, _params=None):
    away_from_kink(y - target)
    return F.l1_loss(y, target)


def huber(y, target, delta=1.0):
    away_from_kink((y - target).abs() - delta)
    return F.huber_loss(y, target, delta=delta)


def binary_cross_entropy(y, target, _params=None):
    return F.binary_cross_entropy(y, target)


def cross_entropy(p, target, _params=None):
    return F.nll_loss(torch.log(p), target)


def regularised_loss(p, target, params):
    # Logarithms of probabilities are logits of them. All examples weigh 1, and outside of training nothing is dropped.
    loss = F.cross_entropy(torch.log(p), target, label_smoothing=0.1)
    return loss + 1e-3 * (params["h.weight"] ** 2).sum()


def layer(name, inputs, outputs):
    """The parameters that `name = …dense(…, outputs)` makes."""
    return {f"{name}.weight": [inputs, outputs], f"{name}.bias": [outputs]}


def dense(p, name, x):
    return x @ p[f"{name}.weight"] + p[f"{name}.bias"]


def softmax(z):
    return torch.softmax(z, dim=-1)


def weighted_sum(p, x1, x2):
    return x1 * p["w1"] + x2 * p["w2"]


def affine(p, x):
    return torch.dot(x, p["w"]) + p["b"]


def mlp_play(p, x):
    h1 = torch.tanh(dense(p, "h1", x))
    h2 = torch.tanh(dense(p, "h2", h1))
    return torch.sigmoid(dense(p, "y", h2))


def jet(p, x):
    h1 = relu(dense(p, "h1", x))
    h2 = relu(dense(p, "h2", h1))
    h3 = relu(dense(p, "h3", h2))
    return softmax(dense(p, "y", h3))


def deep(p, x):
    x = x / 2
    h1 = F.gelu(dense(p, "h1", x))
    h2 = F.silu(dense(p, "h2", h1))
    left = F.elu(dense(p, "left", h2))
    right = leaky_relu(dense(p, "right", h2), 0.1)
    return F.softplus(dense(p, "y", torch.cat([left, right])))


def deep_loss(y, target, p):
    penalty = p["h1.weight"].square().sum() + p["h2.weight"].square().sum()
    return F.mse_loss(y, target) + 1e-3 * penalty


def residual_block(p, name, x):
    h = relu(dense(p, f"{name}.h", x))
    return x + dense(p, name, h)


def residual(p, x):
    h = torch.tanh(dense(p, "h", x))
    for name in ["h_2", "h_3", "h_4"]:
        h = relu(dense(p, name, h))
    r = residual_block(p, "r", h)
    s = residual_block(p, "s", r)
    return softmax(dense(p, "y", s))


def gaussian_nll(y, target, _params):
    mean, log_var = y
    # The library's own loss takes the variance; its constant is off by default, as in the model.
    return F.gaussian_nll_loss(mean, target, torch.exp(log_var), eps=0.0)


def double(p, x):
    return torch.dot(torch.tanh(x @ p["w"] + p["b"]), p["v"]) + p["c"]


def matrix_input(p, x):
    mixed = p["a"] @ x @ p["w"]
    gram = mixed.T @ mixed
    weighted = p["a"] @ (x @ p["u"]) + (p["v"] @ x) @ p["w"]
    peaks = max_over(mixed, 0) + gram.mean(dim=1)
    return weighted + peaks + mixed.sum(dim=1) - x.mean() * x.sum(dim=(0, 1))


def slices(p, x):
    m = x.reshape(3, 4)
    row = m[1]
    tail = x[8:12]
    mixed = torch.cat([row[0:2] + p["b"], tail[2:4] * x[0]])
    tall = torch.cat([m[0:2], tail.reshape(1, 4)], dim=0)
    wide = torch.cat([tall * p["w"], m], dim=1)
    return mixed * torch.diagonal(wide).sum() + wide.flatten()[10:14]


def select(p, x):
    t = p["t"]
    z = x * p["w"] + p["b"]
    gated = where_greater(z, t, z, 0.1 * z + t)
    size = absolute(x)
    bowl = where_greater(size, torch.ones_like(x), 2 * size - 1, x.square())
    signed = where_greater(torch.zeros_like(x), x, bowl * t, z)
    return maximum(gated, clamp(2 * z, -1, 1)) + minimum(bowl, p["w"]) - signed


def broadcast(p, x, s, v, c):
    m = x * v + c - s
    q = p["a"] * m + p["d"]
    r = torch.tanh(q) * p["k"].broadcast_to(3, 4) + c * p["k"]
    return r.sum(dim=2) / 4 + m.mean(dim=1)


def shared(p, x):
    positive = F.softplus(p["scale"])
    unit = p["w"] / torch.linalg.vector_norm(p["w"], dim=0)
    code = torch.tanh((x * positive) @ unit + p["b"])
    return (code @ unit.T) / positive + p["c"]


def shared_loss(y, target, p):
    return F.mse_loss(y, target) + 1e-2 * absolute(p["w"]).mean()


def functions(p, x):
    w, k = p["w"], p["k"]
    bell = torch.exp(-x.square() / 2)
    wave = torch.sin(w * x) + torch.cos(x - k)
    power = torch.pow(1 + x.square(), k / 2) - torch.pow(x, 3) / 6
    root = torch.sqrt(x.square() + 1) + torch.log(2 + x.square())
    table = torch.sigmoid(torch.outer(x, w))
    scores = torch.log_softmax(w * x, dim=0) - torch.logsumexp(table, dim=0)
    return bell * wave + torch.tanh(power) / root + 0.1 * scores


CELL = {"w": "weight_ih_l0", "u": "weight_hh_l0", "b": "bias_ih_l0", "c": "bias_hh_l0"}


def recurrent(cell, p, x, *states):
    """All states of a recurrent layer of the library, with parameters of ours: its matrices are transposed."""
    layer = cell(x.shape[1], p["u"].shape[0])
    weights = {theirs: p[ours].mT if p[ours].ndim == 2 else p[ours] for ours, theirs in CELL.items()}
    begin = [state.reshape(1, -1) for state in states]
    hs, _ = torch.func.functional_call(layer, weights, (x, tuple(begin)) if begin else (x,))
    return hs


TWO_SCALARS = {"x1": [], "x2": []}
TWO_WEIGHTS = {"w1": [], "w2": []}

def images(p, x):
    c1 = relu(F.conv2d(x, p["c1.weight"], p["c1.bias"], padding=1))
    # Windows of zeros alone are ties, but of what relu lets nothing through.
    c2 = torch.tanh(F.conv2d(F.max_pool2d(c1, 2), p["c2.weight"], p["c2.bias"]))
    return softmax(dense(p, "p", c2.flatten()))


MODELS = {
    "slide": Model(TWO_SCALARS, TWO_WEIGHTS, weighted_sum, lambda y, target, _: y - target),
    "slide_mse": Model(TWO_SCALARS, TWO_WEIGHTS, weighted_sum, mse),
    "linear": Model({"x": [10]}, {"w": [10], "b": []}, affine, mse),
    "linear_mae": Model({"x": [10]}, {"w": [10], "b": []}, affine, mae),
    "logistic": Model(
        TWO_SCALARS,
        {**TWO_WEIGHTS, "b": []},
        lambda p, x1, x2: torch.sigmoid(weighted_sum(p, x1, x2) + p["b"]),
        binary_cross_entropy,
        "binary",
    ),
    "logistic30": Model(
        {"x": [30]},
        {"w": [30], "b": []},
        lambda p, x: torch.sigmoid(affine(p, x)),
        lambda y, target, p: F.binary_cross_entropy(y, target) + 1e-2 * p["w"].square().sum(),
        "binary",
    ),
    "softmax_iris": Model(
        {"x": [4]}, layer("p", 4, 3), lambda p, x: softmax(dense(p, "p", x)), cross_entropy, 3
    ),
    "mlp_play": Model(
        {"x": [2]},
        {**layer("h1", 2, 8), **layer("h2", 8, 8), **layer("y", 8, 1)},
        mlp_play,
        binary_cross_entropy,
        "binary",
    ),
    "jet": Model(
        {"x": [16]},
        {**layer("h1", 16, 64), **layer("h2", 64, 32), **layer("h3", 32, 32), **layer("y", 32, 5)},
        jet,
        cross_entropy,
        5,
    ),
    "digits": Model(
        {"x": [64]},
        {**layer("h", 64, 32), **layer("y", 32, 10)},
        lambda p, x: softmax(dense(p, "y", relu(dense(p, "h", x)))),
        cross_entropy,
        10,
    ),
    "images": Model(
        {"x": [1, 8, 8]},
        {"c1.weight": [4, 1, 3, 3], "c1.bias": [4], "c2.weight": [6, 4, 3, 3], "c2.bias": [6], **layer("p", 24, 3)},
        images,
        cross_entropy,
        3,
    ),
    "regularised": Model(
        {"x": [8]},
        {**layer("h", 8, 16), **layer("y", 16, 4)},
        lambda p, x: softmax(dense(p, "y", relu(dense(p, "h", x)))),
        regularised_loss,
        4,
    ),
    "deep": Model(
        {"x": [8]},
        {
            **layer("h1", 8, 12),
            **layer("h2", 12, 10),
            **layer("left", 10, 6),
            **layer("right", 10, 6),
            **layer("y", 12, 2),
        },
        deep,
        deep_loss,
    ),
    "residual": Model(
        {"x": [6]},
        {
            **layer("h", 6, 8),
            **layer("h_2", 8, 8),
            **layer("h_3", 8, 8),
            **layer("h_4", 8, 8),
            **layer("r.h", 8, 8),
            **layer("r", 8, 8),
            **layer("s.h", 8, 8),
            **layer("s", 8, 8),
            **layer("y", 8, 3),
        },
        residual,
        cross_entropy,
        3,
    ),
    "two_outputs": Model(
        {"x": [3]},
        {**layer("h", 3, 8), **layer("out", 8, 2)},
        lambda p, x: dense(p, "out", torch.tanh(dense(p, "h", x))),
        gaussian_nll,
        "value",
    ),
    "double": Model(
        {"x": [3]},
        {"w": [3, 4], "b": [4], "v": [4], "c": []},
        double,
        lambda y, target, p: (y - target).square() + 1e-4 * p["w"].square().sum(),
    ),
    "no_loss": Model(
        {"x": [3]},
        {**layer("h", 3, 6), **layer("y", 6, 4)},
        lambda p, x: dense(p, "y", torch.tanh(dense(p, "h", x))),
        None,
    ),
    "matrix_input": Model({"x": [4, 6]}, {"a": [3, 4], "w": [6, 3], "u": [6], "v": [4]}, matrix_input, mse),
    "slices": Model({"x": [12]}, {"w": [3, 4], "b": [2]}, slices, mse),
    "select": Model(
        {"x": [6]},
        {"w": [6], "b": [6], "t": []},
        select,
        lambda y, target, _: huber(y, target),
    ),
    "huber": Model(
        {"x": [5]},
        {"w": [6], "b": [], **layer("h", 5, 6)},
        lambda p, x: torch.dot(relu(dense(p, "h", x)), p["w"]) + p["b"],
        lambda y, target, _: huber(y, target, 0.5),
    ),
    "broadcast": Model(
        {"x": [3, 4], "s": [], "v": [4], "c": [3, 1]},
        {"a": [2, 3, 4], "d": [2, 1, 1], "k": [4]},
        broadcast,
        mse,
    ),
    "shared": Model(
        {"x": [6]},
        {"w": [6, 4], "scale": [6], "b": [4], "c": [6]},
        shared,
        shared_loss,
    ),
    "functions": Model({"x": [5]}, {"w": [5], "k": []}, functions, mse),
    "rnn": Model(
        {"x": [5, 3]},
        {"w": [3, 4], "b": [4], "u": [4, 4], "c": [4], **layer("y", 4, 2)},
        lambda p, x: dense(p, "y", recurrent(torch.nn.RNN, p, x)),
        mse,
    ),
    "gru": Model(
        {"x": [6, 3]},
        {"w": [3, 12], "b": [12], "u": [4, 12], "c": [12], **layer("p", 4, 3)},
        lambda p, x: softmax(dense(p, "p", recurrent(torch.nn.GRU, p, x))),
        cross_entropy,
        (6, 3),
    ),
    "lstm": Model(
        {"x": [6, 3]},
        {"w": [3, 16], "b": [16], "u": [4, 16], "c": [16], "h0": [4], "m0": [4], **layer("y", 4, 2)},
        lambda p, x: dense(p, "y", recurrent(torch.nn.LSTM, p, x, p["h0"], p["m0"])[-1]),
        mse,
    ),
}
