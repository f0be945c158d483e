"""Regenerates the data sets and every golden file: `python tests/golden/generate.py`.

Written for people to rerun and for tests to compare with, so the same versions give the same bytes.
"""

import os

# Code paths that depend on neither the processor nor its cores. Read when the libraries load.
os.environ["ATEN_CPU_CAPABILITY"] = "default"
os.environ["MKL_CBWR"] = "COMPATIBLE"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import json
import math
import zlib
from pathlib import Path

import numpy as np
import torch

import datasets
import frames
import sklearn_fits
import sklearn_metrics
import torch_batch_norm
import torch_kinks
import torch_lbfgs
import torch_optimizers
import torch_curves
import torch_schedules
import torch_training
import torch_windows
from torch_models import MODELS, Model

GOLDEN = Path(__file__).resolve().parent

# Two tiles of sixteen examples, or one of thirty-two, and a rest.
EXAMPLES = 37

# Every number drawn is a multiple of this: exact in f32, so that f32 and f64 get the same data.
GRID = 2.0**-12


# The most that rounding in f64 leaves of a zero at these magnitudes.
NOISE = 1e-15


def draw(rng, shape, std=1.0):
    """Normal numbers rounded to the grid."""
    return np.round(rng.normal(0.0, std, shape) / GRID) * GRID


def draw_param(rng, shape):
    """A tensor whose scale keeps the signal of a layer moderate."""
    std = 1.0 / math.sqrt(shape[-2]) if len(shape) > 1 else 0.5
    return draw(rng, shape, std)


def draw_targets(rng, model: Model, output_shape):
    """One target for each example."""
    match model.target:
        case "real":
            return draw(rng, (EXAMPLES, *output_shape))
        case "value":
            return draw(rng, (EXAMPLES,))
        case "binary":
            return rng.integers(0, 2, (EXAMPLES, *output_shape)).astype(float)
        case classes:
            return rng.integers(0, classes, EXAMPLES)


def leaf(values, dtype):
    return torch.tensor(values, dtype=dtype, requires_grad=True)


def ones(output):
    return torch.ones_like(output)


def counting(output):
    """1, 2, 3, … over the outputs. Probabilities sum to one: with ones, their gradient vanishes."""
    return torch.arange(1, output.numel() + 1, dtype=output.dtype).reshape(output.shape)


def input_gradient(outputs, examples, cotangent):
    """The gradient of `sum(cotangent * outputs)` of each example, flat over its inputs."""
    rows = []
    for output, example in zip(outputs, examples, strict=True):
        gradient = torch.autograd.grad(output, example, cotangent, retain_graph=True)
        rows.append(np.concatenate([g.double().numpy().ravel() for g in gradient]))
    # Where the exact gradient is zero, what comes out is noise that depends on the processor.
    return [np.where(np.abs(row) < NOISE, 0.0, row) for row in rows]


def evaluate(model: Model, params, inputs, targets, dtype):
    """Outputs, mean loss and gradients of one model, as f64 arrays."""
    params = {name: leaf(value, dtype) for name, value in params.items()}
    examples = [[leaf(value[i], dtype) for value in inputs] for i in range(EXAMPLES)]
    outputs = [model.forward(params, *example) for example in examples]

    total = torch.stack([output.sum() for output in outputs]).sum()
    if model.loss is None:
        loss, objective = None, total
    else:
        integral = not np.issubdtype(targets.dtype, np.floating)
        targets = torch.tensor(targets, dtype=torch.int64 if integral else dtype)
        losses = [model.loss(y, t, params) for y, t in zip(outputs, targets, strict=True)]
        objective = torch.stack(losses).mean()
        loss = objective.item()
    gradients = torch.autograd.grad(objective, list(params.values()), retain_graph=True)

    return {
        "outputs": [y.detach().double().numpy() for y in outputs],
        "loss": loss,
        "gradients": {n: g.double().numpy() for n, g in zip(params, gradients, strict=True)},
        "input_gradient": input_gradient(outputs, examples, ones(outputs[0])),
        "weighted_input_gradient": input_gradient(outputs, examples, counting(outputs[0])),
    }


def deviation(single, double):
    """The largest difference of f32 from f64, each array relative to its own largest element."""
    pairs = [(single[key], double[key]) for key in ["outputs", "weighted_input_gradient"]]
    pairs += [(single["gradients"][name], value) for name, value in double["gradients"].items()]
    return max(np.abs(np.subtract(a, b)).max() / np.abs(b).max() for a, b in pairs)


def flat(array):
    """The elements in row-major order, whole numbers of integer arrays as such."""
    return np.asarray(array).ravel().tolist()


def tensors(named):
    return {name: {"shape": list(a.shape), "data": flat(a)} for name, a in named.items()}


def golden(name, model: Model):
    """The golden record of one model, and what a line of the log says about it."""
    rng = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode()) + model.seed))
    params = {n: draw_param(rng, shape) for n, shape in model.params.items()}
    inputs = [draw(rng, (EXAMPLES, *shape)) for shape in model.inputs.values()]
    with torch.no_grad():
        probe = model.forward(
            {n: torch.tensor(value) for n, value in params.items()},
            *(torch.tensor(value[0]) for value in inputs),
        )
    targets = None if model.loss is None else draw_targets(rng, model, probe.shape)

    double = evaluate(model, params, inputs, targets, torch.float64)
    single = evaluate(model, params, inputs, targets, torch.float32)

    record = {
        "model": name,
        "torch_version": torch.__version__.partition("+")[0],
        "inputs": [flat(np.concatenate([value[i].ravel() for value in inputs])) for i in range(EXAMPLES)],
        "targets": [] if targets is None else [flat(target) for target in targets],
        "params": tensors(params),
        "outputs": [flat(y) for y in double["outputs"]],
        "loss": double["loss"],
        "gradients": tensors(double["gradients"]),
        "input_gradient": [flat(g) for g in double["input_gradient"]],
        "weighted_input_gradient": [flat(g) for g in double["weighted_input_gradient"]],
    }
    count = sum(value.size for value in params.values())
    return record, f"{count} parameters, f32 deviates by {deviation(single, double):.1e}"


def write(name, record):
    """One line per field, and per tensor: small, yet readable in a diff."""
    path = GOLDEN / f"{name}.json"
    lines = []
    for key, value in record.items():
        if isinstance(value, dict):
            inner = ",\n".join(f"  {compact(n)}: {compact(v)}" for n, v in value.items())
            lines.append(f"{compact(key)}: {{\n{inner}\n}}")
        else:
            lines.append(f"{compact(key)}: {compact(value)}")
    path.write_bytes(("{\n" + ",\n".join(lines) + "\n}\n").encode("ascii"))
    return path.stat().st_size


def compact(value):
    """JSON without spaces; floats in the shortest form that reads back to the same f64."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    datasets.main()
    for name, model in MODELS.items():
        record, remark = golden(name, model)
        size = write(name, record)
        print(f"{name}: {remark}, {size // 1024} KiB")
    size = write("optimizers", torch_optimizers.record(draw))
    print(f"optimizers: {size // 1024} KiB")
    size = write("schedules", torch_schedules.record())
    print(f"schedules: {size // 1024} KiB")
    size = write("curves", torch_curves.record())
    print(f"curves: {size // 1024} KiB")
    size = write("training", torch_training.record(draw))
    print(f"training: {size // 1024} KiB")
    torch_kinks.main()
    size = write("lbfgs", torch_lbfgs.record(draw))
    print(f"lbfgs: {size // 1024} KiB")
    size = write("batch_norm", torch_batch_norm.record(draw))
    print(f"batch_norm: {size // 1024} KiB")
    size = write("windows", torch_windows.record())
    print(f"windows: {size // 1024} KiB")
    size = write("sklearn", sklearn_fits.fits())
    print(f"sklearn: {size // 1024} KiB")
    print(f"metrics: {sklearn_metrics.write() // 1024} KiB")
    frames.write()


if __name__ == "__main__":
    main()
