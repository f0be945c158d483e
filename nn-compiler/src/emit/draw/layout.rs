//! Where everything stands in one line: boxes and edges of the forward pass from left to right.

use std::collections::BTreeMap;

use dagre::graph::{Graph, GraphOptions};
use dagre::{EdgeLabel, LayoutOptions, NodeLabel, RankDir};

use super::scene::{Item, Scene};

/// Sizes of letters in pixels: in a box's first line, in the others and at edges.
pub(super) const LARGE: f64 = 13.0;
pub(super) const SMALL: f64 = 11.0;

/// The height of a line of text, and what a box has above and below them all.
pub(super) const LINE: f64 = 15.0;
pub(super) const PADDING: f64 = 7.0;

/// Between two boxes above each other, and between two columns.
const GAP: f64 = 22.0;
const AISLE: f64 = 46.0;

/// A rectangle, by its centre.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Place {
    pub(super) fn left(&self) -> f64 {
        self.x - self.width / 2.0
    }

    pub(super) fn right(&self) -> f64 {
        self.x + self.width / 2.0
    }

    pub(super) fn top(&self) -> f64 {
        self.y - self.height / 2.0
    }

    pub(super) fn bottom(&self) -> f64 {
        self.y + self.height / 2.0
    }
}

/// An edge's points, and where its label stands.
pub(super) type Route = (Vec<[f64; 2]>, Option<[f64; 2]>);

/// A scene in one line.
pub(super) struct Line {
    /// By box.
    pub(super) boxes: Vec<Place>,
    /// By edge.
    pub(super) routes: Vec<Route>,
    /// By frame.
    pub(super) frames: Vec<Place>,
    /// Left and right ends of what stands above each other.
    pub(super) columns: Vec<[f64; 2]>,
}

/// The width of a text, of letters as wide as any usual font has them.
pub(super) fn measure(text: &str, size: f64) -> f64 {
    let width = |letter: char| match letter {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '(' | ')' | '[' | ']' | ' ' | 't' | 'f'
        | 'r' => 0.4,
        'm' | 'w' | 'M' | 'W' | '@' | '→' | '…' => 0.95,
        _ => 0.64,
    };
    text.chars().map(width).sum::<f64>() * size
}

/// The size of a box, which is as wide as the longer of its two texts.
fn size(item: &Item) -> [f64; 2] {
    let lines = item.lines.iter().enumerate();
    let widths = lines.map(|(at, line)| measure(line, if at == 0 { LARGE } else { SMALL }));
    let adjoint = item.adjoint.as_ref().map_or(0.0, |adjoint| measure(&adjoint.line, LARGE));
    let width = widths.fold(adjoint, f64::max) + 22.0;
    [width.max(44.0), item.lines.len() as f64 * LINE + 2.0 * PADDING]
}

/// Places for a scene.
pub(super) fn layout(scene: &Scene) -> Line {
    let graph = laid_out(scene);
    let node = |key: String| {
        let found = graph.node(&key);
        found.map_or_else(Place::default, |node| Place {
            x: node.x.unwrap_or(0.0),
            y: node.y.unwrap_or(0.0),
            width: node.width,
            height: node.height,
        })
    };
    let boxes: Vec<Place> = (0..scene.boxes.len()).map(|at| node(box_key(at))).collect();
    let frames: Vec<Place> = (0..scene.frames.len()).map(|at| node(frame_key(at))).collect();
    let edges: Vec<Route> = scene
        .edges
        .iter()
        .enumerate()
        .map(|(at, edge)| {
            let found = graph.edge(&box_key(edge.from), &box_key(edge.to), Some(&at.to_string()));
            found.map_or_else(Route::default, route)
        })
        .collect();
    let columns = columns(&boxes);
    let routes = routes(scene, &boxes, &columns, edges);
    Line { boxes, routes, frames, columns }
}

fn box_key(at: usize) -> String {
    format!("b{at}")
}

fn frame_key(at: usize) -> String {
    format!("f{at}")
}

fn laid_out(scene: &Scene) -> Graph<NodeLabel, EdgeLabel> {
    let has_frames = !scene.frames.is_empty();
    let mut graph =
        Graph::with_options(GraphOptions { directed: true, multigraph: true, compound: has_frames });
    for at in 0..scene.frames.len() {
        graph.set_node(frame_key(at), Some(NodeLabel::default()));
    }
    for (at, item) in scene.boxes.iter().enumerate() {
        let [width, height] = size(item);
        graph.set_node(box_key(at), Some(NodeLabel { width, height, ..NodeLabel::default() }));
    }
    if has_frames {
        for (at, item) in scene.boxes.iter().enumerate() {
            let parent = item.frame.map(frame_key);
            graph.set_parent(&box_key(at), parent.as_deref());
        }
        for (at, frame) in scene.frames.iter().enumerate() {
            let parent = frame.parent.map(frame_key);
            graph.set_parent(&frame_key(at), parent.as_deref());
        }
    }
    for (at, edge) in scene.edges.iter().enumerate() {
        let texts = [Some(&edge.label), edge.back.as_ref().map(|back| &back.label)];
        let width = texts.into_iter().flatten().map(|text| measure(text, SMALL)).fold(0.0, f64::max);
        let computed = |at: usize| scene.boxes[at].role.is_computed();
        let label = EdgeLabel {
            width: if width > 0.0 { width + 8.0 } else { 0.0 },
            height: if width > 0.0 { SMALL } else { 0.0 },
            labelpos: dagre::layout::types::LabelPos::Center,
            // What is computed from what is computed is the spine of the drawing.
            weight: if computed(edge.from) { 4 } else { 1 },
            ..EdgeLabel::default()
        };
        graph.set_edge(box_key(edge.from), box_key(edge.to), Some(label), Some(&at.to_string()));
    }
    let options = LayoutOptions {
        rankdir: RankDir::LR,
        nodesep: GAP,
        edgesep: 12.0,
        ranksep: AISLE,
        ..LayoutOptions::default()
    };
    dagre::layout(&mut graph, Some(options));
    graph
}

/// Left and right ends of what stands above each other.
fn columns(boxes: &[Place]) -> Vec<[f64; 2]> {
    let mut columns: Vec<[f64; 2]> = Vec::new();
    let mut places: Vec<&Place> = boxes.iter().collect();
    places.sort_by(|a, b| a.left().total_cmp(&b.left()));
    for place in places {
        match columns.last_mut() {
            Some(column) if place.left() < column[1] => column[1] = column[1].max(place.right()),
            _ => columns.push([place.left(), place.right()]),
        }
    }
    columns
}

/// The line is level below its label.
fn route(edge: &EdgeLabel) -> Route {
    let label = edge.x.zip(edge.y).map(|(x, y)| [x, y]);
    let mut points = Vec::new();
    for point in &edge.points {
        match label {
            Some([x, y]) if (point.x - x).abs() < 0.5 && (point.y - y).abs() < 0.5 => {
                points.extend([[x - edge.width / 2.0, y], [x + edge.width / 2.0, y]]);
            }
            _ => points.push([point.x, point.y]),
        }
    }
    (points, label)
}

/// Edges leave a box in the middle of its right side, and arrive spread over the left side, in the order from above in
/// which they come. They are level where they pass a column, so as not to cross what stands there.
fn routes(scene: &Scene, boxes: &[Place], columns: &[[f64; 2]], mut edges: Vec<Route>) -> Vec<Route> {
    let mut arriving: BTreeMap<usize, Vec<(f64, usize)>> = BTreeMap::new();
    for (at, edge) in scene.edges.iter().enumerate() {
        let points = &mut edges[at].0;
        let inner = points.get(1..points.len().max(2) - 1).unwrap_or_default();
        let inner: Vec<[f64; 2]> = inner
            .iter()
            .flat_map(|&[x, y]| match columns.iter().find(|column| column[0] < x && x < column[1]) {
                Some(&[left, right]) => vec![[left, y], [right, y]],
                None => vec![[x, y]],
            })
            .collect();
        let (from, to) = (&boxes[edge.from], &boxes[edge.to]);
        let last = inner.last().map_or(from.y, |point| point[1]);
        arriving.entry(edge.to).or_default().push((last, at));
        let mut way = vec![[from.right(), from.y]];
        for [x, y] in inner {
            // Where a label is wider than its aisle, the line doesn't turn back.
            let before = way.last().map_or(x, |point| point[0]);
            way.push([x.max(before).min(to.left().max(before)), y]);
        }
        way.push([to.left(), to.y]);
        *points = way;
    }
    for (to, mut arriving) in arriving {
        arriving.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let gaps = (arriving.len() - 1) as f64;
        let step = if gaps > 0.0 { ((boxes[to].height - 16.0) / gaps).min(12.0) } else { 0.0 };
        for (place, (_, at)) in arriving.into_iter().enumerate() {
            if let Some(end) = edges[at].0.last_mut() {
                end[1] += (place as f64 - gaps / 2.0) * step;
            }
        }
    }
    edges
}
