#!/usr/bin/env python3
"""PyTorch. PEER_VARIANT is `eager` or `compile`, which compiles loss and gradient and fuses the optimiser."""
import os

from common import CHECK_STEPS, Run

VARIANT = os.environ.get("PEER_VARIANT", "eager")
run = Run("torch_" + VARIANT)
import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(run.threads)
torch.set_num_interop_threads(1)
w = run.workload
weights = run.weights()
layers = []
for i, (weight, bias) in enumerate(weights):
    layer = nn.Linear(*weight.shape)
    layer.weight.data, layer.bias.data = torch.from_numpy(weight.T.copy()), torch.from_numpy(bias)
    layers.append(layer)
    if i + 1 < len(weights):
        layers.append({"relu": nn.ReLU, "tanh": nn.Tanh}[w["activation"]]())
net = nn.Sequential(*layers)
x, y = map(torch.from_numpy, run.data())


def loss(x, y):
    out = net(x)
    if w["loss"] == "binary":
        return F.binary_cross_entropy_with_logits(out.squeeze(1), y)
    if w["loss"] == "squares":
        return F.mse_loss(out.squeeze(1), y)
    return F.cross_entropy(out, y)


if run.infers:
    net.eval()
    predict = lambda x: torch.sigmoid(net(x)) if w["loss"] == "binary" else torch.softmax(net(x), 1)
    if VARIANT == "compile":
        predict = torch.compile(predict)
    with torch.inference_mode() if VARIANT == "eager" else torch.no_grad():
        check = float(predict(x)[0].max())
        times = run.measure(lambda: predict(x), 1)
    run.report(torch.__version__, check, "", times)
    raise SystemExit

if w["loss"] == "classes":
    y = y.long()
# Fused is faster where the optimiser has a state, and slower for plain descent on few parameters.
fused = w["optimizer"] != "sgd"
if w["optimizer"] == "adam":
    optimizer = torch.optim.Adam(net.parameters(), lr=w["rate"], fused=fused)
else:
    momentum = 0.9 if w["optimizer"] == "momentum" else 0
    optimizer = torch.optim.SGD(net.parameters(), lr=w["rate"], momentum=momentum, fused=fused)
measured = torch.compile(loss) if VARIANT == "compile" else loss
batches = list(zip(x.split(w["batch"]), y.split(w["batch"])))


def epoch(batches=batches):
    for batch in batches:
        measured(*batch).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


epoch([batches[i % len(batches)] for i in range(CHECK_STEPS)])
with torch.no_grad():
    check = float(loss(*batches[0]))
run.report(torch.__version__, check, "", run.measure(epoch, run.steps))
