"""What scikit-learn measures of predictions: `metrics.json`. Runs on its own, without PyTorch, too."""

import json
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn import metrics as m

GOLDEN = Path(__file__).resolve().parent


def plain(value):
    """As JSON has it: NaN, which sklearn gives where a measure is not defined, is null."""
    if isinstance(value, str):
        return value
    value = np.asarray(value, dtype=float)
    if value.ndim:
        return [plain(x) for x in value]
    return None if np.isnan(value) else float(value)


def record(inputs, values):
    return {**inputs, "expected": {name: plain(value) for name, value in values.items()}}


def labels(classes, actual, predicted):
    """Measures of predicted classes."""
    values = {
        "accuracy": m.accuracy_score(actual, predicted),
        "balanced_accuracy": m.balanced_accuracy_score(actual, predicted),
        "matthews": m.matthews_corrcoef(actual, predicted),
        # Without a right answer, sklearn prints the numbers of examples with a fraction.
        "report": m.classification_report(actual, predicted, zero_division=0) if (actual == predicted).any() else np.nan,
    }
    for name, function in [("precision", m.precision_score), ("recall", m.recall_score), ("f1", m.f1_score)]:
        for average in ["micro", "macro", "weighted"]:
            values[f"{name}_{average}"] = function(actual, predicted, average=average, zero_division=0)
        values[f"{name}_classes"] = function(
            actual, predicted, average=None, labels=range(classes), zero_division=0
        )
        if classes == 2:
            values[name] = function(actual, predicted, zero_division=0)
    inputs = {"classes": classes, "actual": actual.tolist(), "predicted": predicted.tolist()}
    return record(inputs, values)


def binary(actual, scores):
    """Measures and curves of the probabilities of one class."""
    fpr, tpr, roc_thresholds = m.roc_curve(actual, scores)
    precision, recall, pr_thresholds = m.precision_recall_curve(actual, scores)
    values = {
        "roc_auc": m.roc_auc_score(actual, scores),
        "average_precision": m.average_precision_score(actual, scores),
        "log_loss": m.log_loss(actual, scores, labels=[0, 1]),
        "brier": m.brier_score_loss(actual, scores, labels=[0, 1], pos_label=1),
        "false_positive_rate": fpr,
        "true_positive_rate": tpr,
        # The first one is infinite, which JSON does not know.
        "roc_thresholds": roc_thresholds[1:],
        "precision": precision,
        "recall": recall,
        "pr_thresholds": pr_thresholds,
    }
    return record({"actual": actual.tolist(), "scores": scores.tolist()}, values)


def probabilities(actual, scores):
    """Measures of the probabilities of several classes, all of which occur."""
    classes = range(scores.shape[1])
    one_hot = np.eye(len(classes))[actual]
    values = {
        "log_loss": m.log_loss(actual, scores, labels=classes),
        "brier": m.brier_score_loss(actual, scores, labels=classes),
        "roc_auc_micro": m.roc_auc_score(one_hot, scores, average="micro"),
        "average_precision_micro": m.average_precision_score(one_hot, scores, average="micro"),
    }
    for average in ["macro", "weighted"]:
        values[f"roc_auc_{average}"] = m.roc_auc_score(actual, scores, multi_class="ovr", average=average)
        values[f"average_precision_{average}"] = m.average_precision_score(actual, scores, average=average)
    for k in classes[:-1]:
        values[f"top_{k + 1}"] = m.top_k_accuracy_score(actual, scores, k=k + 1, labels=classes)
    return record({"actual": actual.tolist(), "scores": scores.tolist()}, values)


def regression(actual, predicted):
    """Measures of numbers, `[n, columns]`."""
    values = {
        "r2": m.r2_score(actual, predicted),
        "r2_variance_weighted": m.r2_score(actual, predicted, multioutput="variance_weighted"),
        "mse": m.mean_squared_error(actual, predicted),
        "rmse": m.root_mean_squared_error(actual, predicted),
        "mae": m.mean_absolute_error(actual, predicted),
        "mape": m.mean_absolute_percentage_error(actual, predicted),
    }
    return record({"actual": actual.tolist(), "predicted": predicted.tolist()}, values)


def some_labels(rng):
    def draw(n, weights, right):
        classes = len(weights)
        actual = rng.choice(classes, n, p=weights)
        guess = rng.integers(0, classes, n)
        return actual, np.where(rng.random(n) < right, actual, guess)

    yield "balanced", labels(2, *draw(60, [0.5, 0.5], 0.6))
    yield "imbalanced", labels(2, *draw(150, [0.97, 0.03], 0.8))
    yield "three", labels(3, *draw(90, [0.3, 0.3, 0.4], 0.5))
    yield "ten", labels(10, *draw(300, [0.5, 0.2] + [0.0375] * 8, 0.7))
    actual, predicted = draw(40, [0.4, 0.3, 0.3], 0.5)
    yield "never predicted", labels(3, actual, np.minimum(predicted, 1))
    yield "not among the targets", labels(3, np.minimum(actual, 1), predicted)
    yield "nowhere", labels(4, actual, predicted)
    yield "all positive", labels(2, np.ones(7, int), np.array([1, 1, 0, 1, 1, 0, 1]))
    yield "none positive", labels(2, np.zeros(7, int), np.zeros(7, int))
    yield "all wrong", labels(3, np.array([0, 1, 2, 0]), np.array([1, 2, 0, 2]))


def some_scores(rng):
    def draw(n, positive, digits=15):
        actual = (rng.random(n) < positive).astype(int)
        logit = rng.normal(0.0, 1.5, n) + 1.2 * (2 * actual - 1)
        return actual, np.round(1.0 / (1.0 + np.exp(-logit)), digits)

    yield "balanced", binary(*draw(80, 0.5))
    yield "imbalanced", binary(*draw(200, 0.04))
    yield "ties", binary(*draw(120, 0.4, digits=1))
    yield "one value", binary(np.array([0, 1, 1, 0, 1]), np.full(5, 0.25))
    yield "perfect", binary(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.8, 0.9]))
    yield "reversed", binary(np.array([1, 1, 0, 0]), np.array([0.1, 0.2, 0.8, 0.9]))
    yield "sure", binary(np.array([0, 1, 0, 1]), np.array([0.0, 1.0, 1.0, 0.5]))
    yield "all positive", binary(np.ones(4, int), np.array([0.3, 0.6, 0.6, 0.1]))
    yield "none positive", binary(np.zeros(4, int), np.array([0.3, 0.6, 0.6, 0.1]))


def some_probabilities(rng):
    def draw(n, weights, right=1.5):
        classes = len(weights)
        actual = np.concatenate([np.arange(classes), rng.choice(classes, n - classes, p=weights)])
        logits = rng.normal(0.0, 1.0, (n, classes)) + right * np.eye(classes)[actual]
        exponentials = np.exp(logits)
        return actual, exponentials / exponentials.sum(axis=1, keepdims=True)

    yield "three", probabilities(*draw(60, [0.3, 0.3, 0.4]))
    yield "imbalanced", probabilities(*draw(150, [0.9, 0.04, 0.03, 0.03]))
    actual, scores = draw(80, [0.25] * 4, 0.5)
    # Quarters: many scores are equal, and all of them sum to one exactly.
    quarters = np.floor(4.0 * scores)
    quarters[:, 0] += 4.0 - quarters.sum(axis=1)
    yield "ties", probabilities(actual, quarters / 4.0)
    sure = np.eye(3)[[0, 1, 2, 2]]
    yield "sure", probabilities(np.array([0, 1, 2, 0]), sure)


def some_numbers(rng):
    def draw(n, columns, scale=1.0, offset=0.0):
        actual = offset + scale * rng.normal(size=(n, columns)) * np.arange(1, columns + 1)
        return actual, actual + 0.3 * scale * rng.normal(size=(n, columns))

    yield "one column", regression(*draw(50, 1))
    yield "three columns", regression(*draw(70, 3))
    yield "far from zero", regression(*draw(40, 2, 1.0, 1e6))
    yield "small", regression(*draw(40, 1, 1e-6))
    actual, predicted = draw(30, 2)
    actual[:, 0] = 2.5
    yield "a constant column", regression(actual, predicted)
    predicted[:, 0] = 2.5
    yield "a constant column, exact", regression(actual, predicted)
    yield "all constant", regression(np.full((4, 2), 3.0), np.array([[3.0, 1.0]] * 4))
    yield "targets of zero", regression(np.array([[0.0], [1.0], [2.0]]), np.array([[1e-17], [1.5], [2.0]]))
    yield "worse than the mean", regression(np.array([[1.0], [2.0], [3.0]]), np.array([[3.0], [2.0], [-4.0]]))


def cases():
    rng = np.random.default_rng(20)
    kinds = {
        "labels": some_labels,
        "scores": some_scores,
        "probabilities": some_probabilities,
        "numbers": some_numbers,
    }
    with warnings.catch_warnings():
        # Cases that have no value are here on purpose.
        warnings.simplefilter("ignore")
        return {
            "sklearn_version": sklearn.__version__,
            **{kind: dict(some(rng)) for kind, some in kinds.items()},
        }


def write():
    text = json.dumps(cases(), allow_nan=False, separators=(",", ":")).replace('},"', '},\n"')
    return (GOLDEN / "metrics.json").write_text(text + "\n")


if __name__ == "__main__":
    write()
