#!/usr/bin/env python3
"""JAX with optax. PEER_VARIANT is `jit` (one compiled step a call) or `scan` (a compiled epoch a call); the state is
donated in both."""
import os

from common import CHECK_STEPS, Run

VARIANT = os.environ.get("PEER_VARIANT", "jit")
run = Run("jax_" + VARIANT)
os.environ["JAX_PLATFORMS"] = "cpu"
if run.threads == 1:
    os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_cpu_multi_thread_eigen=false"
import jax
import jax.numpy as jnp
import optax

w = run.workload
version = f"{jax.__version__}"
activation = {"relu": jax.nn.relu, "tanh": jnp.tanh, None: lambda x: x}[w["activation"]]
params = [tuple(map(jnp.asarray, layer)) for layer in run.weights()]
x, y = map(jnp.asarray, run.data())


def forward(params, x):
    for i, (weight, bias) in enumerate(params):
        x = x @ weight + bias
        if i + 1 < len(params):
            x = activation(x)
    return x


def loss(params, x, y):
    out = forward(params, x)
    if w["loss"] == "binary":
        return optax.sigmoid_binary_cross_entropy(out[:, 0], y).mean()
    if w["loss"] == "squares":
        return ((out[:, 0] - y) ** 2).mean()
    return optax.softmax_cross_entropy_with_integer_labels(out, y).mean()


if run.infers:
    if VARIANT == "scan":
        run.skip("the same as jax_jit")
    head = jax.nn.sigmoid if w["loss"] == "binary" else jax.nn.softmax
    predict = jax.jit(lambda params, x: head(forward(params, x)))
    check = float(predict(params, x)[0].max())
    times = run.measure(lambda: predict(params, x).block_until_ready(), 1)
    run.report(version, check, "", times)
    raise SystemExit

rate = w["rate"]
optimizer = {"sgd": lambda: optax.sgd(rate), "momentum": lambda: optax.sgd(rate, momentum=0.9),
             "adam": lambda: optax.adam(rate)}[w["optimizer"]]()
state = (params, optimizer.init(params))


def step(state, batch):
    params, memory = state
    value, gradient = jax.value_and_grad(loss)(params, *batch)
    updates, memory = optimizer.update(gradient, memory, params)
    return (optax.apply_updates(params, updates), memory), value


steps = run.steps
xs, ys = x.reshape(steps, w["batch"], -1), y.reshape(steps, w["batch"])
first = jnp.array(xs[0]), jnp.array(ys[0])
if VARIANT == "jit":
    batches = [(xs[i], ys[i]) for i in range(steps)]
    compiled = jax.jit(step, donate_argnums=0)

    def epoch(batches=batches):
        global state
        for batch in batches:
            state, value = compiled(state, batch)
        jax.block_until_ready((state, value))

    epoch([batches[i % steps] for i in range(CHECK_STEPS)])
else:
    # One call makes at most as many steps as are checked, and sixteen where an epoch is one batch.
    if steps == 1:
        steps = 16
        xs, ys = jnp.tile(xs, (steps, 1, 1)), jnp.tile(ys, (steps, 1))
    compiled = jax.jit(lambda state, xs, ys: jax.lax.scan(step, state, (xs, ys)), donate_argnums=0)

    def epoch():
        global state
        state, values = compiled(state, xs, ys)
        jax.block_until_ready((state, values))

    assert CHECK_STEPS % steps == 0
    for _ in range(CHECK_STEPS // steps):
        epoch()
check = float(loss(state[0], *first))
run.report(version, check, "", run.measure(epoch, steps))
