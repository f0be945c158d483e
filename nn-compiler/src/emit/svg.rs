//! The graph as a drawing, for models small enough to read: layered from left to right, without external resources,
//! in the colours of the page that it stands on.

use std::collections::BTreeMap;

use super::write::Names;
use crate::build::Program;
use crate::graph::{Graph, Kind, LOSS, NodeId};
use crate::notation::Style;
use crate::ops::Kernel;

/// A drawing of more values than this is not read any more.
const READABLE: usize = 40;

/// Pixels: the height of a box and the space between boxes, the space between columns, the width of a letter.
const BOX: f64 = 36.0;
const GAP: f64 = 14.0;
const AISLE: f64 = 44.0;
const LETTER: f64 = 7.5;

/// Sweeps over the columns that bring neighbours to the same height.
const SWEEPS: usize = 8;

/// What has a place in a column: a value, or an edge that passes by.
struct Item {
    value: Option<NodeId>,
    column: usize,
    /// The items that it is drawn from, each one column to the left.
    from: Vec<usize>,
    y: f64,
}

/// The drawing, without empty lines, as Markdown wants embedded HTML; `None` for a model that is too large.
pub fn text(program: &Program) -> Option<String> {
    let graph = &program.graph;
    let live = graph.live();
    let shown = |id: NodeId| {
        live[id.index()]
            && graph[id].op().is_none_or(|(op, _)| !matches!(op.kernel, Kernel::Mean | Kernel::Statistic))
    };
    let values: Vec<NodeId> = graph.ids().filter(|&id| shown(id)).collect();
    if values.len() > READABLE {
        return None;
    }
    let names = Names::new(graph);
    let mut items = items(graph, &values);
    arrange(&mut items);

    let labels: Vec<[String; 2]> =
        items.iter().map(|item| item.value.map(|id| label(graph, &names, id)).unwrap_or_default()).collect();
    let width_of = |at: usize| {
        let letters = labels[at].iter().map(|line| line.chars().count()).max().unwrap_or(0);
        if items[at].value.is_some() { (letters as f64 * LETTER + 20.0).max(44.0) } else { 0.0 }
    };
    let columns = items.iter().map(|item| item.column).max()? + 1;
    let mut lefts = vec![(8.0, 0.0)];
    for column in 0..columns {
        let inside = (0..items.len()).filter(|&at| items[at].column == column);
        let width = inside.map(width_of).fold(0.0, f64::max);
        lefts[column].1 = width;
        lefts.push((lefts[column].0 + width + AISLE, 0.0));
    }
    let top = items.iter().map(|item| item.y).fold(f64::MAX, f64::min) - 8.0;
    let bottom = items.iter().map(|item| item.y).fold(f64::MIN, f64::max) + BOX + 8.0;
    let (width, height) = (lefts[columns].0 - AISLE + 8.0, bottom - top);
    // Boxes stand in the middle of their column; `passing` edges run through its whole width.
    let centre = |at: usize| lefts[items[at].column].0 + lefts[items[at].column].1 / 2.0;
    let middle = |at: usize| items[at].y - top + BOX / 2.0;
    let reach = |at: usize| match items[at].value {
        Some(_) => width_of(at) / 2.0,
        None => lefts[items[at].column].1 / 2.0,
    };

    let model = &program.model.name;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         style=\"max-width:100%\" role=\"img\" aria-label=\"The graph of {model}\" font-family=\"sans-serif\" \
         font-size=\"12\" text-anchor=\"middle\" fill=\"currentColor\">\n<defs><marker id=\"arrow-{model}\" \
         viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">\
         <path d=\"M0 0 8 4 0 8z\"/></marker></defs>\n"
    );
    for (at, item) in items.iter().enumerate() {
        let marker =
            if item.value.is_some() { format!(" marker-end=\"url(#arrow-{model})\"") } else { String::new() };
        let (x, y) = (centre(at) - reach(at), middle(at));
        for &from in &item.from {
            let (x0, y0) = (centre(from) + reach(from), middle(from));
            let bend = (x - x0) / 2.0;
            out.push_str(&format!(
                "<path d=\"M{x0:.1} {y0:.1}C{:.1} {y0:.1} {:.1} {y:.1} {x:.1} {y:.1}\" fill=\"none\" \
                 stroke=\"currentColor\" stroke-opacity=\"0.6\"{marker}/>\n",
                x0 + bend,
                x - bend
            ));
        }
        if item.value.is_none() {
            let end = centre(at) + reach(at);
            out.push_str(&format!(
                "<path d=\"M{x:.1} {y:.1}H{end:.1}\" stroke=\"currentColor\" stroke-opacity=\"0.6\"/>\n"
            ));
        }
    }
    for (at, item) in items.iter().enumerate() {
        let Some(id) = item.value else { continue };
        let (x, y, half) = (centre(at), item.y - top, width_of(at) / 2.0);
        let (fill, round, dash) = match graph[id].kind {
            Kind::Input(_) => ("#3b82c4", 2, ""),
            Kind::Param(_) => ("#e69f00", 18, ""),
            Kind::Target | Kind::Extra(_) | Kind::Cotangent(_) => ("none", 2, " stroke-dasharray=\"4 3\""),
            Kind::Constant(_) | Kind::Op(..) => ("none", 8, ""),
        };
        out.push_str(&format!(
            "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{BOX}\" rx=\"{round}\" fill=\"{fill}\" \
             fill-opacity=\"0.3\" stroke=\"currentColor\"{dash}/>\n",
            x - half,
            2.0 * half
        ));
        let [first, second] = &labels[at];
        let lines =
            if second.is_empty() { [(22.0, first), (0.0, second)] } else { [(16.0, first), (30.0, second)] };
        for (below, line) in lines.into_iter().filter(|(_, line)| !line.is_empty()) {
            out.push_str(&format!("<text x=\"{x:.1}\" y=\"{:.1}\">{}</text>\n", y + below, escaped(line)));
        }
    }
    out.push_str("</svg>\n");
    Some(out)
}

/// What stands in a box: the name and, below it, the operation and the shape.
fn label(graph: &Graph, names: &Names, id: NodeId) -> [String; 2] {
    let node = &graph[id];
    let shape = if node.shape.is_scalar() { String::new() } else { node.shape.to_string() };
    let name =
        names.get(id).unwrap_or(if node.label.as_deref() == Some(LOSS) { LOSS } else { "" }).to_owned();
    match &node.kind {
        Kind::Constant(number) => [Style::Text.number(number.0).text, String::new()],
        Kind::Op(op, _) if name.is_empty() => [op.name.to_owned(), shape],
        Kind::Op(op, _) => [name, format!("{} {shape}", op.written()).trim_end().to_owned()],
        _ => [name, shape],
    }
}

/// Each value in the column behind its last operand, what is only read beside its first reader, and an item in each
/// column that an edge passes by.
fn items(graph: &Graph, values: &[NodeId]) -> Vec<Item> {
    let mut column: BTreeMap<NodeId, usize> = BTreeMap::new();
    for &id in values {
        let behind = graph.operand_ids(id).iter().filter_map(|operand| column.get(operand)).max();
        column.insert(id, behind.map_or(0, |last| last + 1));
    }
    for &id in
        values.iter().filter(|&&id| graph[id].op().is_none() && !matches!(graph[id].kind, Kind::Input(_)))
    {
        let readers = graph.users(id).into_iter().filter_map(|user| column.get(&user)).min();
        column.insert(id, readers.map_or(0, |first| first.saturating_sub(1)));
    }
    let mut items: Vec<Item> = Vec::new();
    // The item that carries a value in a column.
    let mut carriers: BTreeMap<(NodeId, usize), usize> = BTreeMap::new();
    for &id in values {
        let at = column[&id];
        let mut operands = graph.operands(id);
        operands.sort_unstable();
        operands.dedup();
        let mut from = Vec::new();
        for operand in operands {
            let Some(&first) = column.get(&operand) else { continue };
            for passing in first + 1..at {
                if !carriers.contains_key(&(operand, passing)) {
                    let before = carriers[&(operand, passing - 1)];
                    carriers.insert((operand, passing), items.len());
                    items.push(Item { value: None, column: passing, from: vec![before], y: 0.0 });
                }
            }
            from.extend(at.checked_sub(1).and_then(|before| carriers.get(&(operand, before))));
        }
        carriers.insert((id, at), items.len());
        items.push(Item { value: Some(id), column: at, from, y: 0.0 });
    }
    items
}

/// Heights: each item moves to the middle of its neighbours, in the order that this gives, as far as there is room.
fn arrange(items: &mut [Item]) {
    let columns = items.iter().map(|item| item.column).max().map_or(0, |last| last + 1);
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); columns];
    let mut to: Vec<Vec<usize>> = vec![Vec::new(); items.len()];
    for (at, item) in items.iter().enumerate() {
        members[item.column].push(at);
        item.from.iter().for_each(|&from| to[from].push(at));
    }
    for column in &members {
        for (place, &at) in column.iter().enumerate() {
            items[at].y = place as f64 * (BOX + GAP);
        }
    }
    for sweep in 0..SWEEPS {
        let order: Vec<usize> =
            if sweep % 2 == 0 { (0..columns).collect() } else { (0..columns).rev().collect() };
        for column in order {
            let wanted = |at: usize| {
                let near = if sweep % 2 == 0 { &items[at].from } else { &to[at] };
                match near.len() {
                    0 => items[at].y,
                    count => near.iter().map(|&other| items[other].y).sum::<f64>() / count as f64,
                }
            };
            let mut places: Vec<(f64, usize)> = members[column].iter().map(|&at| (wanted(at), at)).collect();
            places.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            // Pushed apart downwards, then back by half of what that has moved them on average.
            let mut next = f64::MIN;
            let mut moved = 0.0;
            for (y, _) in &mut places {
                let free = y.max(next);
                moved += free - *y;
                *y = free;
                next = free + BOX + GAP;
            }
            let back = moved / places.len().max(1) as f64;
            for (y, at) in places {
                items[at].y = y - back;
            }
        }
    }
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
