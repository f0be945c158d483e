"""Fifty steps of every optimiser of the runtime, by PyTorch's own ones.

The gradients are drawn, not computed from the parameters: each step then tests the optimiser alone.
"""

import numpy as np
import torch

STEPS = 50

# The deviation of each parameter's gradient. One has none, as behind a relu that is off.
SCALES = [1.0, 1.0, 30.0, 0.02, 0.0]


class Lion(torch.optim.Optimizer):
    """Program 1 of Chen et al., line by line. PyTorch has no Lion."""

    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                state = self.state[p]
                m = state.setdefault("m", torch.zeros_like(p))
                update = torch.sign(beta1 * m + (1 - beta1) * p.grad)
                p -= group["lr"] * (update + group["weight_decay"] * p)
                state["m"] = beta2 * m + (1 - beta2) * p.grad


# The names are those of the test, `nn-runtime/tests/runtime/optimizers.rs`, which has the same settings.
OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {"lr": 0.05}),
    "sgd_decay": (torch.optim.SGD, {"lr": 0.05, "weight_decay": 0.1}),
    "momentum": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9}),
    "nesterov": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
    "adam": (torch.optim.Adam, {"lr": 0.01}),
    "adam_decay": (torch.optim.Adam, {"lr": 0.1, "betas": (0.7, 0.95), "eps": 1e-3, "weight_decay": 0.1}),
    "adamw": (torch.optim.AdamW, {"lr": 0.01}),
    "adamw_decay": (torch.optim.AdamW, {"lr": 0.1, "betas": (0.7, 0.95), "eps": 1e-3, "weight_decay": 0.3}),
    "nadam": (torch.optim.NAdam, {"lr": 0.01}),
    "nadam_decay": (torch.optim.NAdam, {"lr": 0.1, "betas": (0.7, 0.95), "eps": 1e-3, "weight_decay": 0.1}),
    "rmsprop": (torch.optim.RMSprop, {"lr": 0.01, "alpha": 0.9}),
    "rmsprop_momentum": (
        torch.optim.RMSprop,
        {"lr": 0.01, "alpha": 0.99, "eps": 1e-3, "momentum": 0.9, "weight_decay": 0.1},
    ),
    "adagrad": (torch.optim.Adagrad, {"lr": 0.1}),
    "adagrad_decay": (torch.optim.Adagrad, {"lr": 0.1, "eps": 1e-3, "weight_decay": 0.1}),
    "lion": (Lion, {"lr": 0.01}),
    "lion_decay": (Lion, {"lr": 0.01, "betas": (0.8, 0.95), "weight_decay": 0.3}),
}


def run(optimizer, settings, start, gradients):
    """The parameters after each step."""
    p = torch.tensor(start, requires_grad=True)
    optimizer = optimizer([p], **settings)
    rows = []
    for gradient in gradients:
        p.grad = torch.tensor(gradient)
        optimizer.step()
        rows.append(p.detach().tolist())
    return rows


def record(draw):
    """The golden record. `draw(rng, shape)` gives normal numbers that f32 holds exactly."""
    rng = np.random.Generator(np.random.PCG64(50))
    start = draw(rng, (len(SCALES),))
    gradients = np.stack([draw(rng, (STEPS,), scale) for scale in SCALES], axis=1)
    # NAdam keeps its product of momenta in the default type, which is f32.
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    steps = {name: run(*spec, start, gradients) for name, spec in OPTIMIZERS.items()}
    torch.set_default_dtype(default)
    return {
        "torch_version": torch.__version__.partition("+")[0],
        "start": start.tolist(),
        "gradients": gradients.tolist(),
        "steps": steps,
    }
