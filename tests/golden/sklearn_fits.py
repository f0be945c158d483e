"""Two optima that training has to reach, found by scikit-learn on the tables of `examples/data/`.

Features are standardised by their mean and population standard deviation over all rows.
"""

import csv
from pathlib import Path

import numpy as np
import sklearn
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import StandardScaler

DATA = Path(__file__).resolve().parents[2] / "examples" / "data"

# The weight of the penalty in `tests/models/logistic30.rs`.
PENALTY = 1e-2


def table(file):
    """Feature names, features and the target column as text."""
    with (DATA / file).open(newline="") as lines:
        header, *rows = csv.reader(lines)
    features = np.array([row[:-1] for row in rows], dtype=np.float64)
    return header[:-1], features, np.array([row[-1] for row in rows])


def numbers(values):
    """Twelve digits: far more than training can reach, and the same on every processor."""
    return [float(f"{value:.12g}") for value in np.atleast_1d(values)]


def fit(file, target, objective, names, scaler, coefficients, intercept, **figures):
    """One record: the problem, how its features were standardised, and its optimum."""
    return {
        "data": file,
        "target": target,
        "objective": objective,
        "features": names,
        "mean": numbers(scaler.mean_),
        "std": numbers(scaler.scale_),
        "coefficients": numbers(coefficients),
        "intercept": numbers(intercept)[0],
        **{key: numbers(value)[0] for key, value in figures.items()},
    }


def linear_regression():
    """Ordinary least squares on diabetes."""
    names, features, target = table("diabetes.csv")
    y = target.astype(np.float64)
    scaler = StandardScaler().fit(features)
    x = scaler.transform(features)
    model = LinearRegression().fit(x, y)

    residual = x @ model.coef_ + model.intercept_ - y
    assert_stationary(x.T @ residual / len(y), residual.mean())
    return fit(
        "diabetes.csv",
        "progression",
        "mean((x @ w + b - target)^2)",
        names,
        scaler,
        model.coef_,
        model.intercept_,
        loss=np.mean(residual**2),
        r2=model.score(x, y),
    )


def logistic_regression():
    """Logistic regression with an L2 penalty on breast cancer, malignant as the positive class."""
    names, features, target = table("breast_cancer.csv")
    y = (target == "malignant").astype(np.float64)
    scaler = StandardScaler().fit(features)
    x = scaler.transform(features)
    # scikit-learn minimises sum(w^2)/2 + C * sum(bce). Divided by C*n: mean(bce) + sum(w^2)/(2*C*n).
    c = 1.0 / (2.0 * PENALTY * len(y))
    model = LogisticRegression(C=c, tol=1e-12, solver="newton-cholesky", max_iter=1000).fit(x, y)

    w, b = model.coef_[0], model.intercept_[0]
    z = x @ w + b
    bce = np.mean(np.logaddexp(0.0, z) - y * z)
    error = 1.0 / (1.0 + np.exp(-z)) - y
    assert_stationary(x.T @ error / len(y) + 2.0 * PENALTY * w, error.mean())
    return fit(
        "breast_cancer.csv",
        "1 where diagnosis is malignant, 0 where it is benign",
        "mean(binary_cross_entropy(sigmoid(x @ w + b), target)) + penalty * sum(w^2)",
        names,
        scaler,
        w,
        b,
        penalty=PENALTY,
        C=c,
        loss=bce + PENALTY * np.sum(w**2),
        binary_cross_entropy=bce,
        accuracy=model.score(x, y),
    )


def assert_stationary(*gradients):
    """The fit is the optimum of the objective that its record states, not of a similar one."""
    largest = max(np.abs(gradient).max() for gradient in gradients)
    if largest > 1e-9:
        raise ValueError(f"the gradient at the optimum is {largest:.1e}")


def fits():
    return {
        "sklearn_version": sklearn.__version__,
        "linear_regression": linear_regression(),
        "logistic_regression": logistic_regression(),
    }
