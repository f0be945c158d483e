"""Batch normalisation by PyTorch: training steps with batch statistics, then outputs with running ones."""

import numpy as np
import torch
from torch import nn

EXAMPLES, STEPS, RATE = 7, 4, 0.25


class Net(nn.Module):
    """The model of `batch_norm.rs`, both kinds of normalisation in it."""

    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(2, 3, 3, padding=1, bias=False)
        self.n = nn.BatchNorm2d(3, momentum=0.25, eps=1e-3)
        self.h = nn.Linear(3 * 4 * 5, 6)
        self.m = nn.BatchNorm1d(6)
        self.y = nn.Linear(6, 2)

    def forward(self, x):
        image = torch.relu(self.n(self.c(x)))
        return self.y(torch.tanh(self.m(self.h(image.flatten(1)))))


def flat(tensors):
    return [number for tensor in tensors for number in tensor.detach().numpy().ravel().tolist()]


def state(net, trained):
    """All tensors in our order: a matrix of a linear layer is the other way round there."""
    def ours(name, tensor):
        return tensor.T if tensor.ndim == 2 else tensor

    named = net.named_parameters() if trained else net.named_buffers()
    return flat(ours(n, t) for n, t in named if "num_batches" not in n)


def record(draw):
    rng = np.random.Generator(np.random.PCG64(23))
    torch.manual_seed(0)
    net = Net().double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.tensor(draw(rng, tuple(parameter.shape), 0.5)))
    # The last batch is smaller than the others.
    sizes = [EXAMPLES] * (STEPS - 1) + [2]
    batches = [(draw(rng, (size, 2, 4, 5), 2.0) + 1.0, draw(rng, (size, 2))) for size in sizes]
    start = {"params": state(net, True), "states": state(net, False)}
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE)
    steps = []
    for inputs, targets in batches:
        inputs, targets = torch.tensor(inputs), torch.tensor(targets)
        net.train()
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(inputs), targets)
        loss.backward()
        gradient = flat(p.grad.T if p.ndim == 2 else p.grad for p in net.parameters())
        optimizer.step()
        net.eval()
        image = inputs.clone().requires_grad_()
        outputs = net(image)
        (input_gradient,) = torch.autograd.grad(outputs.sum(), image)
        steps.append({
            "inputs": flat([inputs]),
            "targets": flat([targets]),
            "loss": loss.item(),
            "gradient": gradient,
            "params": state(net, True),
            "states": state(net, False),
            "outputs": flat([outputs]),
            "input_gradient": flat([input_gradient]),
            "valid_loss": nn.functional.mse_loss(outputs, targets).item(),
        })
    return {"torch_version": torch.__version__.partition("+")[0], "start": start,
            "steps": {str(i): step for i, step in enumerate(steps)}}
