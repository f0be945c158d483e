//! What a model costs, layer by layer: parameters, operations forward and backward, memory.

use std::collections::BTreeMap;

use super::rust::{finished, flops_of, prepared, products_of};
use super::summary::{grouped, shape};
use crate::graph::{Graph, Kind, LOSS, NodeId, Root};
use crate::ops::Kernel;
use crate::schedule::{Function, Lowering, Plan, tile_len};
use crate::shape::{Dtype, Shape};

/// The cost of a value that the user gave a name, and of what leads to it from the named values before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Trainable scalars that it uses first.
    pub parameters: usize,
    /// Products of the forward pass that are summed (multiply-adds), for one example: those of matrices and convolutions.
    pub products: u64,
    /// Operations of the forward pass, the loss included, for one example.
    pub forward: u64,
    /// Operations of the backward pass for one example.
    pub backward: u64,
}

/// The cost of each layer, the loss last.
pub fn layers(plan: &Plan) -> Vec<Layer> {
    let graph = &plan.program.graph;
    let is_line = |id: NodeId| {
        let live_op =
            graph[id].op().is_some_and(|(op, _)| !matches!(op.kernel, Kernel::Mean | Kernel::Statistic));
        live_op && (graph.is_named(id) || graph[id].label.as_deref() == Some(LOSS))
    };
    let lines: Vec<NodeId> = graph.ids().filter(|&id| is_line(id)).collect();
    let line_of = |id: NodeId| lines.iter().position(|&line| line == id);

    // A value belongs to the first named one that it leads to.
    let mut owner: Vec<Option<usize>> = vec![None; graph.len()];
    for id in graph.ids().rev() {
        owner[id.index()] =
            line_of(id).or_else(|| graph.users(id).into_iter().filter_map(|user| owner[user.index()]).min());
    }
    let mut by_label: BTreeMap<&str, usize> = BTreeMap::new();
    for id in graph.ids() {
        if let (Some(label), Some(line)) = (graph[id].label.as_deref(), owner[id.index()]) {
            by_label.insert(label, line);
        }
    }

    let mut layers: Vec<Layer> = lines
        .iter()
        .map(|&id| Layer {
            name: graph[id].label.clone().unwrap_or_default(),
            shape: graph[id].shape.clone(),
            ..Layer::default()
        })
        .collect();
    for id in graph.ids() {
        if let (Kind::Param(at), Some(line)) = (&graph[id].kind, owner[id.index()])
            && *at < plan.program.model.trained().len()
        {
            layers[line].parameters += graph[id].shape.count();
        }
    }
    let function = plan.training.as_ref().unwrap_or(&plan.forward);
    let (owners, is_forward) = (owners(plan, function, &by_label), of_forward_pass(&function.graph));
    for id in function.graph.ids() {
        let Some(line) = owners[id.index()] else { continue };
        let flops = flops_of(&function.graph, id);
        if is_forward[id.index()] {
            layers[line].forward += flops;
            layers[line].products += products_of(&function.graph, id);
        } else {
            layers[line].backward += flops;
        }
    }
    layers
}

/// The layer of each value of an optimised function: by its name, by that of its adjoint, by the parameter whose
/// gradient it is, and otherwise with what it leads to or comes from.
fn owners(plan: &Plan, function: &Function, by_label: &BTreeMap<&str, usize>) -> Vec<Option<usize>> {
    let graph = &function.graph;
    let named =
        |label: &str| by_label.get(label).or_else(|| by_label.get(label.strip_prefix("d_")?)).copied();
    let mut owners: Vec<Option<usize>> =
        graph.ids().map(|id| graph[id].label.as_deref().and_then(named)).collect();
    for &(root, id) in &graph.roots {
        if let Root::ParamGradient(position) = root {
            owners[id.index()] = named(&plan.program.model.params[position].name);
        }
    }
    for id in graph.ids().rev() {
        for operand in graph.operand_ids(id) {
            if graph[*operand].op().is_some() && owners[operand.index()].is_none() {
                owners[operand.index()] = owners[id.index()];
            }
        }
    }
    for id in graph.ids() {
        if owners[id.index()].is_none() {
            owners[id.index()] =
                graph.operand_ids(id).iter().filter_map(|operand| owners[operand.index()]).max();
        }
    }
    owners
}

/// For each value, whether the outputs or the loss need it.
fn of_forward_pass(graph: &Graph) -> Vec<bool> {
    let mut needed = vec![false; graph.len()];
    for &(root, id) in &graph.roots {
        needed[id.index()] |= matches!(root, Root::Output(_) | Root::Loss);
    }
    for id in graph.ids().rev() {
        if needed[id.index()] {
            for operand in graph.operand_ids(id) {
                needed[operand.index()] = true;
            }
        }
    }
    needed
}

/// The layers as a table with totals, and what a training step moves through memory.
pub fn text(plan: &Plan) -> String {
    let layers = layers(plan);
    let head = ["layer", "shape", "parameters", "FLOP forward", "FLOP backward"].map(str::to_owned);
    let row = |layer: &Layer| {
        let numbers = [layer.parameters as u64, layer.forward, layer.backward].map(grouped);
        let [parameters, forward, backward] = numbers;
        [layer.name.clone(), shape(&layer.shape), parameters, forward, backward]
    };
    let total = Layer {
        name: "total".to_owned(),
        parameters: plan.program.model.param_count(),
        forward: layers.iter().map(|layer| layer.forward).sum(),
        backward: layers.iter().map(|layer| layer.backward).sum(),
        ..Layer::default()
    };
    let mut last = row(&total);
    last[1].clear();
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(layers.iter().map(row)).chain([last]).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3, 4].map(width);
    let mut out = format!("{}\n", plan.program.model.name);
    for row in &rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let pad = " ".repeat(width - cell.chars().count());
            // Words stand to the left, numbers to the right.
            line.push_str(&if column < 2 { format!("  {cell}{pad}") } else { format!("  {pad}{cell}") });
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out.push_str(&memory(plan, &total));
    out
}

/// Bytes of weights and rows, and the operations for each of them.
fn memory(plan: &Plan, total: &Layer) -> String {
    let model = &plan.program.model;
    let size = model.dtype.size();
    let weights = model.param_count() * size;
    let function = plan.training.as_ref().unwrap_or(&plan.forward);
    let graph = &function.graph;
    let kept = |id: &NodeId| graph[*id].varies && (graph[*id].op().is_none() || is_result(function, *id));
    let row: usize = graph.ids().filter(kept).map(|id| graph[id].shape.count() * size).sum();
    let tile = function.tile;
    // Weights are read forward and backward, their gradients written; each value of a row is written once and read twice.
    let moved = |examples: usize| (3 * weights + 3 * row * examples) as f64;
    let flops = (total.forward + total.backward) as f64;
    let intensity = |examples: usize| flops * examples as f64 / moved(examples);
    let [forward, training] = workspace_bytes(plan);
    let workspace = match training {
        0 => format!("{} bytes of workspace", grouped(forward)),
        _ => format!(
            "{} bytes of workspace, {} in training, on each thread",
            grouped(forward),
            grouped(training)
        ),
    };
    format!(
        "{workspace}\n{} bytes of parameters, {} of values for each example in {}; tiles of {tile} examples\n\
         arithmetic intensity: {:.2} operations a byte for one example, {:.2} for a tile\n",
        grouped(weights as u64),
        grouped(row as u64),
        if plan.training.is_some() { "a training step" } else { "the forward pass" },
        intensity(1),
        intensity(tile),
    )
}

/// Bytes that the forward pass and a training step need on each thread, whatever the number of examples:
/// `WORKSPACE_BYTES` and `TRAIN_WORKSPACE_BYTES` of the generated struct. 0 for training without a loss.
pub fn workspace_bytes(plan: &Plan) -> [u64; 2] {
    let model = &plan.program.model;
    let dtype = model.dtype;
    let inputs: Vec<usize> = model.inputs.iter().map(|input| input.shape.count()).collect();
    let bytes = |scalars: usize| (scalars * dtype.size()) as u64;
    let forward = scalars(&plan.forward, dtype, &inputs, true);
    let training = plan.training.as_ref().map_or(0, |function| {
        let lens = |ids: Vec<NodeId>| ids.iter().map(|&id| function.graph[id].shape.count()).sum::<usize>();
        let shared = match function.lowering {
            Lowering::Lanes => 0,
            Lowering::Arrays | Lowering::Tiles => lens(prepared(function)) + lens(finished(function)),
        };
        let target = model.target.iter().map(|target| target.shape().count());
        let extras = model.extras.iter().map(|extra| extra.shape().count());
        let given: Vec<usize> = inputs.iter().copied().chain(target).chain(extras).collect();
        scalars(function, dtype, &given, false) + shared + lens(function.means())
    });
    [bytes(forward), bytes(training)]
}

/// Scalars of a function's workspace, which has room for tensors of the lengths `given`. The forward pass keeps in it
/// what does not vary.
fn scalars(function: &Function, dtype: Dtype, given: &[usize], keeps_shared: bool) -> usize {
    let graph = &function.graph;
    let count = |id: NodeId| graph[id].shape.count();
    let shared: usize = if keeps_shared { prepared(function).into_iter().map(count).sum() } else { 0 };
    match function.lowering {
        Lowering::Lanes => 0,
        Lowering::Arrays => shared,
        Lowering::Tiles => {
            let given = given.iter().map(|&len| tile_len(function.tile, len, dtype));
            let slots = function.slots.iter().map(|slot| slot.scalars(function.tile, dtype));
            given.chain(slots).sum::<usize>() + if shared > 0 { tile_len(1, shared, dtype) } else { 0 }
        }
    }
}

/// Whether a step keeps this value.
fn is_result(function: &Function, id: NodeId) -> bool {
    function.steps.iter().any(|step| step.results().any(|result| result == id))
}

#[cfg(test)]
mod tests {
    use super::layers;
    use crate::graph::Kind;
    use crate::schedule::Plan;

    fn plan(source: &str) -> Plan {
        let tokens = source.parse().expect("the source is tokens");
        let plans = crate::parse::source(tokens).and_then(crate::compile);
        plans.unwrap_or_else(|errors| panic!("{errors:?}")).remove(0)
    }

    #[test]
    fn products_are_those_of_matrices_and_convolutions() {
        let plan = plan(
            "model M(x: [3, 8, 8]) -> p: [10] {
                c = relu(conv2d(x, 4, kernel = 3));
                m = max_pool2d(c, 2);
                p = softmax(dense(flatten(m), 10));
                loss cross_entropy(p, target);
            }",
        );
        let layers = layers(&plan);
        let found: Vec<_> =
            layers.iter().map(|layer| (&*layer.name, layer.parameters, layer.products)).collect();
        let expected =
            [("c", 4 * 3 * 9 + 4, 6 * 6 * 4 * 3 * 9), ("m", 0, 0), ("p", 36 * 10 + 10, 36 * 10), ("J", 0, 0)];
        assert_eq!(found, expected);
        // The bias and the rectifier come to the two operations of each product.
        assert!(layers[0].forward > 2 * layers[0].products);
        assert!(layers[1].forward > 0);
    }

    #[test]
    fn what_the_loss_alone_needs_is_no_part_of_inference() {
        let plan = plan(
            "model M(x: [8]) -> p: [3] {
                h = relu(dense(x, 16));
                p = softmax(dense(dropout(h, 0.4), 3));
                aux = dense(dropout(relu(dense(h, 32)), 0.7), 3);
                loss cross_entropy(p, target) + 0.3 * cross_entropy(softmax(aux), target);
            }",
        );
        let graph = &plan.forward.graph;
        let live = graph.live();
        let params = graph.ids().filter(|id| live[id.index()]).filter_map(|id| match graph[id].kind {
            Kind::Param(at) => Some(&*plan.program.model.params[at].name),
            _ => None,
        });
        assert_eq!(params.collect::<Vec<_>>(), ["h.weight", "h.bias", "p.weight", "p.bias"]);
        assert!(graph.ids().all(|id| !matches!(graph[id].kind, Kind::Extra(_))), "nothing is dropped");
    }
}
