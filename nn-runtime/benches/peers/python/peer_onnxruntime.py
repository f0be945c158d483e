#!/usr/bin/env python3
"""onnxruntime: inference. PEERS_ONNX is the folder that `export_onnx.py` wrote. PEER_VARIANT is `run`, or `bound`:
inputs and outputs stay in place."""
import os

from common import Run

VARIANT = os.environ.get("PEER_VARIANT", "run")
run = Run("onnxruntime_" + VARIANT)
if not run.infers:
    run.skip("does not train")
import numpy as np
import onnxruntime as ort

options = ort.SessionOptions()
options.intra_op_num_threads = run.threads
options.inter_op_num_threads = 1
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
file = os.path.join(os.environ["PEERS_ONNX"], run.name + ".onnx")
session = ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
x = np.ascontiguousarray(run.data()[0])
out = session.run(None, {"x": x})[0]
if VARIANT == "run":
    feed = {"x": x}
    predict = lambda: session.run(None, feed)
else:
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", ort.OrtValue.ortvalue_from_numpy(x))
    binding.bind_ortvalue_output("y", ort.OrtValue.ortvalue_from_numpy(out.copy()))
    predict = lambda: session.run_with_iobinding(binding)
run.report(ort.__version__, float(out[0].max()), "", run.measure(predict, 1))
