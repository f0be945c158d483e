#!/usr/bin/env python3
"""The step of `benches/gpt.rs` in JAX with optax, compiled, its state donated."""
import os

from gpt_common import HEADS, LENGTH, WIDTH, CHECKED, Run, batch, layers

run = Run("jax_jit")
os.environ["JAX_PLATFORMS"] = "cpu"
if run.threads == 1:
    os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_cpu_multi_thread_eigen=false"
import jax
import jax.numpy as jnp
import optax

blocks, ends = layers(run.weights)
params = jax.tree.map(jnp.asarray, {"characters": run.weights["h.weight"], "place": run.weights["place"],
                                    "blocks": blocks, "ends": ends})
x, y = map(jnp.asarray, batch())
SEEN = jnp.tril(jnp.ones((LENGTH, LENGTH), bool))


def norm(x, layer):
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * layer[0] + layer[1]


def dense(x, layer):
    return x @ layer[0] + layer[1]


def attention(q, k, v):
    q, k, v = (x.reshape(-1, LENGTH, HEADS, WIDTH // HEADS) for x in (q, k, v))
    scores = jnp.einsum("bqhc,bkhc->bhqk", q, k) * (WIDTH // HEADS) ** -0.5
    weights = jax.nn.softmax(jnp.where(SEEN, scores, -1e30))
    return jnp.einsum("bhqk,bkhc->bqhc", weights, v).reshape(-1, LENGTH, WIDTH)


def loss(params, x, y):
    h = params["characters"][x] + params["place"]
    for block in params["blocks"]:
        n = norm(h, block[0])
        h = h + dense(attention(*(dense(n, layer) for layer in block[1:4])), block[4])
        h = h + dense(jax.nn.gelu(dense(norm(h, block[5]), block[6]), approximate=False), block[7])
    logits = dense(norm(h, params["ends"][0]), params["ends"][1])
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


optimizer = optax.adamw(1e-3, weight_decay=0.01)
state = params, optimizer.init(params)


def update(state, x, y):
    params, memory = state
    value, gradient = jax.value_and_grad(loss)(params, x, y)
    updates, memory = optimizer.update(gradient, memory, params)
    return (optax.apply_updates(params, updates), memory), value


compiled = jax.jit(update, donate_argnums=0)


def step():
    global state
    state, value = compiled(state, x, y)
    return jax.block_until_ready(value)


for _ in range(CHECKED):
    step()
check = float(step())
run.measure(jax.__version__, check, step)
