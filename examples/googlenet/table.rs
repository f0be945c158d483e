//! Table 1 of the paper beside what the compiler counts.

use std::fmt::Write;

use nn_runtime::prelude::*;

use super::model::GoogLeNet;

/// A row of the paper's table: its name, the names of ours, thousands of parameters and millions of operations.
const PAPER: [(&str, &[&str], f64, f64); 12] = [
    ("convolution 7×7/2", &["s.c1"], 2.7, 34.0),
    ("convolution 3×3/1", &["s.reduce2", "s.c2"], 112.0, 360.0),
    ("inception (3a)", &["i3a"], 159.0, 128.0),
    ("inception (3b)", &["i3b"], 380.0, 304.0),
    ("inception (4a)", &["i4a"], 364.0, 73.0),
    ("inception (4b)", &["i4b"], 437.0, 88.0),
    ("inception (4c)", &["i4c"], 463.0, 100.0),
    ("inception (4d)", &["i4d"], 580.0, 119.0),
    ("inception (4e)", &["i4e"], 840.0, 170.0),
    ("inception (5a)", &["i5a"], 1072.0, 54.0),
    ("inception (5b)", &["i5b"], 1388.0, 71.0),
    ("linear", &["linear"], 1000.0, 1.0),
];

/// What the table counts in: 1000K parameters are the 1024·1000 weights of the last layer.
const K: f64 = 1024.0;
const M: f64 = 1e6;

const NOTES: &str = "\
Weights without biases, in K of 1024, and multiply-adds of products, in millions.
Where they differ from the paper, its own figures do not fit its sizes:
- 7×7/2: an ordinary convolution has 7·7·3·64 weights. 2.7K and 34M are those of a separable one with eight filters
  for each colour: 7·7·3·8 + 24·64 = 2712 weights, at 112·112 places.
- (3a) to (5b), but for (5a): the operations agree, and divided by the places they give our weights. The paper's column of
  parameters departs from them, most of all in (4c): 100M / (14·14) are 498K, not 463K.
- (5a): 1072K and 54M agree with each other, but not with the widths, which are those of (4e) on 832 channels.
";

/// The table as text, with totals, and what the auxiliary classifiers add while the network is trained.
pub(crate) fn text() -> String {
    let mut out = format!(
        "{:<20}{:>11}{:>9}{:>9}{:>10}{:>15}{:>9}{:>9}{:>10}\n",
        GoogLeNet::NAME,
        "weights",
        "K",
        "paper",
        "",
        "multiply-adds",
        "M",
        "paper",
        ""
    );
    let mut line = |name: &str, weights: usize, products: u64, thousands: f64, millions: f64| {
        let (k, m) = (weights as f64 / K, products as f64 / M);
        let differs = |ours: f64, paper: f64| format!("{:+.1} %", 100.0 * (ours / paper - 1.0));
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{name:<20}{weights:>11}{k:>9.1}{thousands:>9}{:>10}{products:>15}{m:>9.1}{millions:>9}{:>10}",
            differs(k, thousands),
            differs(m, millions)
        );
    };
    let mut total = (0, 0, 0.0, 0.0);
    for (name, ours, thousands, millions) in PAPER {
        let (weights, products) = (weights(ours), products(ours));
        line(name, weights, products, thousands, millions);
        total = (total.0 + weights, total.1 + products, total.2 + thousands, total.3 + millions);
    }
    line("total", total.0, total.1, total.2, total.3);
    let auxiliary = ["aux1", "aux2"];
    let _ = writeln!(
        out,
        "\n{NOTES}\n{} parameters with biases; {} of them and {} multiply-adds belong to the two auxiliary classifiers, \
         which inference leaves out:\n{} operations forward without the loss, {} in a training step.",
        GoogLeNet::PARAM_COUNT,
        GoogLeNet::PARAMS
            .iter()
            .filter(|param| is_of(param.name, &auxiliary))
            .map(nn_runtime::model::ParamInfo::len)
            .sum::<usize>(),
        products(&auxiliary),
        GoogLeNet::FLOPS_FORWARD,
        GoogLeNet::FLOPS_TRAIN,
    );
    out
}

/// The weights of convolutions and products, without biases.
fn weights(names: &[&str]) -> usize {
    let weights = GoogLeNet::PARAMS.iter().filter(|param| param.name.ends_with(".weight"));
    weights.filter(|param| is_of(param.name, names)).map(nn_runtime::model::ParamInfo::len).sum()
}

/// The multiply-adds of a forward pass.
fn products(names: &[&str]) -> u64 {
    GoogLeNet::LAYERS.iter().filter(|layer| is_of(layer.name, names)).map(|layer| layer.products).sum()
}

/// Whether a value is one of these, or part of one: `i3a.one.weight` of `i3a`.
fn is_of(name: &str, names: &[&str]) -> bool {
    names
        .iter()
        .any(|whole| name.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}
