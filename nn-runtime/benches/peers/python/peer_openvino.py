#!/usr/bin/env python3
"""OpenVINO: inference in single precision, tuned for latency. PEERS_ONNX as for onnxruntime."""
import os

from common import Run

run = Run("openvino")
if not run.infers:
    run.skip("does not train")
import numpy as np
import openvino as ov

settings = {"INFERENCE_NUM_THREADS": run.threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32",
            "ENABLE_CPU_PINNING": False}
model = ov.compile_model(os.path.join(os.environ["PEERS_ONNX"], run.name + ".onnx"), "CPU", settings)
request = model.create_infer_request()
request.set_input_tensor(ov.Tensor(np.ascontiguousarray(run.data()[0])))
request.infer()
check = float(request.get_output_tensor().data[0].max())
run.report(ov.__version__.split("-")[0], check, "", run.measure(request.infer, 1))
