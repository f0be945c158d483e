#!/usr/bin/env python3
"""Writes the networks of the workloads that only predict into the folder given as the first argument."""
import os
import sys

import onnx
from onnx import TensorProto, helper, numpy_helper

from common import WORKLOADS, Run

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
for name, workload in WORKLOADS.items():
    if workload["optimizer"]:
        continue
    sys.argv = ["export", name]
    layers = Run("export").weights()
    nodes, constants, value = [], [], "x"
    for i, (weight, bias) in enumerate(layers):
        constants += [numpy_helper.from_array(weight, f"w{i}"), numpy_helper.from_array(bias, f"b{i}")]
        nodes.append(helper.make_node("Gemm", [value, f"w{i}", f"b{i}"], [f"z{i}"]))
        value = f"z{i}"
        if i + 1 < len(layers):
            nodes.append(helper.make_node("Relu", [value], [f"h{i}"]))
            value = f"h{i}"
    if workload["loss"] == "binary":
        nodes.append(helper.make_node("Sigmoid", [value], ["y"]))
    else:
        nodes.append(helper.make_node("Softmax", [value], ["y"], axis=1))
    shapes = [[workload["batch"], workload["sizes"][end]] for end in (0, -1)]
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in zip("xy", shapes))
    graph = helper.make_graph(nodes, name, [x], [y], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, os.path.join(folder, name + ".onnx"))
