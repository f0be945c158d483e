"""What the peers of `benches/gpt.rs` share: arguments, pinned threads, data, weights, and the line of json at the end."""
import argparse
import json
import os
import struct
import sys
import time

BLOCKS, WIDTH, HEADS, LENGTH, KINDS, BATCH, CHECKED = 4, 128, 4, 64, 64, 16, 16


class Run:
    """`PEER --weights FILE --threads N --seconds S --variant V`. Import it before the framework."""

    def __init__(self, peer):
        parser = argparse.ArgumentParser(prog=peer)
        parser.add_argument("--weights", required=True)
        parser.add_argument("--threads", type=int, default=1)
        parser.add_argument("--seconds", type=float, default=3.0)
        parser.add_argument("--variant", default="")
        args = parser.parse_args()
        self.peer, self.threads, self.seconds, self.variant = peer, args.threads, args.seconds, args.variant
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[name] = str(self.threads)
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-self.threads:])
        self.weights = read(args.weights)

    def measure(self, version, check, step):
        """Times `step`, which returns when it is done."""
        times, start = [], time.perf_counter()
        while len(times) < 5 or time.perf_counter() - start < self.seconds:
            begin = time.perf_counter()
            step()
            times.append(1e3 * (time.perf_counter() - begin))
        times.sort()
        print(json.dumps({"peer": self.peer, "version": version, "threads": self.threads, "check": check,
                          "best": round(times[0], 3), "tenth": round(times[len(times) // 10], 3),
                          "median": round(times[len(times) // 2], 3)}))


def read(path):
    """The tensors of a safetensors file by their names, as NumPy arrays."""
    import numpy as np
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        body = file.read()
    header.pop("__metadata__", None)
    return {name: np.frombuffer(body[slice(*entry["data_offsets"])], np.float32).reshape(entry["shape"]).copy()
            for name, entry in header.items()}


def batch():
    """The rows of `benches/gpt.rs`: each character is a multiple of the one before, and some more."""
    import numpy as np
    rows = []
    for row in range(BATCH):
        code, codes = row * 5 + 1, []
        for _ in range(LENGTH + 1):
            code = (code * 21 + 13) % KINDS
            codes.append(code)
        rows.append(codes)
    rows = np.array(rows, dtype=np.int32)
    return rows[:, :-1], rows[:, 1:]


def layers(weights):
    """The parameters in the order of the model: per block those of its layers, `(weight, bias)` each."""
    counters = {"h": 1}  # The embedding has the first one.

    def take(name):
        counters[name] = counters.get(name, 0) + 1
        suffix = "" if counters[name] == 1 else f"_{counters[name]}"
        return weights[f"{name}{suffix}.weight"], weights[f"{name}{suffix}.bias"]

    blocks = []
    for _ in range(BLOCKS):
        names = ["h.n", "h.a", "h.a", "h.a", "h.h", "h.wide", "h.wide", "h"]
        blocks.append([take(name) for name in names])
    return blocks, [take("p"), take("p")]
