//! A line of boxes broken into rows, where it is wider than a page: tags say where a value goes on.

use std::collections::{BTreeMap, BTreeSet};

use super::layout::{Line, Place, Route, SMALL, layout, measure};
use super::scene::{Edge, Scene};
use crate::graph::NodeId;

/// Between the values and their adjoints.
const MIRROR: f64 = 36.0;

/// Between two rows.
const BETWEEN_ROWS: f64 = 44.0;

/// Between a row's last box and the tag of a value that goes on in another row.
const TO_TAG: f64 = 26.0;

/// The height of a tag.
pub(super) const TAG: f64 = 20.0;

/// More values than this are not cut off, if there is another way.
const WOVEN: usize = 4;

/// What a frame has above its boxes.
const TITLE: f64 = 12.0;

/// Around the whole drawing.
const MARGIN: f64 = 14.0;

/// A part of an edge within one row.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Piece {
    pub(super) row: usize,
    /// From the value to its reader.
    pub(super) points: Vec<[f64; 2]>,
    /// Where the label stands, if it is in this part.
    pub(super) label: Option<[f64; 2]>,
}

/// The end of a row, where a value goes on in another one, or the beginning of one, where it comes from another.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Tag {
    pub(super) row: usize,
    pub(super) value: NodeId,
    pub(super) name: String,
    pub(super) has_adjoint: bool,
    pub(super) place: Place,
}

/// A scene with places.
#[derive(Debug)]
pub(super) struct Layout {
    /// By box.
    pub(super) boxes: Vec<Place>,
    /// By box.
    pub(super) row_of: Vec<usize>,
    /// By edge.
    pub(super) edges: Vec<Vec<Piece>>,
    /// With the frame's position and the row.
    pub(super) frames: Vec<(usize, usize, Place)>,
    pub(super) tags: Vec<Tag>,
    /// For each row, how high a value and its adjoint are together.
    pub(super) mirrors: Vec<f64>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Places for a scene, in rows that are not much wider than `width` pixels; `mirrored` leaves room below each row for
/// its adjoints.
pub(super) fn rows(scene: &Scene, width: f64, mirrored: bool) -> Layout {
    Rows::new(scene, layout(scene), width).arranged(scene, mirrored)
}

/// A drawing that is being broken into rows.
struct Rows {
    boxes: Vec<Place>,
    routes: Vec<Route>,
    frames: Vec<Place>,
    /// Left and right end of each row, in one line.
    ends: Vec<[f64; 2]>,
}

impl Rows {
    fn new(scene: &Scene, line: Line, width: f64) -> Self {
        let Line { boxes, routes, frames, columns } = line;
        let total =
            columns.last().map_or(0.0, |column| column[1]) - columns.first().map_or(0.0, |column| column[0]);
        let even = total / (total / width).ceil().max(1.0);
        let crossing = |x: f64| -> BTreeSet<(NodeId, bool)> {
            let cut = |edge: &&Edge| boxes[edge.from].x < x && boxes[edge.to].x > x;
            let value = |edge: &Edge| (edge.value, scene.boxes[edge.from].role.is_computed());
            scene.edges.iter().filter(cut).map(value).collect()
        };
        // What is only read belongs beside its reader.
        let price = |x: f64| -> usize {
            crossing(x).into_iter().map(|(_, is_computed)| if is_computed { 1 } else { 3 }).sum()
        };
        let mut ends: Vec<[f64; 2]> = Vec::new();
        let mut first = 0;
        while first < columns.len() {
            let start = columns[first][0];
            let rest = columns[columns.len() - 1][1] - start;
            let last = if rest <= width * 1.25 {
                columns.len() - 1
            } else {
                // Where the fewest values go on, among the cuts that leave rows of about one width.
                let about = |at: &usize| (0.75..=1.15).contains(&((columns[*at][1] - start) / even));
                let cuts = (first..columns.len() - 1).filter(about);
                let cost = |at: &usize| {
                    let unevenness = ((columns[*at][1] - start) / even - 1.0).abs();
                    (
                        price(f64::midpoint(columns[*at][1], columns[*at + 1][0])),
                        (unevenness * 100.0) as usize,
                    )
                };
                cuts.min_by_key(cost).unwrap_or_else(|| {
                    let fits = |at: &usize| columns[*at][1] - start <= width;
                    (first..columns.len() - 1).rev().find(fits).unwrap_or(first)
                })
            };
            ends.push([start, columns[last][1]]);
            first = last + 1;
        }
        // A graph that hangs together everywhere is better read small than in parts.
        let mut cuts = ends.windows(2).map(|pair| f64::midpoint(pair[0][1], pair[1][0]));
        if total < 2.0 * width && cuts.any(|x| crossing(x).len() > WOVEN) {
            ends = vec![[ends[0][0], ends[ends.len() - 1][1]]];
        }
        Self { boxes, routes, frames, ends }
    }

    fn row_of(&self, x: f64) -> usize {
        self.ends.iter().position(|end| x <= end[1]).unwrap_or(self.ends.len() - 1)
    }

    fn arranged(mut self, scene: &Scene, mirrored: bool) -> Layout {
        let row_of: Vec<usize> = self.boxes.iter().map(|place| self.row_of(place.x)).collect();
        let mut tags = self.tags(scene, &row_of);
        let mut edges: Vec<Vec<Piece>> = self.pieces(scene, &row_of, &tags);
        let mut frames = self.frames_in_rows();

        // Where each row goes, and how high a value and its adjoint are together.
        let mut mirrors: Vec<f64> = Vec::new();
        let mut shifts: Vec<[f64; 2]> = Vec::new();
        let (mut top, mut width) = (MARGIN, 0.0_f64);
        for row in 0..self.ends.len() {
            let mut values = Extent::default();
            let mut adjoints = Extent::default();
            let mut reach = |place: &Place, has_adjoint: bool| {
                values.reach(place);
                if has_adjoint {
                    adjoints.reach(place);
                }
            };
            for ((place, item), of) in self.boxes.iter().zip(&scene.boxes).zip(&row_of) {
                if *of == row {
                    reach(place, item.adjoint.is_some());
                }
            }
            for frame in frames.iter().filter(|frame| frame.1 == row) {
                reach(&frame.2, true);
            }
            for tag in tags.iter().filter(|tag| tag.row == row) {
                reach(&tag.place, tag.has_adjoint);
            }
            for (edge, pieces) in scene.edges.iter().zip(&edges) {
                for &[x, y] in pieces.iter().filter(|piece| piece.row == row).flat_map(|piece| &piece.points)
                {
                    // Above a line stands its label.
                    reach(&Place { x, y, width: 0.0, height: 30.0 }, edge.back.is_some());
                }
            }
            let shift = top - values.top;
            shifts.push([MARGIN - values.left, shift]);
            width = width.max(values.right - values.left);
            top = values.bottom + shift;
            if mirrored && adjoints.top < adjoints.bottom {
                top += MIRROR;
                mirrors.push(top + adjoints.bottom + shift);
                top += adjoints.bottom - adjoints.top;
            } else {
                mirrors.push(0.0);
            }
            top += BETWEEN_ROWS;
        }
        let shift = |place: &mut Place, row: usize| {
            place.x += shifts[row][0];
            place.y += shifts[row][1];
        };
        for (place, &row) in self.boxes.iter_mut().zip(&row_of) {
            shift(place, row);
        }
        for (_, row, place) in &mut frames {
            shift(place, *row);
        }
        for tag in &mut tags {
            shift(&mut tag.place, tag.row);
        }
        for piece in edges.iter_mut().flatten() {
            for point in piece.points.iter_mut().chain(&mut piece.label) {
                point[0] += shifts[piece.row][0];
                point[1] += shifts[piece.row][1];
            }
        }
        let height = top - BETWEEN_ROWS + MARGIN;
        Layout {
            boxes: self.boxes,
            row_of,
            edges,
            frames,
            tags,
            mirrors,
            width: width + 2.0 * MARGIN,
            height,
        }
    }

    /// Tags where values leave a row on the right, and where they come into one on the left.
    fn tags(&self, scene: &Scene, row_of: &[usize]) -> Vec<Tag> {
        let mut wanted: BTreeMap<(usize, bool, NodeId), (&Edge, f64)> = BTreeMap::new();
        for (edge, (points, _)) in scene.edges.iter().zip(&self.routes) {
            let (from, to) = (row_of[edge.from], row_of[edge.to]);
            if from != to {
                let leaves = height_at(points, self.ends[from][1] + TO_TAG);
                let arrives = height_at(points, self.ends[to][0] - TO_TAG);
                wanted.entry((from, true, edge.value)).or_insert((edge, leaves));
                wanted.entry((to, false, edge.value)).or_insert((edge, arrives));
            }
        }
        let mut tags: Vec<Tag> = Vec::new();
        for row in 0..self.ends.len() {
            for is_right in [true, false] {
                let here = wanted.iter().filter(|((at, right, _), _)| *at == row && *right == is_right);
                let mut here: Vec<(f64, &Edge)> = here.map(|(_, &(edge, y))| (y, edge)).collect();
                here.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.value.cmp(&b.1.value)));
                let mut next = f64::MIN;
                for (y, edge) in here {
                    let y = y.max(next);
                    next = y + TAG + 4.0;
                    let adjoint = if edge.back.is_some() { "∂J/∂" } else { "" };
                    let width = measure(&format!("{adjoint}{}", edge.name), SMALL) + 20.0;
                    let x = if is_right {
                        self.ends[row][1] + TO_TAG + width / 2.0
                    } else {
                        self.ends[row][0] - TO_TAG - width / 2.0
                    };
                    let place = Place { x, y, width, height: TAG };
                    tags.push(Tag {
                        row,
                        value: edge.value,
                        name: edge.name.clone(),
                        has_adjoint: edge.back.is_some(),
                        place,
                    });
                }
            }
        }
        tags
    }

    /// Edges within their rows, from box to box, from a box to a tag, from a tag to a box.
    fn pieces(&self, scene: &Scene, row_of: &[usize], tags: &[Tag]) -> Vec<Vec<Piece>> {
        let edges = scene.edges.iter().zip(&self.routes);
        edges
            .map(|(edge, (points, label))| {
                let (from, to) = (row_of[edge.from], row_of[edge.to]);
                if from == to {
                    return vec![Piece { row: from, points: points.clone(), label: *label }];
                }
                let tag = |row: usize, is_right: bool| {
                    let here = |tag: &&Tag| {
                        tag.row == row
                            && tag.value == edge.value
                            && (tag.place.x > self.ends[row][1]) == is_right
                    };
                    tags.iter().find(here).map(|tag| tag.place)
                };
                let inside = |row: usize| {
                    let [left, right] = self.ends[row];
                    points.iter().copied().filter(move |point| (left..=right).contains(&point[0]))
                };
                let label = |row: usize| {
                    let [left, right] = self.ends[row];
                    label.filter(|at| (left..=right).contains(&at[0]))
                };
                let mut pieces = Vec::new();
                // Up to the end of the row they stay on their height.
                let level = |row: usize, x: f64| {
                    [x, height_at(points, x.clamp(self.ends[row][0], self.ends[row][1]))]
                };
                if let Some(end) = tag(from, true) {
                    let last = level(from, self.ends[from][1]);
                    let points = inside(from).chain([last, [end.left(), end.y]]).collect();
                    pieces.push(Piece { row: from, points, label: label(from) });
                }
                if let Some(start) = tag(to, false) {
                    let first = inside(to).next().map(|[_, y]| [self.ends[to][0], y]);
                    let start = std::iter::once([start.right(), start.y]).chain(first);
                    let points = start.chain(inside(to)).collect();
                    pieces.push(Piece { row: to, points, label: label(to) });
                }
                pieces
            })
            .collect()
    }

    /// What of each frame is in each row.
    fn frames_in_rows(&self) -> Vec<(usize, usize, Place)> {
        let mut frames = Vec::new();
        for (position, frame) in self.frames.iter().enumerate() {
            for (row, end) in self.ends.iter().enumerate() {
                let (left, right) = (frame.left().max(end[0] - 10.0), frame.right().min(end[1] + 10.0));
                if right - left > 20.0 {
                    // With room for the title.
                    let (y, height) = (frame.y - TITLE / 2.0, frame.height + TITLE);
                    let place = Place { x: f64::midpoint(left, right), y, width: right - left, height };
                    frames.push((position, row, place));
                }
            }
        }
        frames
    }
}

/// How far something reaches.
struct Extent {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Default for Extent {
    fn default() -> Self {
        Self { left: f64::MAX, top: f64::MAX, right: f64::MIN, bottom: f64::MIN }
    }
}

impl Extent {
    fn reach(&mut self, place: &Place) {
        self.left = self.left.min(place.left());
        self.top = self.top.min(place.top());
        self.right = self.right.max(place.right());
        self.bottom = self.bottom.max(place.bottom());
    }
}

/// How high an edge is at some place.
fn height_at(points: &[[f64; 2]], x: f64) -> f64 {
    let pair = points.windows(2).find(|pair| pair[1][0] >= x);
    match pair {
        Some(&[[x0, y0], [x1, y1]]) if x1 > x0 => y0 + (y1 - y0) * ((x - x0) / (x1 - x0)).clamp(0.0, 1.0),
        _ => points.last().map_or(0.0, |point| point[1]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODELS: &[&str] = &[
        include_str!("../../../examples/models/fifty_layers.rs"),
        include_str!("../../../examples/models/inception.rs"),
        "nn_model! { pub model Skips(x: [8]) -> y { param w: [8], v: [8]; a = x * w; b = tanh(a + v); c = a * b + x; \
         d = sigmoid(c - b) * a; y = sum(d * c + a * w); loss mse(y, target) + 1e-3 * sum(w^2); } }",
    ];

    fn scene(text: &str, most: usize) -> Scene {
        let (_, rest) = text.split_once("nn_model! {").expect("a call");
        let (inner, _) = rest.rsplit_once('}').expect("it ends");
        let source = crate::parse::source(inner.parse().expect("tokens")).expect("a model");
        let plans = crate::compile(source).expect("the model is right");
        Scene::new(&plans[0].program, most)
    }

    #[test]
    fn nothing_overlaps_or_sticks_out() {
        for text in MODELS {
            for (most, width, mirrored) in
                [(40, 1500.0, true), (40, 500.0, false), (70, 1500.0, true), (9, 1.0, true)]
            {
                let scene = scene(text, most);
                let layout = rows(&scene, width, mirrored);
                let tags = layout.tags.iter().map(|tag| tag.place);
                let mut places: Vec<Place> = layout.boxes.iter().copied().chain(tags).collect();
                for (item, (place, row)) in scene.boxes.iter().zip(layout.boxes.iter().zip(&layout.row_of)) {
                    if mirrored && item.adjoint.is_some() {
                        places.push(Place { y: layout.mirrors[*row] - place.y, ..*place });
                    }
                }
                for (at, a) in places.iter().enumerate() {
                    assert!(a.left() >= 0.0 && a.right() <= layout.width, "{a:?} in {}", layout.width);
                    assert!(a.top() >= 0.0 && a.bottom() <= layout.height, "{a:?} in {}", layout.height);
                    for b in &places[at + 1..] {
                        let apart = a.right() <= b.left()
                            || b.right() <= a.left()
                            || a.bottom() <= b.top()
                            || b.bottom() <= a.top();
                        assert!(apart, "{a:?} and {b:?} at {most}, {width}");
                    }
                }
            }
        }
    }
}
