//! Reports: the page is whole, and knows everything that it may have to compute. `tests/outside/report.py` uses it in a
//! browser.
#![cfg(feature = "report")]

use nn_compiler::emit::report::{self, EVALUATOR};
use nn_compiler::graph::Attrs;
use nn_compiler::notation::{Formula, Style};
use nn_compiler::ops::{self, Kernel};
use nn_compiler::schedule::Plan;
use nn_compiler::shape::Shape;
use nn_compiler::{compile, parse};

const LOGISTIC: &str = "pub model Logistic(x1, x2) -> y {
    param w1, w2, b;
    y = sigmoid(x1*w1 + x2*w2 + b);
    loss binary_cross_entropy(y, target);
}";

const LOOP: &str = "pub model Loop(x: [40]) -> y: [2] {
    h = x;
    for i in 0..3 { h = tanh(dense(h, 40)); }
    y = softmax(dense(h, 2));
    loss cross_entropy(y, target);
}";

fn plan(text: &str) -> Plan {
    let source = parse::source(text.parse().expect("these are tokens")).expect("this is a model");
    compile(source).expect("the model is right").remove(0)
}

/// The data of a page.
fn data(text: &str) -> serde_json::Value {
    let page = report::html(&plan(text), text);
    let (_, rest) = page.split_once("id=\"data\">").expect("there is data");
    serde_json::from_str(rest.split("</script>").next().expect("it ends")).expect("it is JSON")
}

/// `NAME(` in a formula or `NAME:` in a table is something that the page has to have.
#[test]
fn the_page_can_compute_every_operation() {
    let is_defined = |name: &str| {
        [format!("function {name}("), format!("{name} = "), format!("  {name}: ")]
            .iter()
            .any(|definition| EVALUATOR.contains(definition.as_str()))
    };
    // Changes of layout come with the schedule, which a page does not have.
    let turns = [&ops::interleave::INTERLEAVE, &ops::interleave::DEINTERLEAVE];
    for op in ops::ALL.iter().filter(|op| !turns.contains(op)) {
        match op.kernel {
            Kernel::Pointwise => {
                let operands = op.args.iter().filter(|arg| arg.is_operand()).count().max(2) + 1;
                let formulas: Vec<Formula> =
                    ["a", "b", "c", "d"].into_iter().take(operands).map(Formula::atom).collect();
                let shapes = vec![Shape::scalar(); operands];
                let attrs = Attrs::numbers(&[2.0, 3.0]);
                let text = (op.notation)(Style::Js, &attrs, &formulas, &shapes).text;
                for call in text.split('(').rev().skip(1) {
                    let start = call.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
                    let name = &call[start..];
                    assert!(name.is_empty() || is_defined(name), "`{name}` of `{text}` is not defined");
                }
                assert!(text.is_ascii(), "`{text}` is no code");
            }
            Kernel::Call { function, .. } => {
                assert!(is_defined(function), "the kernel `{function}` is missing");
            }
            _ => {}
        }
    }
}

#[test]
fn a_page_needs_nothing_from_outside() {
    let page = report::html(&plan(LOGISTIC), LOGISTIC);
    // The namespace of SVG is a name and no address.
    let addresses: Vec<_> = page.match_indices("://").map(|(at, _)| &page[at - 5..at + 15]).collect();
    assert!(addresses.iter().all(|address| address.contains("www.w3.org")), "{addresses:?}");
    assert!(!page.contains("<!--") && !page.contains("<link") && !page.contains("src="));
    assert_eq!(page, report::html(&plan(LOGISTIC), LOGISTIC), "the page is deterministic");
}

#[test]
fn every_value_has_its_node_and_its_adjoint() {
    let data = data(LOGISTIC);
    let values = data["values"].as_array().expect("a list").iter().filter(|value| value["is_shown"] == true);
    let adjoints = values.clone().filter(|value| !value["adjoint"].is_null()).count();
    assert!(values.clone().all(|value| value["node"].is_number()));
    assert_eq!((values.count(), adjoints), (12, 9), "all but the inputs and the target have one");
}

/// Three values are called `h`; each of them has the statement of its own round.
#[test]
fn values_of_one_name_are_told_apart() {
    let data = data(LOOP);
    let values = data["values"].as_array().expect("a list").iter();
    let layers: Vec<_> =
        values.filter(|value| value["name"] == "h" && value["is_computed"] == true).collect();
    assert_eq!(layers.len(), 3);
    for what in ["code", "adjoint_code"] {
        let mut lines: Vec<u64> =
            layers.iter().filter_map(|value| value[what].as_array()?.last()?[0].as_u64()).collect();
        if what == "adjoint_code" {
            lines.reverse();
        }
        lines.dedup();
        assert!(lines.is_sorted(), "{what}: {lines:?}");
        assert!(what != "code" || lines.len() == 3, "{lines:?}");
    }
}
