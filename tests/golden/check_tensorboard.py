"""Reads the event files of `nn-runtime/tests/tensorboard.rs` with TensorBoard's own reader.

`python tests/golden/check_tensorboard.py FOLDER`; ends with 77 if the package is not installed.
"""

import sys

try:
    import numpy as np
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util import tensor_util
except ImportError as error:
    print(f"Python has no tensorboard: {error}")
    sys.exit(77)


def scalars(events, tag):
    if tag in events.Tags()["scalars"]:
        return [(event.step, event.value) for event in events.Scalars(tag)]
    # Readers of today turn scalars into tensors.
    return [(event.step, float(tensor_util.make_ndarray(event.tensor_proto))) for event in events.Tensors(tag)]


def histograms(events, tag):
    """Step, and rows of (left, right, count)."""
    return [(event.step, tensor_util.make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)]


def main(folder):
    everything = {"scalars": 0, "tensors": 0, "histograms": 0, "compressedHistograms": 0}
    events = EventAccumulator(folder, size_guidance=everything)
    events.Reload()
    loss = scalars(events, "loss/train")
    assert [step for step, _ in loss] == list(range(300)), loss
    np.testing.assert_allclose([value for _, value in loss], 1.0 / (1.0 + np.arange(300)), rtol=1e-7)
    assert scalars(events, "größe") == [(1 << 40, -2.5)]

    if "h1.weight" in events.Tags()["histograms"]:
        for event, start in zip(events.Histograms("h1.weight"), [0, 10], strict=True):
            value = event.histogram_value
            assert (event.step, value.num, value.min) == (start, 1000, start), event
            np.testing.assert_allclose(value.sum, 499.5 + 1000 * start)
            assert sum(value.bucket) == 1000 and len(value.bucket_limit) == 30, event
        (constant,) = events.Histograms("constant")
        assert list(constant.histogram_value.bucket) == [7], constant
        assert "none" not in events.Tags()["histograms"]
    else:
        for (step, rows), start in zip(histograms(events, "h1.weight"), [0, 10], strict=True):
            assert step == start and rows.shape == (30, 3), rows
            assert rows[:, 2].sum() == 1000
            np.testing.assert_allclose([rows[0, 0], rows[-1, 1]], [start, start + 0.999])
        assert "none" not in events.Tags()["tensors"]
    print("tensorboard read 300 scalars and 3 histograms")


if __name__ == "__main__":
    main(sys.argv[1])
