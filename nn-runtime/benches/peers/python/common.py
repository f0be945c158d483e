"""What every Python peer shares: the workloads of `benches/workloads/table.rs`, the same data and initial weights,
arguments, timing, and the line of json that is all its output.

Import it before the framework: `run` pins the process to N processors, and frameworks count those when they start.
"""
import argparse
import json
import os
import statistics
import sys
import time

# Steps after which the loss of the first batch is compared.
CHECK_STEPS = 64

JET = [16, 64, 32, 32, 5]


def workload(sizes, activation, loss, examples, batch, optimizer=None, rate=None):
    """Features and the width of each layer; what follows every layer but the last; without an optimiser, inference."""
    return dict(sizes=sizes, activation=activation, loss=loss, examples=examples, batch=batch, optimizer=optimizer,
                rate=rate)


WORKLOADS = {
    "logreg2": workload([2, 1], None, "binary", 1024, 32, "sgd", 0.1),
    "logreg2_full": workload([2, 1], None, "binary", 1024, 1024, "sgd", 0.1),
    "linreg16": workload([16, 1], None, "squares", 4096, 128, "sgd", 0.05),
    "mlp_play": workload([2, 8, 8, 1], "tanh", "binary", 1024, 32, "sgd", 0.1),
    "jet_128": workload(JET, "relu", "classes", 8192, 128, "adam", 1e-3),
    "jet_1024": workload(JET, "relu", "classes", 8192, 1024, "adam", 1e-3),
    "mnist_small": workload([784, 128, 10], "relu", "classes", 2048, 64, "momentum", 0.01),
    "mnist_big": workload([784, 512, 512, 10], "relu", "classes", 2048, 128, "adam", 1e-3),
    "jet_infer1": workload(JET, "relu", "classes", 1, 1),
    "jet_infer_1024": workload(JET, "relu", "classes", 1024, 1024),
    "logreg2_infer1": workload([2, 1], None, "binary", 1, 1),
}


class Run:
    """One run: `PEER WORKLOAD [--threads N] [--seconds S]`."""

    def __init__(self, peer):
        parser = argparse.ArgumentParser(prog=peer)
        parser.add_argument("workload", choices=WORKLOADS)
        parser.add_argument("--threads", type=int, default=1)
        parser.add_argument("--seconds", type=float, default=3.0)
        args = parser.parse_args()
        self.peer, self.name, self.threads, self.seconds = peer, args.workload, args.threads, args.seconds
        self.workload = WORKLOADS[args.workload]
        self.infers = self.workload["optimizer"] is None
        self.steps = self.workload["examples"] // self.workload["batch"]
        # A core type that is forced on OpenBLAS for old builds of it slows new ones.
        for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
            os.environ.pop(name, None)
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[name] = str(self.threads)
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-self.threads:])

    def skip(self, why):
        """Says why there is nothing to time, and ends the process."""
        print(json.dumps(dict(peer=self.peer, workload=self.name, threads=self.threads, skipped=why)))
        sys.exit(0)

    def report(self, version, check, notes, times):
        """Prints what `measure` found. `check` has to agree between peers."""
        times = sorted(times)
        print(json.dumps(dict(
            peer=self.peer, workload=self.name, threads=self.threads, version=version,
            median_us=statistics.median(times), min_us=times[0], p10_us=times[len(times) // 10], check=check,
            notes=notes)))

    def measure(self, epoch, steps):
        """Microseconds per step of groups of epochs that last at least 200 µs. `epoch` makes so many steps and waits
        for the last."""
        end = time.perf_counter() + min(1.0, self.seconds / 3)
        runs = 0
        while time.perf_counter() < end or runs < 2:
            start = time.perf_counter()
            epoch()
            last = time.perf_counter() - start
            runs += 1
        group = int(200e-6 / max(last, 1e-8)) + 1
        times, end = [], time.perf_counter() + self.seconds
        while time.perf_counter() < end or len(times) < 3:
            start = time.perf_counter()
            for _ in range(group):
                epoch()
            times.append((time.perf_counter() - start) / (group * steps) * 1e6)
        return times

    def data(self):
        """Inputs, float32 `[examples, features]`, and targets, `[examples]`: float32, or int32 for classes."""
        import numpy as np
        sizes, n = self.workload["sizes"], self.workload["examples"]
        features = sizes[0]
        # Images are not negative.
        x = (uniform if features == 784 else symmetric)(1, n * features).reshape(n, features)
        if self.workload["loss"] == "binary":
            y = ((x[:, 0] * x[:, 1] if len(sizes) > 2 else x[:, 0] + x[:, 1]) > 0).astype(np.float32)
        elif self.workload["loss"] == "squares":
            y = (x @ symmetric(7, features) + np.float32(0.1) * symmetric(8, n)).astype(np.float32)
        else:
            y = x[:, :sizes[-1]].argmax(1).astype(np.int32)
        return x, y

    def weights(self):
        """Weight `[in, out]` and bias of each layer: uniform in ±1/√in, and zero."""
        import numpy as np
        pairs = zip(self.workload["sizes"], self.workload["sizes"][1:])
        return [((symmetric(100 + k, i * o) * np.float32(i**-0.5)).reshape(i, o), np.zeros(o, np.float32))
                for k, (i, o) in enumerate(pairs)]


def uniform(seed, count):
    """Numbers in [0, 1): a counter through SplitMix64, which any language can repeat."""
    import numpy as np
    with np.errstate(over="ignore"):
        z = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z += np.uint64((seed * 0xD1342543DE82EF95) % 2**64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)


def symmetric(seed, count):
    """Numbers in [-1, 1)."""
    import numpy as np
    return uniform(seed, count) * np.float32(2) - np.float32(1)
