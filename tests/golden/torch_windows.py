"""Windows over images and signals, normalisation and attention, by PyTorch's functions: values and gradients."""

import itertools
import math

import numpy as np
import torch
from torch.nn import functional as F

# Everything drawn is a multiple of this, so that most results are short numbers.
GRID = 1 / 16


def draw(rng, shape):
    """Numbers between -2 and 2 without ties: whole numbers of sixteenths that repeat as little as they can."""
    count = math.prod(shape)
    steps = rng.permutation(max(count, 64))[:count] - max(count, 64) // 2
    return torch.tensor(steps * GRID, dtype=torch.float64).reshape(shape)


def pick(rng, *choices):
    return choices[rng.integers(len(choices))]


def literal(value):
    """As a model writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(str, value))})"
    return str(value)


def call(name, operands, options):
    given = [*operands, *(f"{key} = {literal(value)}" for key, value in options.items())]
    return f"{name}({', '.join(given)})"


def same(size, kernel, stride, dilation):
    """Padding before and after for which there is one place for every `stride` elements."""
    missing = max(0, (math.ceil(size / stride) - 1) * stride + dilation * (kernel - 1) + 1 - size)
    return missing // 2, missing - missing // 2


def sides(rng, kernel, dilation):
    """A padding as a model writes it, and above, below, left and right."""
    most = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    match rng.integers(5):
        case 0:
            return "valid", (0, 0, 0, 0)
        case 1:
            return "same", "same"
        case 2:
            n = int(rng.integers(1, min(most) + 1))
            return n, (n,) * 4
        case 3:
            n, m = (int(rng.integers(0, size)) for size in most)
            return (n, m), (n, n, m, m)
        case _:
            all_sides = tuple(int(rng.integers(0, most[side // 2])) for side in range(4))
            return all_sides, all_sides


def conv2d(rng):
    kernel = tuple(int(k) for k in rng.integers(1, 5, 2))
    stride = tuple(int(s) for s in rng.integers(1, 4, 2))
    dilation = pick(rng, (1, 1), (1, 1), (2, 1), (1, 3), (2, 2))
    groups = pick(rng, 1, 1, 2, 3)
    depthwise = rng.integers(4) == 0
    inputs = groups * int(rng.integers(1, 3))
    groups = inputs if depthwise else groups
    channels = groups * int(rng.integers(1, 3))
    size = [int(d * (k - 1) + 1 + rng.integers(0, 5)) for k, d in zip(kernel, dilation)]
    written, padding = sides(rng, kernel, dilation)
    if padding == "same":
        pairs = [same(n, k, s, d) for n, k, s, d in zip(size, kernel, stride, dilation)]
        padding = tuple(itertools.chain(*pairs))
    bias = bool(rng.integers(2))
    options = {
        "channels": channels, "kernel": kernel, "stride": stride, "padding": written, "groups": groups,
        "dilation": dilation, "bias": bias,
    }
    above, below, left, right = padding

    def forward(x, weight, bias=None):
        padded = F.pad(x, (left, right, above, below))
        return F.conv2d(padded, weight, bias, stride, 0, dilation, groups)

    weights = {"weight": (channels, inputs // groups, *kernel)} | ({"bias": (channels,)} if bias else {})
    return "conv2d", [(inputs, *size)], options, weights, forward


def conv1d(rng):
    kernel, stride, dilation = (int(rng.integers(1, high)) for high in (5, 4, 4))
    groups = pick(rng, 1, 1, 2)
    inputs, channels = (groups * int(n) for n in rng.integers(1, 3, 2))
    before, after = (int(n) for n in rng.integers(0, 3, 2))
    size = dilation * (kernel - 1) + 1 + int(rng.integers(0, 6))
    options = {
        "channels": channels, "kernel": kernel, "stride": stride, "padding": (before, after), "groups": groups,
        "dilation": dilation,
    }

    def forward(x, weight, bias):
        return F.conv1d(F.pad(x, (before, after)), weight, bias, stride, 0, dilation, groups)

    weights = {"weight": (channels, inputs // groups, kernel), "bias": (channels,)}
    return "conv1d", [(inputs, size)], options, weights, forward


def conv_transpose2d(rng):
    kernel = tuple(int(k) for k in rng.integers(1, 4, 2))
    stride = tuple(int(s) for s in rng.integers(1, 4, 2))
    dilation = pick(rng, (1, 1), (2, 1))
    padding = tuple(int(rng.integers(0, k)) for k in kernel)
    more = tuple(int(rng.integers(0, s)) for s in stride)
    groups = pick(rng, 1, 1, 2)
    inputs, channels = (groups * int(n) for n in rng.integers(1, 3, 2))
    size = [int(n) for n in rng.integers(2, 5, 2)]
    options = {
        "channels": channels, "kernel": kernel, "stride": stride, "padding": padding, "output_padding": more,
        "groups": groups, "dilation": dilation,
    }

    def forward(x, weight, bias):
        return F.conv_transpose2d(x, weight, bias, stride, padding, more, groups, dilation)

    weights = {"weight": (inputs, channels // groups, *kernel), "bias": (channels,)}
    return "conv_transpose2d", [(inputs, *size)], options, weights, forward


def pool_options(rng):
    kernel = tuple(int(k) for k in rng.integers(1, 4, 2))
    stride = pick(rng, None, tuple(int(s) for s in rng.integers(1, 4, 2)))
    padding = tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel)
    size = [int(k + n) for k, n in zip(kernel, rng.integers(0, 5, 2))]
    options = {"kernel": kernel} | ({"stride": stride} if stride else {}) | {"padding": padding}
    return options | {"ceil_mode": bool(rng.integers(2))}, (int(rng.integers(1, 3)), *size)


def of_batch(function, x, **options):
    return function(x[None], **options)[0]


def max_pool2d(rng):
    options, shape = pool_options(rng)
    settings = {"kernel_size": options["kernel"], "stride": options.get("stride"), "padding": options["padding"]}
    settings["ceil_mode"] = options["ceil_mode"]
    return "max_pool2d", [shape], options, {}, lambda x: of_batch(F.max_pool2d, x, **settings)


def avg_pool2d(rng):
    options, shape = pool_options(rng)
    options["count_include_pad"] = bool(rng.integers(2))
    settings = {"kernel_size": options["kernel"], "stride": options.get("stride"), "padding": options["padding"]}
    settings |= {name: options[name] for name in ["ceil_mode", "count_include_pad"]}
    return "avg_pool2d", [shape], options, {}, lambda x: of_batch(F.avg_pool2d, x, **settings)


def global_avg_pool(rng):
    shape = tuple(int(n) for n in rng.integers(1, 5, 3))
    return "global_avg_pool", [shape], {}, {}, lambda x: of_batch(F.adaptive_avg_pool2d, x, output_size=1).flatten()


def layer_norm(rng):
    shape, axis = tuple(int(n) for n in rng.integers(2, 5, 3)), int(rng.integers(3))
    inner = shape[axis:]
    forward = lambda x, weight, bias: F.layer_norm(x, inner, weight, bias, 1e-5)
    return "layer_norm", [shape], {"axis": axis}, {"weight": inner, "bias": inner}, forward


def group_norm(rng):
    groups = int(rng.integers(1, 4))
    channels = groups * int(rng.integers(1, 3))
    shape = (channels, *(int(n) for n in rng.integers(2, 4, 2)))
    forward = lambda x, weight, bias: F.group_norm(x[None], groups, weight, bias, 1e-3)[0]
    return "group_norm", [shape], {"groups": groups, "epsilon": 1e-3}, {"weight": (channels,), "bias": (channels,)}, forward


def local_response_norm(rng):
    shape, size = (int(rng.integers(1, 8)), 2, 2), int(rng.integers(1, 6))
    forward = lambda x: F.local_response_norm(x[None], size, 0.5, 0.75, 2.0)[0]
    return "local_response_norm", [shape], {"size": size, "alpha": 0.5, "beta": 0.75, "k": 2}, {}, forward


def upsample(rng):
    shape, scale = tuple(int(n) for n in rng.integers(1, 4, 3)), tuple(int(n) for n in rng.integers(1, 4, 2))
    return "upsample", [shape], {"scale": scale}, {}, lambda x: of_batch(F.interpolate, x, scale_factor=scale)


def pad(rng):
    shape = (int(rng.integers(1, 4)), *(int(n) for n in rng.integers(1, 5, 2)))
    above, below, left, right = (int(n) for n in rng.integers([0, 0, 1, 0], 4))
    value = pick(rng, 0.0, 1.5)
    forward = lambda x: F.pad(x, (left, right, above, below), value=value)
    return "pad", [shape], {"padding": (above, below, left, right), "value": value}, {}, forward


def attention(rng):
    heads, causal = int(rng.integers(1, 4)), bool(rng.integers(2))
    queries, keys = (int(n) for n in rng.integers(1, 5, 2))
    width, values = (heads * int(n) for n in rng.integers(1, 4, 2))

    def forward(q, k, v):
        cut = lambda x: x.reshape(len(x), heads, -1).transpose(0, 1)
        y = F.scaled_dot_product_attention(cut(q), cut(k), cut(v), is_causal=causal)
        return y.transpose(0, 1).reshape(queries, -1)

    options = {"heads": heads, "causal": causal}
    return "attention", [(queries, width), (keys, width), (keys, values)], options, {}, forward


KINDS = [
    (conv2d, 100), (conv1d, 25), (conv_transpose2d, 30), (max_pool2d, 35), (avg_pool2d, 35), (global_avg_pool, 5),
    (layer_norm, 10), (group_norm, 10), (local_response_norm, 8), (upsample, 8), (attention, 14), (pad, 8),
]


def flat(tensor):
    return tensor.detach().numpy().ravel().tolist()


def case(kind, rng):
    """One application: the model's text, operands, result and gradients of the result's product with `d`."""
    name, shapes, options, weights, forward = kind(rng)
    inputs = [draw(rng, shape).requires_grad_() for shape in shapes]
    params = [draw(rng, shape).requires_grad_() for shape in weights.values()]
    y = forward(*inputs, *params)
    d = draw(rng, tuple(y.shape))
    gradients = torch.autograd.grad(y, [*inputs, *params], d)
    names = ["x", "k", "v"][: len(inputs)]
    header = ", ".join(f"{n}: {list(shape)}" for n, shape in zip(names, shapes))
    return {
        "model": f"model M({header}) -> y: {list(y.shape)} {{ y = {call(name, names, options)}; }}",
        "inputs": [number for x in inputs for number in flat(x)],
        "params": [number for p in params for number in flat(p)],
        "y": flat(y),
        "d": flat(d),
        "d_inputs": [number for g in gradients[: len(inputs)] for number in flat(g)],
        "d_params": [number for g in gradients[len(inputs) :] for number in flat(g)],
    }


def record():
    rng = np.random.Generator(np.random.PCG64(20261125))
    cases = {f"{kind.__name__}_{i}": case(kind, rng) for kind, count in KINDS for i in range(count)}
    return {"torch_version": torch.__version__.partition("+")[0], "cases": cases}
