#!/usr/bin/env python3
"""The step of `benches/gpt.rs` in PyTorch; `--variant` is `eager` or `compile`."""
from gpt_common import BATCH, HEADS, LENGTH, WIDTH, CHECKED, Run, batch, layers

run = Run("torch")
import torch
from torch.nn import functional as F

torch.set_num_threads(run.threads)
torch.set_flush_denormal(True)


def parameter(array):
    return torch.nn.Parameter(torch.from_numpy(array.copy()))


class Gpt(torch.nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.characters, self.place = parameter(weights["h.weight"]), parameter(weights["place"])
        blocks, ends = layers(weights)
        self.flat = torch.nn.ParameterList()
        self.blocks = [[self.pair(layer) for layer in block] for block in blocks]
        self.ends = [self.pair(layer) for layer in ends]

    def pair(self, layer):
        pair = parameter(layer[0]), parameter(layer[1])
        self.flat.extend(pair)
        return pair

    def forward(self, x):
        dense = lambda x, layer: torch.addmm(layer[1], x.reshape(-1, x.shape[-1]), layer[0]).view(*x.shape[:-1], -1)
        norm = lambda x, layer: F.layer_norm(x, (WIDTH,), layer[0], layer[1])
        heads = lambda x: x.view(x.shape[0], LENGTH, HEADS, WIDTH // HEADS).transpose(1, 2)
        h = F.embedding(x, self.characters) + self.place
        for block in self.blocks:
            n = norm(h, block[0])
            q, k, v = (heads(dense(n, layer)) for layer in block[1:4])
            a = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(-1, LENGTH, WIDTH)
            h = h + dense(a, block[4])
            h = h + dense(F.gelu(dense(norm(h, block[5]), block[6])), block[7])
        return dense(norm(h, self.ends[0]), self.ends[1])


model = Gpt(run.weights)
# Of the same formula as everywhere: decay is a share of the learning rate.
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01, fused=run.variant != "foreach")
x, y = (torch.from_numpy(part).long() for part in batch())


def loss():
    return F.cross_entropy(model(x).reshape(BATCH * LENGTH, -1), y.reshape(-1))


value = torch.compile(loss) if run.variant == "compile" else loss


def step():
    optimizer.zero_grad(set_to_none=True)
    result = value()
    result.backward()
    optimizer.step()
    return result


for _ in range(CHECKED):
    step()
check = step().item()
run.peer = "torch_" + run.variant
run.measure(torch.__version__, check, step)
