"""Writes the data sets of `examples/data/` from the copies inside the scikit-learn wheel.

Nothing is downloaded, reordered, rescaled or dropped: only the header is ours. Columns that hold
whole numbers are written as such; the rest in the shortest decimal that reads back to the same f64.
"""

from pathlib import Path

import numpy as np
from sklearn import datasets

DATA = Path(__file__).resolve().parents[2] / "examples" / "data"

IRIS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]


def snake_case(name):
    """`mean radius` becomes `mean_radius`, `od280/od315_of_diluted_wines` loses its slash."""
    return name.replace(" ", "_").replace("/", "_")


def column(values):
    """The cells of one column, as text."""
    values = np.asarray(values)
    if values.dtype.kind in "US":
        return [str(value) for value in values]
    if np.all(values == np.round(values)):
        return [str(int(value)) for value in values]
    return [repr(float(value)) for value in values]


def write(file, names, features, target_name, target):
    """One row per example, the target in the last column, lines ended by a single `\\n`."""
    columns = [column(features[:, j]) for j in range(features.shape[1])] + [column(target)]
    rows = [[*names, target_name], *zip(*columns, strict=True)]
    text = "".join(",".join(row) + "\n" for row in rows)
    (DATA / file).write_bytes(text.encode("ascii"))


def main():
    iris = datasets.load_iris()
    write("iris.csv", IRIS, iris.data, "species", iris.target_names[iris.target])

    cancer = datasets.load_breast_cancer()
    names = [snake_case(name) for name in cancer.feature_names]
    write("breast_cancer.csv", names, cancer.data, "diagnosis", cancer.target_names[cancer.target])

    wine = datasets.load_wine()
    names = [snake_case(name) for name in wine.feature_names]
    write("wine.csv", names, wine.data, "class", wine.target_names[wine.target])

    digits = datasets.load_digits()
    write("digits.csv", digits.feature_names, digits.data, "digit", digits.target)

    diabetes = datasets.load_diabetes(scaled=False)
    write("diabetes.csv", diabetes.feature_names, diabetes.data, "progression", diabetes.target)


if __name__ == "__main__":
    main()
