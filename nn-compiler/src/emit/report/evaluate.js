"use strict";
// The values of a graph for one example, in double precision: what the compiler's interpreter computes, in the browser.
// A value is an array of its elements in row-major order; shapes are known beforehand.

// Functions of single numbers, by the names that formulas have for them. NaN goes through all of them.
const exp = Math.exp, log = Math.log, sqrt = Math.sqrt, sin = Math.sin, cos = Math.cos, tanh = Math.tanh;
const abs = Math.abs;
function max(a, b) { return a > b || Number.isNaN(a) ? a : b; }
function min(a, b) { return a < b || Number.isNaN(a) ? a : b; }
function pow(a, b) { return Math.pow(a, b); }
function powi(a, n) { return Math.pow(a, n); }
function sign(a) { return Math.sign(a); }
function gt(a, b) { return Number(a > b); }
function lt(a, b) { return Number(a < b); }
function ge(a, b) { return Number(a >= b); }
function le(a, b) { return Number(a <= b); }
function eq(a, b) { return Number(a === b); }
function ne(a, b) { return Number(a !== b); }
function select(condition, a, b) { return condition === 0 ? b : a; }

// Accurate on both sides, and without overflow.
function sigmoid(a) {
  const decay = Math.exp(-Math.abs(a));
  return a >= 0 ? 1 / (1 + decay) : decay / (1 + decay);
}

function softplus(a) { return Number.isNaN(a) ? a : Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a))); }

// The series of Abramowitz and Stegun, 7.1.6, until it stands still.
function erf(a) {
  if (Math.abs(a) >= 6) return Math.sign(a);
  let term = a, sum = a;
  for (let n = 1; sum + term !== sum && !Number.isNaN(term); n++) {
    term *= 2 * a * a / (2 * n + 1);
    sum += term;
  }
  return 2 / Math.sqrt(Math.PI) * Math.exp(-a * a) * sum;
}

const count = (sizes) => sizes.reduce((product, size) => product * size, 1);
const strides = (shape) => shape.map((_, axis) => count(shape.slice(axis + 1)));
const array = (length, element) => Float64Array.from({ length }, (_, at) => element(at));

// Calls `visit` with each combination of indices below `sizes`, the last one running fastest.
function each(sizes, visit) {
  const index = sizes.map(() => 0);
  for (let left = count(sizes); left > 0; left--) {
    visit(index);
    for (let axis = sizes.length - 1; axis >= 0 && ++index[axis] === sizes[axis]; axis--) index[axis] = 0;
  }
}

const offset = (index, steps) => index.reduce((sum, i, axis) => sum + i * steps[axis], 0);

// `row` of each run along the middle axis of [outer, length, inner]; it gives one number, or as many as it takes.
function along([outer, length, inner], x, row) {
  const results = [];
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) results.push(row(array(length, (k) => x[(o * length + k) * inner + i])));
  }
  const width = results.length > 0 && results[0].length !== undefined ? length : 1;
  return array(outer * width * inner, (at) => {
    const o = Math.floor(at / (width * inner)), k = Math.floor(at / inner) % width, i = at % inner;
    const result = results[o * inner + i];
    return width === 1 && result.length === undefined ? result : result[k];
  });
}

const largest = (row) => row.reduce(max, -Infinity);
const shift = (row) => { const top = largest(row); return Number.isFinite(top) ? top : 0; };

function logsumexp(row) {
  const top = shift(row);
  return Math.log(row.reduce((sum, x) => sum + Math.exp(x - top), 0)) + top;
}

function softmax(row) {
  const top = largest(row), terms = row.map((x) => Math.exp(x - top));
  const sum = terms.reduce((a, b) => a + b, 0);
  return terms.map((term) => term / sum);
}

// A class that is none gives NaN.
function one_hot(index, classes) {
  const is_class = Number.isInteger(index) && index >= 0 && index < classes;
  return array(classes, (at) => (is_class ? Number(at === index) : NaN));
}

// Each element of each window of an image that is no padding: its place, its pixel, and which one of the window it is.
function windows([height, width, rows, columns, kv, kh, sv, sh, before_v, before_h, dv, dh], visit) {
  each([rows, columns, kv, kh], ([row, column, i, j]) => {
    const y = row * sv + i * dv - before_v, x = column * sh + j * dh - before_h;
    if (y >= 0 && y < height && x >= 0 && x < width) visit(row * columns + column, y * width + x, i * kh + j);
  });
}

// The products of a convolution: an element of its result, one of the image, one of the weight.
function products([channels, height, width, units, rows, columns, kv, kh, ...rest], visit) {
  const groups = rest[6], inner = channels / groups, outer = units / groups;
  windows([height, width, rows, columns, kv, kh, ...rest], (place, pixel, tap) => {
    for (let unit = 0; unit < units; unit++) {
      for (let k = 0; k < inner; k++) {
        const channel = Math.floor(unit / outer) * inner + k;
        visit(unit * rows * columns + place, channel * height * width + pixel, (unit * inner + k) * kv * kh + tap);
      }
    }
  });
}

// The pixel that is the largest of each window, the first of equal ones; NaN is larger than anything.
function largest_pixels([channels, height, width, rows, columns, ...rest], x) {
  const best = new Int32Array(channels * rows * columns).fill(-1);
  windows([height, width, rows, columns, ...rest], (place, pixel) => {
    for (let channel = 0; channel < channels; channel++) {
      const at = channel * rows * columns + place, from = channel * height * width + pixel, known = best[at];
      if (known < 0 || x[from] > x[known] || (Number.isNaN(x[from]) && !Number.isNaN(x[known]))) best[at] = from;
    }
  });
  return best;
}

// Each element of each window that is averaged: its place, its pixel, and how many elements there are.
function shares([channels, height, width, rows, columns, kv, kh, sv, sh, before_v, before_h, after_v, after_h, padded], visit) {
  const averaged = (place, kernel, stride, before, input, after) => {
    const [least, most] = padded === 1 ? [0, before + input + after] : [before, before + input];
    return Math.min(place * stride + kernel, most) - Math.max(place * stride, least);
  };
  windows([height, width, rows, columns, kv, kh, sv, sh, before_v, before_h, 1, 1], (place, pixel) => {
    const of_rows = averaged(Math.floor(place / columns), kv, sv, before_v, height, after_v);
    const elements = of_rows * averaged(place % columns, kh, sh, before_h, width, after_h);
    for (let channel = 0; channel < channels; channel++) {
      visit(channel * rows * columns + place, channel * height * width + pixel, elements);
    }
  });
}

// Sums into an array of so many elements.
function summed(length, add) {
  const sum = new Float64Array(length);
  add(sum);
  return sum;
}

const mean = (row) => row.reduce((a, b) => a + b, 0) / row.length;
const rows = (x, length) =>
  Array.from({ length: x.length / length }, (_, at) => Array.from(x.slice(at * length, (at + 1) * length)));

// A row with mean 0 and variance 1, and what it was multiplied with.
function normalise(row, epsilon) {
  const centred = row.map((x) => x - mean(row));
  const scale = 1 / Math.sqrt(mean(centred.map((x) => x * x)) + epsilon);
  return { y: centred.map((x) => x * scale), scale };
}

// A matrix product for each of so many places, with the strides of both operands and of the result.
function contract_each([places, m, k, n, a_at, a_row, a_col, b_at, b_row, b_col, y_at, y_row, y_col], a, b) {
  return summed(places * m * n, (y) => each([places, m, k, n], ([at, i, l, j]) => {
    y[at * y_at + i * y_row + j * y_col] += a[at * a_at + i * a_row + l * a_col] * b[at * b_at + l * b_row + j * b_col];
  }));
}

// Probabilities of the keys that each query sees, 0 for the others; `along` visits the lines in order.
function attention_weights([heads, queries, keys, width, causal], x) {
  let line = 0;
  return along([heads * queries, keys, 1], x, (row) => {
    const seen = causal === 1 ? Math.min(keys, line++ % queries + 1) : keys;
    const shares = softmax(row.slice(0, seen).map((score) => score / Math.sqrt(width)));
    return row.map((_, at) => (at < seen ? shares[at] : 0));
  });
}

// The runtime's kernels, by name, with the sizes that emitted code calls them with.
const KERNELS = {
  reduce_sum: (sizes, x) => along(sizes, x, (row) => row.reduce((a, b) => a + b, 0)),
  reduce_max: (sizes, x) => along(sizes, x, largest),
  logsumexp: (sizes, x) => along(sizes, x, logsumexp),
  softmax: (sizes, x) => along(sizes, x, softmax),
  log_softmax: (sizes, x) => along(sizes, x, (row) => { const sum = logsumexp(row); return row.map((x) => x - sum); }),
  one_hot: (sizes, x) => Array.from(x).flatMap((index) => Array.from(one_hot(index, sizes.at(-1)))),
  softmax_cross_entropy_loss: (sizes, z, target) => Array.from(target, (index, place) => {
    const [row, hot] = [z.slice(place * sizes.at(-1), (place + 1) * sizes.at(-1)), one_hot(index, sizes.at(-1))];
    return logsumexp(row) - row.reduce((sum, z, at) => sum + (hot[at] === 0 ? 0 : z * hot[at]), 0);
  }),
  softmax_error: (sizes, z, target) => Array.from(target).flatMap((index, place) => {
    const [row, hot] = [z.slice(place * sizes.at(-1), (place + 1) * sizes.at(-1)), one_hot(index, sizes.at(-1))];
    return Array.from(softmax(row), (y, at) => y - hot[at]);
  }),
  normalise: ([, length], x, epsilon) => rows(x, length).flatMap((row) => normalise(row, epsilon[0]).y),
  normalise_input: ([, length], x, epsilon, d) => {
    const adjoints = rows(d, length);
    return rows(x, length).flatMap((row, at) => {
      const [{ y, scale }, d] = [normalise(row, epsilon[0]), adjoints[at]];
      const along = mean(d.map((d, at) => d * y[at]));
      return d.map((each, at) => (each - mean(d) - y[at] * along) * scale);
    });
  },
  lookup: ([, entries, width], index, table) => Array.from(index).flatMap((row) => {
    const is_entry = Number.isInteger(row) && row >= 0 && row < entries;
    return Array.from({ length: width }, (_, at) => (is_entry ? table[row * width + at] : NaN));
  }),
  lookup_weight: ([, entries, width], index, d) => summed(entries * width, (sum) => d.forEach((d, at) => {
    const row = index[Math.floor(at / width)];
    if (Number.isInteger(row) && row >= 0 && row < entries) sum[row * width + at % width] += d;
    else sum.fill(NaN);
  })),
  contract_each,
  attention_weights,
  attention_weights_input: ([heads, queries, keys, width], y, d) => array(heads * queries * keys, (at) => {
    const first = at - at % keys, own = y.subarray(first, first + keys);
    const mean = own.reduce((sum, y, k) => sum + y * d[first + k], 0);
    return y[at] * (d[at] - mean) / Math.sqrt(width);
  }),
  convolve: (sizes, x, w) => summed(sizes[3] * sizes[4] * sizes[5], (y) =>
    products(sizes, (place, pixel, tap) => { y[place] += x[pixel] * w[tap]; })),
  convolve_input: (sizes, d, w) => summed(sizes[0] * sizes[1] * sizes[2], (dx) =>
    products(sizes, (place, pixel, tap) => { dx[pixel] += d[place] * w[tap]; })),
  convolve_weight: (sizes, x, d) => summed(sizes[3] * sizes[0] / sizes[14] * sizes[6] * sizes[7], (dw) =>
    products(sizes, (place, pixel, tap) => { dw[tap] += x[pixel] * d[place]; })),
  max_pool_at: (sizes, x, image) => largest_pixels(sizes, x).reduce((y, pixel, place) => {
    y[place] = image[pixel];
    return y;
  }, new Float64Array(sizes[0] * sizes[3] * sizes[4])),
  max_pool_input: (sizes, x, d) => summed(x.length, (dx) =>
    largest_pixels(sizes, x).forEach((pixel, place) => { dx[pixel] += d[place]; })),
  avg_pool2d: (sizes, x) => summed(sizes[0] * sizes[3] * sizes[4], (y) =>
    shares(sizes, (place, pixel, elements) => { y[place] += x[pixel] / elements; })),
  avg_pool_input: (sizes, d) => summed(sizes[0] * sizes[1] * sizes[2], (dx) =>
    shares(sizes, (place, pixel, elements) => { dx[pixel] += d[place] / elements; })),
};

// Sums of products over pairs of axes; the result has the free axes of the first operand, then those of the other.
function contract(node, [a, b], [shape_a, shape_b]) {
  const free = (shape, taken) => shape.map((_, axis) => axis).filter((axis) => !taken.includes(axis));
  const [free_a, free_b] = [free(shape_a, node.axes), free(shape_b, node.others)];
  const [steps_a, steps_b] = [strides(shape_a), strides(shape_b)];
  const pick = (from, axes) => axes.map((axis) => from[axis]);
  const places = (shape, steps, axes) => {
    const found = [];
    each(pick(shape, axes), (index) => found.push(offset(index, pick(steps, axes))));
    return found;
  };
  const rows = places(shape_a, steps_a, free_a), columns = places(shape_b, steps_b, free_b);
  const inner_a = places(shape_a, steps_a, node.axes), inner_b = places(shape_b, steps_b, node.others);
  const dot = (row, column) => inner_a.reduce((sum, at, k) => sum + a[row + at] * b[column + inner_b[k]], 0);
  return array(rows.length * columns.length, (at) =>
    dot(rows[Math.floor(at / columns.length)], columns[at % columns.length]));
}

function move(node, operands) {
  const result = new Float64Array(count(node.shape)).fill(node.fill ?? 0);
  for (const copy of node.copies) {
    const from = operands[copy.operand];
    each(copy.sizes, (index) => {
      result[copy.to + offset(index, copy.to_strides)] = from[copy.from + offset(index, copy.from_strides)];
    });
  }
  return result;
}

// All values of a graph; `leaves` has the inputs, the params, the target and, for a local derivative, the cotangent.
function evaluate(nodes, leaves) {
  const values = [];
  for (const node of nodes) {
    const operands = (node.from ?? []).map((from) => values[from]);
    switch (node.kind) {
      case "input": values.push(leaves.inputs[node.at]); break;
      case "param": values.push(leaves.params[node.at]); break;
      case "target": values.push(leaves.target); break;
      case "cotangent": values.push(leaves.cotangent); break;
      case "number": values.push(new Float64Array(count(node.shape)).fill(node.value)); break;
      case "pointwise": {
        const f = POINTWISE[node.f];
        values.push(array(count(node.shape), (at) => f(...operands.map((operand) => operand[at]))));
        break;
      }
      case "call": values.push(KERNELS[node.function](node.sizes, ...operands)); break;
      case "product": values.push(contract(node, operands, node.from.map((from) => nodes[from].shape))); break;
      case "move": values.push(move(node, operands)); break;
      case "view": values.push(operands[0]); break;
      default: throw new Error(`a node of an unknown kind: ${node.kind}`);
    }
  }
  return values;
}
