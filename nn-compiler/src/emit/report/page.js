
// The page: what is chosen, which step is shown, and the numbers of the example.

const data = JSON.parse(document.getElementById("data").textContent);
const values = data.values.filter((value) => value !== null);
const shown = values.filter((value) => value.is_shown);
const has_adjoint = (value) => value.adjoint !== null && value.is_shown;
const loss = shown.filter(has_adjoint).at(-1);

// The steps: each value as it is computed, then each adjoint, from the loss backwards.
const steps = [
  ...shown.filter((value) => value.is_computed).map((value) => ({ value, is_adjoint: false })),
  ...shown.filter(has_adjoint).reverse().map((value) => ({ value, is_adjoint: true })),
];

let leaves = first_leaves();
let results = [];
let step = steps.length;
let chosen = null;
let timer = null;

const $ = (id) => document.getElementById(id);

// An element with attributes and children; functions become event handlers.
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

function first_leaves() {
  return {
    inputs: data.inputs.map((leaf) => Float64Array.from(leaf.values)),
    params: data.params.map((leaf) => Float64Array.from(leaf.values)),
    target: data.target === null ? null : Float64Array.from(data.target.values),
  };
}

// ---- numbers

function number(x) {
  if (x === undefined) return "";
  if (x === 0) return "0";
  if (!Number.isFinite(x)) return String(x);
  const size = Math.abs(x);
  if (size >= 1e5 || size < 1e-4) return x.toExponential(2);
  return String(Number(x.toPrecision(4)));
}

const result = (node) => (data.has_numbers && node !== null ? results[node] : undefined);
const value_of = (value) => result(value.node);
const adjoint_of = (value) => result(value.adjoint);

// A few numbers on one line.
function brief(numbers, most = 6) {
  if (numbers === undefined) return "";
  if (numbers.length === 1) return number(numbers[0]);
  const head = Array.from(numbers.slice(0, most), number).join(", ");
  return `[${head}${numbers.length > most ? ", …" : ""}]`;
}

// All numbers, as a table of rows along the last axis.
function grid(numbers, shape) {
  if (numbers === undefined) return "";
  const width = shape.length > 1 ? shape.at(-1) : Math.min(numbers.length, 8);
  const rows = [];
  for (let at = 0; at < numbers.length && rows.length < 64; at += width) {
    const cells = Array.from(numbers.slice(at, at + width), (x) => element("td", { title: String(x) }, number(x)));
    rows.push(element("tr", {}, ...cells));
  }
  return element("div", { class: "numbers" }, element("table", {}, ...rows));
}

const shape_of = (value) => (value.shape.length === 0 ? "a scalar" : `[${value.shape.join(", ")}]`);
const partial = (value) => `∂${loss.name}/∂${value.name}`;

// What a local derivative is for these numbers.
function factor_of(value, factor) {
  if (!data.has_numbers) return undefined;
  const inputs = factor.sources.map((source) => value_of(data.values[source]));
  const cotangent = adjoint_of(value);
  return evaluate(factor.graph.nodes, { inputs, params: [], target: null, cotangent })[factor.graph.root];
}

// A factor of the chain rule has `∂y/∂x` on its left; what has `∂J/∂x` there is multiplied with the adjoint already.
const is_factor = (reader, factor) => reader === loss || !factor.left.startsWith(`∂${loss.name}/`);

// The values that an operand stands for: itself or, where it is not shown, what it is computed from.
function behind(id) {
  const value = data.values[id];
  if (value === null || value === undefined) return [];
  return value.is_shown ? [value] : value.operands.flatMap(behind);
}

// The ways that the adjoint of a value comes: by which reader, and multiplied with what.
function ways(value) {
  const found = [];
  for (const user of shown.filter(has_adjoint)) {
    for (const factor of user.factors) {
      if (behind(factor.operand).includes(value)) found.push({ user, factor });
    }
  }
  return found;
}

// `∂J/∂y · ∂y/∂q`; from the loss itself the factor alone, because `∂J/∂J` is 1.
function way_text({ user, factor }) {
  if (user === loss) return factor.formula;
  return is_factor(user, factor) ? `${partial(user)} · ${factor.left}` : factor.formula;
}

// ---- recomputing

function recompute() {
  results = data.has_numbers ? evaluate(data.nodes, leaves) : [];
  show();
}

function show() {
  show_numbers();
  show_story();
  show_details();
}

const box_of = (value, is_adjoint) =>
  document.querySelector(`.nn .box${is_adjoint ? ".adjoint" : ":not(.adjoint)"}[data-nodes~="${value.id}"]`);

// Numbers below the boxes, and what is still ahead, faint.
function show_numbers() {
  document.querySelectorAll(".nn .number").forEach((text) => text.remove());
  const done = new Set(steps.slice(0, step).map(({ value, is_adjoint }) => box_of(value, is_adjoint)));
  const now = step > 0 && step < steps.length ? steps[step - 1] : null;
  for (const value of shown) {
    for (const is_adjoint of [false, true]) {
      const box = box_of(value, is_adjoint);
      if (box === null) continue;
      const is_done = done.has(box) || (!is_adjoint && !value.is_computed);
      if (value.is_computed || is_adjoint) box.classList.toggle("ahead", !is_done);
      box.classList.toggle("now", now !== null && now.is_adjoint === is_adjoint && box === box_of(now.value, now.is_adjoint));
      const is_own = Number(is_adjoint ? box.dataset.adjoint : box.dataset.node) === value.id;
      if (is_done && is_own) label(box, is_adjoint ? adjoint_of(value) : value_of(value));
    }
  }
  for (const edge of document.querySelectorAll(".nn .edge")) {
    const is_back = edge.classList.contains("back");
    const to = Number(edge.dataset.to);
    const end = data.values[to];
    if (edge.classList.contains("turn")) edge.classList.toggle("ahead", !done.has(box_of(loss, true)));
    else if (end) edge.classList.toggle("ahead", !done.has(box_of(end, is_back)));
  }
}

function label(box, numbers) {
  if (numbers === undefined) return;
  const shape = box.querySelector(".shape");
  const { x, y, width, height } = shape.getBBox();
  const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
  text.setAttribute("class", "number");
  text.setAttribute("x", x + width / 2);
  text.setAttribute("y", y + height + 12);
  text.setAttribute("font-size", "11");
  const most = numbers.length === 1 ? 1 : Math.max(1, Math.floor(width / 52));
  text.textContent = brief(numbers, most);
  box.append(text);
}

function show_story() {
  $("place").max = steps.length;
  $("place").value = step;
  const story = $("story");
  if (step === 0) {
    story.textContent = `${steps.length} steps: the forward pass${loss ? ", then the chain rule backwards" : ""}.`;
    return;
  }
  const { value, is_adjoint } = steps[step - 1];
  const lines = [`Step ${step} of ${steps.length}, ${is_adjoint ? "backward" : "forward"}: `];
  if (!is_adjoint) {
    lines.push(`${value.name} = ${value.formula}`, equals(with_numbers(value)), equals(brief(value_of(value))));
  } else if (value === loss) {
    lines.push(`${partial(value)} = 1: where the chain rule begins`);
  } else {
    const found = ways(value);
    lines.push(`${partial(value)} = ${found.map(way_text).join(" + ")}`);
    const is_product = found.length > 1 || found.some(({ user }) => user !== loss);
    if (is_product && found.every(({ user }) => count(user.shape) === 1) && count(value.shape) === 1 && data.has_numbers) {
      const product = ({ user, factor }) => {
        const local = brief(factor_of(user, factor));
        return user === loss ? local : `${brief(adjoint_of(user))} · ${bracketed(local)}`;
      };
      lines.push(equals(found.map(product).join(" + ")));
    }
    lines.push(equals(brief(adjoint_of(value))));
  }
  story.textContent = lines.filter((line) => line !== "").join("");
}

const equals = (text) => (text === "" ? "" : ` = ${text}`);
const bracketed = (text) => (text.startsWith("-") ? `(${text})` : text);

// The formula with numbers in place of names, where all of them are scalars.
function with_numbers(value) {
  const used = value.operands.flatMap(behind);
  if (!data.has_numbers || used.some((operand) => count(operand.shape) !== 1) || value.formula.length > 60) return "";
  let text = value.formula;
  const names = new Map(used.map((operand) => [operand.name, operand]));
  text = text.replace(/[\p{L}_][\p{L}\p{N}_.]*/gu, (name) =>
    names.has(name) ? bracketed(brief(value_of(names.get(name)))) : name);
  return text === value.formula ? "" : text;
}

// ---- details

function choose(what, scroll = true) {
  chosen = what;
  show_details();
  for (const marked of document.querySelectorAll(".nn .chosen")) marked.classList.remove("chosen");
  const box = what.edge ?? box_of(what.value, what.is_adjoint);
  box?.classList.add("chosen");
  mark(what, scroll);
}

function mark(what, scroll) {
  document.querySelectorAll(".line.marked").forEach((line) => line.classList.remove("marked"));
  const members = what.edge ? [what.reader] : group(what.value, what.is_adjoint);
  const lines = members.flatMap((value) => code_of(value, what.is_adjoint).ranges);
  const marked = lines.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, at) => $(`code-${from + at}`)));
  const sources = members.map((value) => $(`source-${value.line}`));
  for (const line of [...marked, ...sources]) line?.classList.add("marked");
  if (scroll) {
    for (const line of [marked[0], sources.find((line) => line)]) {
      if (line) line.parentElement.scrollTop = line.offsetTop - line.parentElement.offsetTop - 60;
    }
  }
}

// The values in the same box.
function group(value, is_adjoint) {
  const box = box_of(value, is_adjoint);
  if (box === null) return [value];
  return box.dataset.nodes.split(" ").map((id) => data.values[id]).filter((value) => value);
}

const to_value = (value, is_adjoint = false) =>
  element("button", { class: "link", type: "button", click: () => choose({ value, is_adjoint }) },
    is_adjoint ? partial(value) : value.name);

function list(items) {
  return items.flatMap((item, at) => (at === 0 ? [item] : [", ", item]));
}

function entry(title, ...content) {
  return content.every((part) => part === "") ? [] : [element("dt", {}, title), element("dd", {}, ...content)];
}

const formula = (text) => element("div", { class: "formula" }, text);

function show_details() {
  if (chosen === null) return;
  const parts = chosen.edge ? edge_details(chosen) : chosen.is_adjoint ? adjoint_details(chosen.value) : value_details(chosen.value);
  $("details").replaceChildren(element("dl", {}, ...parts.flat()));
}

function value_details(value) {
  const together = group(value, false).filter((other) => other !== value && other.is_shown);
  const readers = shown.filter((user) => user.operands.flatMap(behind).includes(value));
  return [
    entry("value", formula(value.formula ? `${value.name} = ${value.formula}` : value.name)),
    entry("shape", shape_of(value)),
    entry("is", grid(value_of(value), value.shape)),
    has_adjoint(value) ? entry("its adjoint", to_value(value, true), ` ${equals(brief(adjoint_of(value)))}`) : [],
    has_adjoint(value)
      ? value.factors.map((factor) => entry("local derivative", formula(`${factor.left} = ${factor.formula}`), grid(factor_of(value, factor), factor_shape(factor))))
      : [],
    readers.length > 0 ? entry("read by", ...list(readers.map((reader) => to_value(reader)))) : [],
    together.length > 0 ? entry("in the same box", ...list(together.map((other) => to_value(other)))) : [],
    value.is_computed ? code_entry(value, false) : [],
  ].flat();
}

function adjoint_details(value) {
  const found = value === loss ? [] : ways(value);
  const together = group(value, true).filter((other) => other !== value && has_adjoint(other));
  return [
    entry("adjoint", formula(`${partial(value)} = ${value === loss ? "1" : found.map(way_text).join(" + ")}`)),
    entry("of", to_value(value)),
    entry("is", grid(adjoint_of(value), value.shape)),
    ...found.map((way) => entry(
      "by way of", to_value(way.user, true), formula(`${way.factor.left} = ${way.factor.formula}`),
      // What is no factor is the whole adjoint, where there is only one way.
      is_factor(way.user, way.factor) || found.length > 1 ? grid(factor_of(way.user, way.factor), factor_shape(way.factor)) : "")),
    value.computed ? entry("what the compiler makes of it", formula(`${partial(value)} = ${value.computed}`)) : [],
    together.length > 0 ? entry("in the same box", ...list(together.map((other) => to_value(other, true)))) : [],
    value === loss ? [] : code_entry(value, true),
  ].flat();
}

function edge_details({ value, reader, is_adjoint }) {
  const factors = reader.factors.filter((factor) => behind(factor.operand).includes(value));
  const derivatives = factors.map((factor) => entry(
    is_factor(reader, factor) ? "local derivative" : "contributes",
    formula(`${factor.left} = ${factor.formula}`), grid(factor_of(reader, factor), factor_shape(factor))));
  return [
    entry(is_adjoint ? "edge of the backward pass" : "edge",
      ...(is_adjoint ? [to_value(reader, true), " to ", to_value(value, true)] : [to_value(value), " in ", to_value(reader)])),
    entry("formula", formula(reader.formula ? `${reader.name} = ${reader.formula}` : reader.name)),
    entry("shape", shape_of(value)),
    entry("carries", grid(is_adjoint ? adjoint_of(reader) : value_of(value), is_adjoint ? reader.shape : value.shape)),
    ...derivatives,
    is_adjoint ? code_entry(value, true) : code_entry(reader, false),
  ].flat();
}

const factor_shape = (factor) => factor.graph.nodes[factor.graph.root].shape;

// The statements of a value or adjoint or, if it has none, of one that is equal to it.
function code_of(value, is_adjoint) {
  const own = (other) => (is_adjoint ? other.adjoint_code : other.code);
  const node = (other) => (is_adjoint ? other.adjoint : other.node);
  if (own(value).length > 0 || node(value) === null) return { value, ranges: own(value) };
  const equal = shown.find((other) => node(other) === node(value) && own(other).length > 0) ?? value;
  return { value: equal, ranges: own(equal) };
}

function code_entry(value, is_adjoint) {
  const { value: of, ranges } = code_of(value, is_adjoint);
  const text = ([from, to]) =>
    Array.from({ length: to - from + 1 }, (_, at) => $(`code-${from + at}`).textContent.trim()).join("\n");
  if (ranges.length === 0) return entry("emitted code", "part of what reads it, or not needed");
  const title = of === value ? "emitted code" : `emitted code, of the equal ${is_adjoint ? partial(of) : of.name}`;
  return entry(title, formula(ranges.map(text).join("\n\n")));
}

// ---- editing

function show_leaves() {
  const form = $("leaves");
  form.replaceChildren();
  if (!data.has_numbers) {
    $("without").hidden = false;
    $("reset").hidden = true;
    return;
  }
  data.inputs.forEach((leaf, at) => form.append(editor(leaf, leaves.inputs[at])));
  if (data.target) form.append(editor(data.target, leaves.target));
  data.params.forEach((leaf, at) => form.append(editor(leaf, leaves.params[at])));
}

// A field for each number of a small tensor, one field of text for a large one.
function editor(leaf, numbers) {
  const shape = leaf.shape.length ? ` [${leaf.shape.join(", ")}]` : "";
  const hint = leaf.classes ? `, a class from 0 to ${leaf.classes - 1}` : "";
  const title = element("legend", {}, `${leaf.name}${shape}${hint}`);
  if (numbers.length > 64) {
    const field = element("textarea", { rows: 3, "aria-label": leaf.name, spellcheck: false });
    field.value = Array.from(numbers, String).join(" ");
    field.addEventListener("input", () => {
      const read = field.value.split(/[\s,;]+/).filter((text) => text !== "").map(Number);
      const is_right = read.length === numbers.length && read.every((x) => !Number.isNaN(x));
      field.classList.toggle("wrong", !is_right);
      if (is_right) { numbers.set(read); recompute(); }
    });
    return element("fieldset", {}, title, field);
  }
  const width = leaf.shape.length > 1 ? leaf.shape.at(-1) : Math.min(numbers.length, 8);
  const fields = Array.from(numbers, (x, at) => {
    const field = element("input", {
      type: "number", step: leaf.classes ? 1 : "any", value: x, "aria-label": `${leaf.name}${numbers.length > 1 ? ` ${at}` : ""}`,
      "data-leaf": leaf.name, "data-at": at, ...(leaf.classes ? { min: 0, max: leaf.classes - 1 } : {}),
    });
    field.addEventListener("input", () => {
      field.classList.toggle("wrong", field.value === "");
      if (field.value !== "") { numbers[at] = Number(field.value); recompute(); }
    });
    return field;
  });
  const rows = element("div", { class: "grid", style: `grid-template-columns: repeat(${width}, minmax(4.6rem, 1fr))` }, ...fields);
  return element("fieldset", {}, title, rows);
}

// ---- steps

function go(to) {
  step = Math.max(0, Math.min(steps.length, to));
  show_numbers();
  show_story();
  if (step > 0 && step < steps.length) choose(steps[step - 1]);
}

function play(is_on = timer === null) {
  clearInterval(timer);
  timer = null;
  if (is_on) {
    if (step === steps.length) go(0);
    timer = setInterval(() => (step < steps.length ? go(step + 1) : play(false)), 1200);
  }
  $("play").textContent = is_on ? "Pause" : "Play";
}

function is_typing() {
  const at = document.activeElement;
  return at !== null && ["INPUT", "TEXTAREA"].includes(at.tagName) && at.type !== "checkbox";
}

const KEYS = { ArrowRight: () => go(step + 1), ArrowLeft: () => go(step - 1), Home: () => go(0), End: () => go(steps.length) };

function start() {
  $("first").onclick = () => { play(false); go(0); };
  $("back").onclick = () => { play(false); go(step - 1); };
  $("next").onclick = () => { play(false); go(step + 1); };
  $("last").onclick = () => { play(false); go(steps.length); };
  $("play").onclick = () => play();
  $("place").oninput = () => { play(false); go(Number($("place").value)); };
  $("fit").onchange = () => $("drawing").classList.toggle("fit", $("fit").checked);
  $("leaves").onsubmit = (event) => event.preventDefault();
  $("reset").onclick = () => { leaves = first_leaves(); show_leaves(); recompute(); };
  document.addEventListener("keydown", (event) => {
    if (is_typing() || event.ctrlKey || event.metaKey || event.altKey) return;
    const is_button = document.activeElement?.tagName === "BUTTON";
    if (KEYS[event.key]) { event.preventDefault(); play(false); KEYS[event.key](); }
    else if (event.key === " " && !is_button) { event.preventDefault(); play(); }
  });

  // It is no longer a picture alone.
  document.querySelector(".nn").setAttribute("role", "group");
  for (const box of document.querySelectorAll(".nn .box")) {
    const is_adjoint = box.dataset.adjoint !== undefined;
    const value = data.values[is_adjoint ? box.dataset.adjoint : box.dataset.node];
    box.setAttribute("tabindex", "0");
    box.setAttribute("role", "button");
    box.addEventListener("click", () => choose({ value, is_adjoint }));
    box.addEventListener("keydown", (event) => { if (event.key === "Enter") choose({ value, is_adjoint }); });
  }
  for (const edge of document.querySelectorAll(".nn .edge[data-from]")) {
    const is_adjoint = edge.classList.contains("back");
    const [from, to] = [data.values[edge.dataset.from], data.values[edge.dataset.to]];
    const [value, reader] = is_adjoint ? [to, from] : [from, to];
    edge.addEventListener("click", () => choose({ edge, value, reader, is_adjoint }));
  }
  for (const tag of document.querySelectorAll(".nn .tag-of")) {
    const is_adjoint = tag.dataset.adjoint !== undefined;
    const value = data.values[is_adjoint ? tag.dataset.adjoint : tag.dataset.node];
    tag.addEventListener("click", () => choose({ value, is_adjoint }));
  }
  link_lines("code", (line) => {
    const holds = (ranges) => ranges.some(([from, to]) => from <= line && line <= to);
    const found = shown.map((value) => ({ value, is_adjoint: false })).filter(({ value }) => holds(value.code));
    const back = shown.filter(has_adjoint).map((value) => ({ value, is_adjoint: true })).filter(({ value }) => holds(value.adjoint_code));
    return found.at(-1) ?? back[0];
  });
  link_lines("source", (line) => {
    const found = shown.filter((value) => value.line === line && value.is_computed).at(-1) ?? shown.find((value) => value.line === line);
    return found && { value: found, is_adjoint: false };
  });
  show_leaves();
  recompute();
}

// Lines of a text that lead to what they compute.
function link_lines(text, find) {
  for (const line of document.querySelectorAll(`#${text} .line`)) {
    const what = find(Number(line.dataset.line));
    if (!what) continue;
    line.classList.add("linked");
    line.setAttribute("tabindex", "0");
    line.setAttribute("role", "button");
    line.addEventListener("click", () => choose(what, text !== "code"));
    line.addEventListener("keydown", (event) => { if (event.key === "Enter") choose(what, text !== "code"); });
  }
}

// For whoever looks at the page with a program.
window.report = {
  value: (name) => Array.from(value_of(shown.filter((value) => value.name === name).at(-1)) ?? []),
  adjoint: (name) => Array.from(adjoint_of(shown.filter((value) => value.name === name).at(-1)) ?? []),
  names: () => shown.map((value) => value.name),
  steps: () => steps.length,
  step: () => step,
};

start();
