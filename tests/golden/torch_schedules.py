"""The learning rate in every step of a run, by PyTorch's schedulers."""

import warnings

import torch
from torch.optim import lr_scheduler as s

STEPS = 200
RATE = 0.25

# What a plateau is told. Falls, rests, falls a little, rises.
LOSSES = [2.0 * 0.9 ** min(i, 40) + (0.001 if i % 7 == 3 else 0.0) for i in range(120)]
LOSSES += [LOSSES[-1] * (1 - 3e-5 * (i + 1)) for i in range(40)] + [0.5 + 0.01 * i for i in range(40)]

# The names are those of the test, `nn-runtime/tests/runtime/schedules.rs`, which has the same settings.
SCHEDULES = {
    "constant": lambda o: s.LambdaLR(o, lambda _: 1.0),
    "step": lambda o: s.StepLR(o, 30, 0.1),
    "step_slow": lambda o: s.StepLR(o, 7, 0.9),
    "exponential": lambda o: s.ExponentialLR(o, 0.95),
    "restarts": lambda o: s.CosineAnnealingWarmRestarts(o, 50),
    "restarts_growing": lambda o: s.CosineAnnealingWarmRestarts(o, 10, T_mult=2, eta_min=0.01 * RATE),
    "one_cycle": lambda o: s.OneCycleLR(o, RATE, total_steps=STEPS, cycle_momentum=False),
    "one_cycle_linear": lambda o: s.OneCycleLR(
        o, RATE, total_steps=STEPS, pct_start=0.45, anneal_strategy="linear", div_factor=10.0,
        final_div_factor=100.0, cycle_momentum=False,
    ),
    "one_cycle_three": lambda o: s.OneCycleLR(
        o, RATE, total_steps=STEPS, pct_start=0.37, three_phase=True, cycle_momentum=False
    ),
    "warm_up": lambda o: s.LinearLR(o, total_iters=13),
    "warm_up_exponential": lambda o: s.SequentialLR(
        o, [s.LinearLR(o, 0.01, total_iters=40), s.ExponentialLR(o, 0.97)], [40]
    ),
    "plateau": lambda o: s.ReduceLROnPlateau(o, eps=0.0),
    "plateau_absolute": lambda o: s.ReduceLROnPlateau(
        o, factor=0.5, patience=2, threshold=0.01, threshold_mode="abs", cooldown=3, min_lr=0.05 * RATE, eps=0.0
    ),
}

# Without restarts, only one period: PyTorch then lets the wave rise again.
COSINE = 80


def rates(make, steps):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=RATE)
    with warnings.catch_warnings():
        # SequentialLR steps its parts with the epoch, of which PyTorch itself disapproves.
        warnings.simplefilter("ignore")
        schedule = make(optimizer)
        found = []
        for step in range(steps):
            found.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            if step + 1 < steps:
                plateau = isinstance(schedule, s.ReduceLROnPlateau)
                schedule.step(LOSSES[step]) if plateau else schedule.step()
    return found


def record():
    runs = {name: rates(make, STEPS) for name, make in SCHEDULES.items()}
    runs["cosine"] = rates(lambda o: s.CosineAnnealingLR(o, COSINE, eta_min=0.1 * RATE), COSINE + 1)
    return {
        "torch_version": torch.__version__.partition("+")[0],
        "learning_rate": RATE,
        "losses": LOSSES,
        "rates": runs,
    }
