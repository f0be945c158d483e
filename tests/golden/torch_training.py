"""Fifty updates of a small network with clipping and with groups of parameters, by PyTorch."""

import numpy as np
import torch

STEPS = 50
ROWS = 24

NAMES = ["h.weight", "h.bias", "y.weight", "y.bias"]
SHAPES = [(3, 5), (5,), (5, 2), (2,)]


def loss(params, x, t):
    """`y = dense(tanh(dense(x, 5)), 2)` with the mean squared error: the mean over outputs and rows."""
    h = torch.tanh(x @ params["h.weight"] + params["h.bias"])
    return ((h @ params["y.weight"] + params["y.bias"] - t) ** 2).mean()


def norm(limit):
    return lambda params: torch.nn.utils.clip_grad_norm_(params, limit)


def value(limit):
    return lambda params: torch.nn.utils.clip_grad_value_(params, limit)


def nothing(_):
    pass


# The names are those of the test, `nn-runtime/tests/runtime/groups.rs`, which has the same settings: the optimiser, its
# settings, what is done with the gradients, and what is special for each group.
RUNS = {
    "plain": (torch.optim.SGD, {"lr": 0.3}, nothing, {}),
    "clip_norm": (torch.optim.SGD, {"lr": 0.3, "momentum": 0.9}, norm(0.5), {}),
    "clip_norm_adam": (torch.optim.Adam, {"lr": 0.05}, norm(0.01), {}),
    "clip_value": (torch.optim.SGD, {"lr": 0.3}, value(0.05), {}),
    "groups_sgd": (
        torch.optim.SGD,
        {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01},
        nothing,
        {"h.bias": {"weight_decay": 0.0}, "y.bias": {"weight_decay": 0.0}, "y.weight": {"lr": 0.02}},
    ),
    "groups_adamw": (
        torch.optim.AdamW,
        {"lr": 0.02, "weight_decay": 0.1},
        norm(0.2),
        {"h.weight": {"lr": 0.06, "weight_decay": 0.3}, "h.bias": {"lr": 0.06, "weight_decay": 0.3}},
    ),
    "groups_rmsprop": (
        torch.optim.RMSprop,
        {"lr": 0.01, "alpha": 0.9, "weight_decay": 0.1},
        nothing,
        {"y.bias": {"lr": 0.0}, "h.bias": {"weight_decay": 0.0}},
    ),
}


def run(spec, start, x, t):
    """All parameters, flat, after each update."""
    optimizer, settings, clip, special = spec
    params = {n: torch.tensor(v, requires_grad=True) for n, v in zip(NAMES, start, strict=True)}
    groups = [{"params": [params[n]], **special.get(n, {})} for n in NAMES]
    optimizer = optimizer(groups, **settings)
    rows = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss(params, x, t).backward()
        clip(list(params.values()))
        optimizer.step()
        rows.append(torch.cat([p.detach().flatten() for p in params.values()]).tolist())
    return rows


def record(draw):
    """The golden record. `draw(rng, shape)` gives normal numbers that f32 holds exactly."""
    rng = np.random.Generator(np.random.PCG64(51))
    start = [draw(rng, shape, 0.5) for shape in SHAPES]
    x, t = draw(rng, (ROWS, 3)), draw(rng, (ROWS, 2), 3.0)
    steps = {name: run(spec, start, torch.tensor(x), torch.tensor(t)) for name, spec in RUNS.items()}
    return {
        "torch_version": torch.__version__.partition("+")[0],
        "start": np.concatenate([value.ravel() for value in start]).tolist(),
        "inputs": x.tolist(),
        "targets": t.tolist(),
        "steps": steps,
    }
