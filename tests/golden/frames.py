"""What pandas, NumPy and scikit-learn make of tables: files in their formats, figures and preprocessed columns.

The numbers of `preprocessing.json` are multiples of 2^-12, so that f32 holds them too.
"""

import gzip
import json
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.class_weight import compute_class_weight

GOLDEN = Path(__file__).resolve().parent
DATA = GOLDEN.parents[1] / "examples" / "data"
FORMATS = GOLDEN / "formats"

# Every number drawn is a multiple of this.
GRID = 2.0**-12


def messy(rng):
    """A table with numbers, text, yes-or-no values, whole numbers and gaps."""
    n = 23
    numbers = np.round(rng.normal(10.0, 30.0, n) / GRID) * GRID
    numbers[[3, 11]] = np.nan
    kinds = np.array(["red", "green", "blue", "green"], dtype=object)[rng.integers(0, 4, n)]
    kinds[[5]] = None
    return pd.DataFrame(
        {
            "number": numbers,
            "kind": kinds,
            "yes": rng.integers(0, 2, n).astype(bool),
            "count": rng.integers(-5, 50, n).astype(np.int32),
            "single": (np.round(rng.normal(0.0, 1.0, n) / GRID) * GRID).astype(np.float32),
        }
    )


def describe(frame):
    """The figures of `DataFrame.describe`, exactly as pandas computes them."""
    record = {"numbers": {}, "categories": {}}
    for name, column in frame.items():
        if column.dtype == bool:
            column = column.astype(np.float64)
        if pd.api.types.is_numeric_dtype(column):
            # In double precision, as tables hold all numbers.
            figures = column.astype(np.float64).describe()
            record["numbers"][name] = [float(figures[key]) for key in figures.index]
        else:
            figures = column.describe()
            record["categories"][name] = {
                "count": int(figures["count"]),
                "unique": int(figures["unique"]),
                "top": str(figures["top"]),
                "freq": int(figures["freq"]),
            }
    return record


def write_formats(frame):
    """The same rows in every format that tables are read from."""
    FORMATS.mkdir(exist_ok=True)
    frame.to_csv(FORMATS / "messy.csv", index=False)
    (FORMATS / "messy.csv.gz").write_bytes(gzip.compress((FORMATS / "messy.csv").read_bytes(), mtime=0))
    for compression in ["snappy", "zstd", "gzip", "lz4", "none"]:
        frame.to_parquet(FORMATS / f"messy.{compression}.parquet", index=False, compression=compression, row_group_size=10)
    # Row by row: what pandas gives is column by column.
    numbers = np.ascontiguousarray(frame[["count", "single"]].to_numpy(np.float64))
    np.save(FORMATS / "rows.npy", numbers)
    np.save(FORMATS / "columns.npy", np.asfortranarray(numbers))
    np.save(FORMATS / "vector.npy", frame["count"].to_numpy())
    np.save(FORMATS / "big_endian.npy", numbers.astype(">f4"))
    np.save(FORMATS / "cube.npy", numbers[:20].reshape(10, 2, 2).astype(np.float32))
    for kind in ["i1", "u1", "i2", "u2", "i8", "u8", "?"]:
        np.save(FORMATS / f"type_{'b1' if kind == '?' else kind}.npy", np.array([0, 1, 100, 7]).astype(kind))
    np.save(FORMATS / "text.npy", np.array(["a", "b"]))
    np.savez(FORMATS / "arrays.npz", count=frame["count"].to_numpy(), pair=numbers)
    np.savez_compressed(FORMATS / "compressed.npz", count=frame["count"].to_numpy(), pair=numbers)
    images = np.arange(5 * 2 * 3, dtype=np.uint8).reshape(5, 2, 3)
    labels = np.array([2, 0, 1, 2, 0], dtype=np.uint8)
    for name, array in [("images.idx", images), ("labels.idx", labels)]:
        header = bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape)
        (FORMATS / f"{name}.gz").write_bytes(gzip.compress(header + array.tobytes(), mtime=0))


def lists(array):
    return np.asarray(array, dtype=np.float64).tolist()


def preprocessing(rng):
    """Two parts of a table, and what each transformer fitted on the first makes of both."""

    def part(n):
        return np.round(rng.normal(3.0, 5.0, (n, 3)) / GRID) * GRID

    train, other = part(31), part(7)
    train[:, 2] = 0.125  # a constant column
    gaps = train.copy()
    gaps[[1, 4, 9], 0] = np.nan
    gaps[[0, 30], 1] = np.nan
    few = np.round(rng.uniform(0.0, 4.0, (31, 1)))
    unseen = np.array([[0.0], [9.0], [2.0]])
    record = {
        "train": lists(train),
        "other": lists(other),
        "gaps": [[None if np.isnan(x) else float(x) for x in row] for row in gaps],
        "few": lists(few),
        "unseen": lists(unseen),
    }
    for name, transformer in [
        ("standard", StandardScaler()),
        ("min_max", MinMaxScaler()),
        ("robust", RobustScaler()),
    ]:
        fitted = transformer.fit(train)
        record[name] = {"train": lists(fitted.transform(train)), "other": lists(fitted.transform(other))}
        inverse = fitted.inverse_transform(other)
        record[name]["inverse"] = lists(inverse)
    record["log1p"] = lists(FunctionTransformer(np.log1p).fit_transform(np.abs(other)))
    for name, strategy in [("mean", "mean"), ("median", "median"), ("most_frequent", "most_frequent")]:
        record[f"impute_{name}"] = lists(SimpleImputer(strategy=strategy).fit_transform(gaps))
    record["impute_constant"] = lists(SimpleImputer(strategy="constant", fill_value=-2.5).fit_transform(gaps))
    one_hot = OneHotEncoder(sparse_output=False, handle_unknown="ignore").fit(few)
    record["one_hot"] = {"train": lists(one_hot.transform(few)), "unseen": lists(one_hot.transform(unseen))}
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(few)
    record["ordinal"] = {"train": lists(ordinal.transform(few)), "unseen": lists(ordinal.transform(unseen))}
    labels = rng.integers(0, 3, 40) + (rng.integers(0, 2, 40) == 0)
    record["labels"] = labels.tolist()
    classes = np.unique(labels)
    weights = compute_class_weight("balanced", classes=classes, y=labels)
    record["balanced"] = {str(label): float(weight) for label, weight in zip(classes, weights)}
    return record


def write():
    rng = np.random.default_rng(20260311)
    frame = messy(rng)
    write_formats(frame)
    iris = pd.read_csv(DATA / "iris.csv")
    # One row less of two of the species: the third is the most frequent.
    iris = iris.drop(index=[0, 50])
    iris.to_csv(FORMATS / "iris_uneven.csv", index=False)
    record = {
        "pandas_version": pd.__version__,
        "messy": describe(frame),
        "iris_uneven": describe(iris),
        "diabetes": describe(pd.read_csv(DATA / "diabetes.csv")),
    }
    (GOLDEN / "describe.json").write_text(json.dumps(record, indent=1) + "\n")
    record = {"sklearn_version": sklearn.__version__, **preprocessing(rng)}
    (GOLDEN / "preprocessing.json").write_text(json.dumps(record) + "\n")


if __name__ == "__main__":
    write()
