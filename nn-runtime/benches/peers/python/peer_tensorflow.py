#!/usr/bin/env python3
"""TensorFlow with Keras. PEER_VARIANT is `function` (a compiled step a call), `xla` (the same through XLA) or `fit`
(Keras' own loop, 64 steps an execution)."""
import os
import time

from common import CHECK_STEPS, Run

VARIANT = os.environ.get("PEER_VARIANT", "function")
run = Run("tensorflow_" + VARIANT)
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import numpy as np
import tensorflow as tf
import keras

tf.config.threading.set_intra_op_parallelism_threads(run.threads)
tf.config.threading.set_inter_op_parallelism_threads(1)
w = run.workload
version = f"{tf.__version__}, keras {keras.__version__}"
inputs = out = keras.layers.Input((w["sizes"][0],))
weights = run.weights()
for i, (weight, bias) in enumerate(weights):
    activation = w["activation"] if i + 1 < len(weights) else None
    out = keras.layers.Dense(weight.shape[1], activation=activation)(out)
net = keras.Model(inputs, out)
net.set_weights([array for layer in weights for array in layer])
x, y = run.data()

if run.infers:
    if VARIANT == "fit":
        run.skip("the same as tensorflow_function")
    head = tf.sigmoid if w["loss"] == "binary" else tf.nn.softmax
    x = tf.constant(x)
    predict = tf.function(lambda x: head(net(x, training=False)), jit_compile=VARIANT == "xla")
    predict = predict.get_concrete_function(x)
    check = float(np.max(predict(x).numpy()[0]))
    run.report(version, check, "", run.measure(lambda: predict(x).numpy(), 1))
    raise SystemExit

loss = {"binary": lambda: keras.losses.BinaryCrossentropy(from_logits=True),
        "squares": lambda: keras.losses.MeanSquaredError(),
        "classes": lambda: keras.losses.SparseCategoricalCrossentropy(from_logits=True)}[w["loss"]]()
rate = w["rate"]
optimizer = {"sgd": lambda: keras.optimizers.SGD(rate), "momentum": lambda: keras.optimizers.SGD(rate, momentum=0.9),
             "adam": lambda: keras.optimizers.Adam(rate, epsilon=1e-8)}[w["optimizer"]]()
if w["loss"] != "classes":
    y = y[:, None]
batch, steps = w["batch"], run.steps


def check():
    return float(loss(y[:batch], net(x[:batch])))


if VARIANT == "fit":
    # Epochs of many steps, so that what Keras does around one is shared.
    steps = 64 if w["sizes"][0] == 784 else 512
    repeat = -(-steps // run.steps)
    steps = repeat * run.steps
    net.compile(optimizer=optimizer, loss=loss, jit_compile=False, steps_per_execution=64)
    xs, ys = np.concatenate([x] * repeat), np.concatenate([y] * repeat)
    checked = CHECK_STEPS * batch
    net.fit(xs[:checked], ys[:checked], batch_size=batch, epochs=1, shuffle=False, verbose=0)
    found = check()
    times = []

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            times.append((time.perf_counter() - self.start) / steps * 1e6)
            if time.perf_counter() > end and len(times) > 3:
                self.model.stop_training = True

    end = time.perf_counter() + run.seconds + 0.5
    net.fit(xs, ys, batch_size=batch, epochs=10**6, shuffle=False, verbose=0, callbacks=[Clock()])
    run.report(version, found, "Adam's epsilon is elsewhere", times[1:])
    raise SystemExit


@tf.function(jit_compile=VARIANT == "xla")
def step(x, y):
    with tf.GradientTape() as tape:
        value = loss(y, net(x, training=True))
    optimizer.apply(tape.gradient(value, net.trainable_variables), net.trainable_variables)
    return value


optimizer.build(net.trainable_variables)
batches = [(tf.constant(x[i:i + batch]), tf.constant(y[i:i + batch])) for i in range(0, len(x), batch)]


def epoch(batches=batches):
    for one in batches:
        value = step(*one)
    value.numpy()


epoch([batches[i % steps] for i in range(CHECK_STEPS)])
run.report(version, check(), "Adam's epsilon is elsewhere", run.measure(epoch, steps))
