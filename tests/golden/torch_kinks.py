"""Values and gradients of PyTorch where a derivative is a convention: kinks, ties, bounds, poles, infinities and NaN.

Writes kinks.json: for each function its operands, its value, and the gradient with respect to each operand of three times
the sum of the result. Numbers are text, because JSON has neither NaN nor infinity.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

INF, NAN = float("inf"), float("nan")
#: Zeros, subnormal numbers, small, large and no numbers.
GRID = [0.0, -0.0, 5e-324, -5e-324, 1.0, -1.0, 100.0, -100.0, 1e30, -1e30, INF, -INF, NAN]

UNARY = {
    "relu": torch.relu,
    "abs": torch.abs,
    "sqrt": torch.sqrt,
    "exp": torch.exp,
    "log": torch.log,
    "sin": torch.sin,
    "cos": torch.cos,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": F.softplus,
    "erf": torch.erf,
    "neg": torch.neg,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.1),
    "elu": lambda x: F.elu(x, 2.0),
    "clamp": lambda x: torch.clamp(x, -1.0, 100.0),
}
BINARY = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "max": torch.maximum,
    "min": torch.minimum,
    "pow": torch.pow,
}
ROWS = {
    "amax": lambda x: torch.amax(x, 0),
    "amin": lambda x: torch.amin(x, 0),
    "logsumexp": lambda x: torch.logsumexp(x, 0),
    "softmax": lambda x: torch.softmax(x, 0),
}
ROW_VALUES = [[2.0, 7.0, 7.0, 1.0, 7.0], [1.0, 1.0], [1e30, 1e30, -1e30], [1000.0, 1000.0], [0.0, -INF]]


def case(name, function, *operands):
    operands = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in operands]
    value = function(*operands)
    gradients = torch.autograd.grad(3.0 * value.sum(), operands)
    text = lambda x: [repr(number) for number in x.detach().reshape(-1).tolist()]
    return {
        "op": name,
        "x": [text(x) for x in operands],
        "value": text(value),
        "gradients": [text(gradient) for gradient in gradients],
    }


def main():
    cases = [case(name, function, GRID) for name, function in UNARY.items()]
    left = [a for a in GRID for _ in GRID]
    right = GRID * len(GRID)
    cases += [case(name, function, left, right) for name, function in BINARY.items()]
    cases += [case(name, function, row) for name, function in ROWS.items() for row in ROW_VALUES]
    path = pathlib.Path(__file__).with_name("kinks.json")
    path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()
