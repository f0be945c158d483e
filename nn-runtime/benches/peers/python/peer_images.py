#!/usr/bin/env python3
"""Networks of convolutions: GoogLeNet's forward pass and training step, LeNet-5's training step.

PEER_VARIANT is `onnxruntime`, `openvino`, `torch` (contiguous or channels last, whichever is faster) or
`export`, which writes GOOGLENET, the file that the first two read. Called like the other peers.
"""
import argparse
import json
import os
import statistics
import sys
import time

VARIANT, FILE = os.environ["PEER_VARIANT"], os.environ.get("GOOGLENET", "")
parser = argparse.ArgumentParser()
parser.add_argument("workload", choices=["googlenet_infer1", "googlenet_train8", "lenet_train64"])
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--seconds", type=float, default=3.0)
args = parser.parse_args()
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(args.threads)
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-args.threads:])

# Units of 1x1; of 3x3 and 5x5, each after what reduces before it; after the pooling.
MODULES = [(192, 64, 96, 128, 16, 32, 32), (256, 128, 128, 192, 32, 96, 64),
           (480, 192, 96, 208, 16, 48, 64), (512, 160, 112, 224, 24, 64, 64), (512, 128, 128, 256, 24, 64, 64),
           (512, 112, 144, 288, 32, 64, 64), (528, 256, 160, 320, 32, 128, 128),
           (832, 256, 160, 320, 32, 128, 128), (832, 384, 192, 384, 48, 128, 128)]


def measure(job):
    """Microseconds of calls, after a third of the time to warm up."""
    end = time.perf_counter() + args.seconds / 3
    job()
    while time.perf_counter() < end:
        job()
    times, end = [], time.perf_counter() + args.seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        job()
        times.append((time.perf_counter() - start) * 1e6)
    return sorted(times)


def report(version, notes, times):
    print(json.dumps(dict(peer=VARIANT, workload=args.workload, threads=args.threads, version=version, notes=notes,
                          median_us=statistics.median(times), p10_us=times[len(times) // 10], min_us=times[0])))
    sys.exit(0)


if VARIANT == "onnxruntime":
    import numpy as np
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = args.threads, 1
    session = ort.InferenceSession(FILE, options, providers=["CPUExecutionProvider"])
    x = np.linspace(-1, 1, 3 * 224 * 224, dtype=np.float32).reshape(1, 3, 224, 224)
    report(ort.__version__, "", measure(lambda: session.run(None, {"x": x})))
if VARIANT == "openvino":
    import numpy as np
    import openvino as ov
    settings = {"INFERENCE_NUM_THREADS": args.threads, "PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": False,
                "INFERENCE_PRECISION_HINT": "f32"}
    request = ov.compile_model(FILE, "CPU", settings).create_infer_request()
    x = np.linspace(-1, 1, 3 * 224 * 224, dtype=np.float32).reshape(1, 3, 224, 224)
    request.set_input_tensor(ov.Tensor(x))
    report(ov.__version__.split("-")[0], "", measure(request.infer))

if VARIANT == "export":
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    random, nodes, constants, channels = np.random.default_rng(7), [], [], {"x": 3}

    def node(op, inputs, units=None, **attributes):
        name = f"v{len(nodes)}"
        nodes.append(helper.make_node(op, inputs, [name], **attributes))
        channels[name] = units or channels[inputs[0]]
        return name

    def constant(*shape):
        fan = np.prod(shape[1:]) if len(shape) > 1 else 1e6
        name = f"c{len(constants)}"
        values = random.normal(0, np.sqrt(2 / fan), shape).astype(np.float32)
        constants.append(numpy_helper.from_array(values, name))
        return name

    def conv(x, units, kernel, stride=1):
        weights = [constant(units, channels[x], kernel, kernel), constant(units)]
        y = node("Conv", [x, *weights], units, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[kernel // 2] * 4)
        return node("Relu", [y])

    def pool(x, stride):
        pads = [0, 0, 0, 0] if stride == 2 else [1, 1, 1, 1]
        return node("MaxPool", [x], kernel_shape=[3, 3], strides=[stride] * 2, pads=pads, ceil_mode=int(stride == 2))

    def norm(x):
        return node("LRN", [x], size=5, alpha=1e-4, beta=0.75, bias=1.0)

    y = norm(pool(conv("x", 64, 7, 2), 2))
    y = pool(norm(conv(conv(y, 64, 1), 192, 3)), 2)
    for at, (_, one, reduce3, three, reduce5, five, pooled) in enumerate(MODULES):
        if at in (2, 7):
            y = pool(y, 2)
        ways = [conv(y, one, 1), conv(conv(y, reduce3, 1), three, 3), conv(conv(y, reduce5, 1), five, 5),
                conv(pool(y, 1), pooled, 1)]
        y = node("Concat", ways, one + three + five + pooled, axis=1)
    y = node("Flatten", [node("GlobalAveragePool", [y])])
    y = node("Gemm", [y, constant(1024, 1000), constant(1000)])
    node("Softmax", [y], axis=1)
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s)
            for n, s in (("x", [1, 3, 224, 224]), (nodes[-1].output[0], [1, 1000]))]
    graph = helper.make_graph(nodes, "googlenet", ends[:1], ends[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, FILE)
    sys.exit(0)

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(args.threads)
torch.set_num_interop_threads(1)
torch.manual_seed(7)


class Conv(nn.Sequential):
    def __init__(self, channels, units, kernel, stride=1):
        super().__init__(nn.Conv2d(channels, units, kernel, stride, kernel // 2), nn.ReLU(inplace=True))


class Inception(nn.Module):
    def __init__(self, channels, one, reduce3, three, reduce5, five, pooled):
        super().__init__()
        self.ways = nn.ModuleList([
            Conv(channels, one, 1), nn.Sequential(Conv(channels, reduce3, 1), Conv(reduce3, three, 3)),
            nn.Sequential(Conv(channels, reduce5, 1), Conv(reduce5, five, 5)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1), Conv(channels, pooled, 1))])

    def forward(self, x):
        return torch.cat([way(x) for way in self.ways], 1)


class GoogLeNet(nn.Module):
    def __init__(self):
        super().__init__()
        pool, norm = lambda: nn.MaxPool2d(3, 2, ceil_mode=True), lambda: nn.LocalResponseNorm(5, 1e-4, 0.75)
        self.stem = nn.Sequential(Conv(3, 64, 7, 2), pool(), norm(), Conv(64, 64, 1), Conv(64, 192, 3), norm(), pool())
        self.modules_ = nn.ModuleList([Inception(*sizes) for sizes in MODULES])
        self.pool = pool()
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.4), nn.Linear(1024, 1000))
        self.aux = nn.ModuleList([nn.Sequential(
            nn.AvgPool2d(5, 3), Conv(channels, 128, 1), nn.Flatten(), nn.Linear(2048, 1024), nn.ReLU(),
            nn.Dropout(0.7), nn.Linear(1024, 1000)) for channels in (512, 528)])

    def forward(self, x):
        y, beside = self.stem(x), []
        for at, module in enumerate(self.modules_):
            y = module(self.pool(y) if at in (2, 7) else y)
            if self.training and at in (2, 5):
                beside.append(self.aux[len(beside)](y))
        return self.head(y), beside


def lenet():
    return nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
                         nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),
                         nn.Linear(84, 10))


def times(layout):
    if args.workload == "googlenet_infer1":
        net = GoogLeNet().eval().to(memory_format=layout)
        x = torch.rand(1, 3, 224, 224).contiguous(memory_format=layout)
        with torch.inference_mode():
            return measure(lambda: torch.softmax(net(x)[0], 1))
    is_lenet = args.workload == "lenet_train64"
    net = (lenet() if is_lenet else GoogLeNet()).to(memory_format=layout)
    rows, shape, classes = (64, (1, 28, 28), 10) if is_lenet else (8, (3, 224, 224), 1000)
    x = torch.rand(rows, *shape).contiguous(memory_format=layout)
    y = torch.randint(classes, (rows,))
    descent = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9, fused=True)

    def step():
        if is_lenet:
            loss = F.cross_entropy(net(x), y)
        else:
            p, beside = net(x)
            loss = F.cross_entropy(p, y) + 0.3 * sum(F.cross_entropy(aux, y) for aux in beside)
        loss.backward()
        descent.step()
        descent.zero_grad(set_to_none=True)

    return measure(step)


found = {name: times(layout) for name, layout in (("contiguous", torch.contiguous_format),
                                                  ("channels last", torch.channels_last))}
best = min(found, key=lambda name: found[name][0])
report(torch.__version__, best, found[best])
