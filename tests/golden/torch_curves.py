"""Learning curves: the network of `tests/models/digits.rs`, trained by PyTorch in double precision.

The initial weights and the order of the rows are those of the trainer, which `curves_start.json` holds: a test writes it
with `NN_WRITE_CURVES=1 cargo test -p nn-tests --test curves`, and checks it otherwise.
"""

import csv
import json
from pathlib import Path

import torch
import torch.nn.functional as F

GOLDEN = Path(__file__).resolve().parent

# Rows of the table for training, and those behind them for validation.
TRAIN, VALID = 600, 200
BATCH = 32

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=1e-4),
    "adamw": lambda p: torch.optim.AdamW(p, lr=1e-2, weight_decay=1e-2),
}


def table():
    with open(GOLDEN / "../../examples/data/digits.csv", newline="") as file:
        rows = list(csv.reader(file))[1 : TRAIN + VALID + 1]
    numbers = torch.tensor([[float(x) for x in row] for row in rows], dtype=torch.float64)
    return numbers[:, :-1] / 16, numbers[:, -1].long()


def curve(start, make, x, y):
    shapes = start["shapes"]
    params, flat, at = [], start["params"], 0
    for shape in shapes:
        count = 1
        for size in shape:
            count *= size
        values = torch.tensor(flat[at : at + count], dtype=torch.float64).reshape(shape)
        params.append(values.requires_grad_())
        at += count
    weight1, bias1, weight2, bias2 = params

    def loss(rows):
        hidden = torch.relu(x[rows] @ weight1 + bias1)
        return F.cross_entropy(hidden @ weight2 + bias2, y[rows])

    optimizer = make(params)
    train, valid = [], []
    for order in start["orders"]:
        total = 0.0
        for batch in torch.tensor(order).split(BATCH):
            optimizer.zero_grad()
            value = loss(batch)
            value.backward()
            optimizer.step()
            total += value.item() * len(batch)
        train.append(total / len(order))
        with torch.no_grad():
            valid.append(loss(slice(TRAIN, TRAIN + VALID)).item())
    return {"train": train, "valid": valid}


def record():
    start = json.loads((GOLDEN / "curves_start.json").read_text())
    x, y = table()
    return {name: curve(start, make, x, y) for name, make in OPTIMIZERS.items()}


if __name__ == "__main__":
    import generate

    torch.set_num_threads(1)
    print(generate.write("curves", record()))
