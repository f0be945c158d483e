#!/usr/bin/env python3
"""scikit-learn's multilayer perceptrons, without hidden layers for regression. One `partial_fit` is an epoch. They
draw their own weights and tell the loss of an epoch alone, so nothing can be checked."""
import warnings

from common import CHECK_STEPS, Run

run = Run("sklearn")
import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor

warnings.filterwarnings("ignore")
w = run.workload
x, y = run.data()
settings = dict(hidden_layer_sizes=tuple(w["sizes"][1:-1]), activation=w["activation"] or "identity", alpha=0.0,
                batch_size=w["batch"], shuffle=False, random_state=0, learning_rate_init=w["rate"] or 1e-3)
if w["optimizer"] == "adam":
    settings.update(solver="adam")
else:
    momentum = 0.9 if w["optimizer"] == "momentum" else 0.0
    settings.update(solver="sgd", momentum=momentum, nesterovs_momentum=False)
first = {}
if w["loss"] == "squares":
    model = MLPRegressor(**settings)
else:
    model = MLPClassifier(**settings)
    y = y.astype(np.int64)
    first = dict(classes=np.arange(max(2, w["sizes"][-1])))
if run.infers:
    # A model has to be fitted before it predicts.
    rows = np.arange(8) % len(x)
    model.partial_fit(x[rows], (np.arange(8) % len(first["classes"])), **first)
    times = run.measure(lambda: model.predict_proba(x), 1)
else:
    for _ in range(max(1, CHECK_STEPS // run.steps)):
        model.partial_fit(x, y, **first)
    assert model.coefs_[0].dtype == np.float32
    times = run.measure(lambda: model.partial_fit(x, y), run.steps)
run.report(sklearn.__version__, None, "its own initial weights", times)
