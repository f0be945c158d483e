"""L-BFGS on two models, iteration by iteration, by PyTorch."""

import numpy as np
import torch

import torch_training

ITERATIONS = 12

# As many evaluations in a line search as the runtime makes.
SEARCH = 25


def network(rng, draw):
    """The network of `torch_training.py`, with a penalty that gives it a minimum."""
    x, t = draw(rng, (60, 3)), draw(rng, (60, 2))
    start = np.concatenate([draw(rng, shape, 0.5).ravel() for shape in torch_training.SHAPES])

    def loss(p, x, t):
        sizes = [int(np.prod(shape)) for shape in torch_training.SHAPES]
        parts = zip(torch_training.NAMES, torch.split(p, sizes), torch_training.SHAPES, strict=True)
        params = {name: part.reshape(shape) for name, part, shape in parts}
        penalty = (params["h.weight"] ** 2).sum() + (params["y.weight"] ** 2).sum()
        return torch_training.loss(params, x, t) + 0.01 * penalty

    return start, x, t, loss


def logistic(rng, draw):
    """`y = sigmoid(x1 w1 + x2 w2 + b)` with the binary cross-entropy, on clouds that overlap."""
    t = rng.integers(0, 2, (80, 1)).astype(float)
    x = draw(rng, (80, 2)) + 1.5 * t * np.array([1.0, -1.0])
    start = draw(rng, (3,))

    def loss(p, x, t):
        q = x @ p[:2] + p[2]
        return torch.nn.functional.binary_cross_entropy_with_logits(q, t[:, 0])

    return start, x, t, loss


def run(start, x, t, loss):
    p = torch.tensor(start, requires_grad=True)
    x, t = torch.tensor(x), torch.tensor(t)

    def steps(optimizer, count):
        def closure():
            optimizer.zero_grad()
            value = loss(p, x, t)
            value.backward()
            return value

        for _ in range(count):
            optimizer.step(closure)
            yield p.detach().tolist(), loss(p, x, t).item()

    # One iteration a step, so that each one can be looked at.
    one = {"max_iter": 1, "max_eval": SEARCH + 1, "history_size": 10, "line_search_fn": "strong_wolfe"}
    first = list(steps(torch.optim.LBFGS([p], **one), ITERATIONS))
    many = {"max_iter": 5000, "tolerance_grad": 1e-12, "tolerance_change": 1e-16, "line_search_fn": "strong_wolfe"}
    minimum = list(steps(torch.optim.LBFGS([p], history_size=10, **many), 20))[-1]
    return first, minimum


def record(draw):
    """The golden record. `draw(rng, shape)` gives normal numbers that f32 holds exactly."""
    models = {}
    for seed, make in [(52, network), (53, logistic)]:
        start, x, t, loss = make(np.random.Generator(np.random.PCG64(seed)), draw)
        first, (minimum, least) = run(start, x, t, loss)
        models[make.__name__] = {
            "start": start.tolist(),
            "inputs": x.tolist(),
            "targets": t.tolist(),
            "iterations": [parameters for parameters, _ in first],
            "losses": [value for _, value in first],
            "minimum": minimum,
            "least_loss": least,
        }
    return {"torch_version": torch.__version__.partition("+")[0], "models": models}
