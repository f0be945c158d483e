//! Lines, points and shaded bands over two axes.

use std::collections::BTreeSet;

use super::Figure;
use super::axis::Axis;
use super::svg::{
    Anchor, Area, GRID, HEIGHT, INK, LABEL, Svg, TICK, TITLE, WIDTH, color, fitted, text_width,
};

/// A chart of any number of series.
///
/// Points that are not finite, and those that are not positive on a logarithmic axis, are left out; a line is
/// interrupted there.
///
/// ```
/// use nn_runtime::plot::Chart;
///
/// let xs = || (0..100).map(|i| f64::from(i) * 0.1);
/// let figure = Chart::new("A sine and its slope")
///     .x_label("x (rad)")
///     .line("sin x", xs().map(|x| (x, x.sin())))
///     .line("cos x", xs().map(|x| (x, x.cos())))
///     .figure();
/// assert!(figure.to_svg().starts_with("<svg"));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Chart {
    title: String,
    x_label: String,
    y_label: String,
    x: Scale,
    y: Scale,
    square: bool,
    series: Vec<Series>,
    /// What is drawn before the series.
    pub(super) tiles: Vec<Tile>,
}

/// How an axis is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Scale {
    low: Option<f64>,
    high: Option<f64>,
    logarithmic: bool,
    whole: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Series {
    /// Not in the legend if empty.
    name: String,
    points: Vec<(f64, f64)>,
    mark: Mark,
    color: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mark {
    Line,
    Dashed,
    Points,
    /// One large dot.
    Marker,
    /// The points go along one edge and back along the other.
    Band,
    /// From the lower end of the axis: corners of each bar, left and right.
    Bars,
}

/// A coloured field in the coordinates of the axes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tile {
    pub(super) x: (f64, f64),
    pub(super) y: (f64, f64),
    pub(super) fill: String,
}

const GREY: &str = "#666666";

impl Chart {
    /// An empty chart with this title.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            x_label: String::new(),
            y_label: String::new(),
            x: Scale::default(),
            y: Scale::default(),
            square: false,
            series: Vec::new(),
            tiles: Vec::new(),
        }
    }

    /// What the horizontal axis says, with the unit: "time (s)".
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.x_label = label.into();
        self
    }

    /// What the vertical axis says, with the unit.
    pub fn y_label(mut self, label: impl Into<String>) -> Self {
        self.y_label = label.into();
        self
    }

    /// The bounds of the horizontal axis, instead of those of the data.
    pub fn x_range(mut self, low: f64, high: f64) -> Self {
        (self.x.low, self.x.high) = (Some(low), Some(high));
        self
    }

    /// The bounds of the vertical axis, instead of those of the data.
    pub fn y_range(mut self, low: f64, high: f64) -> Self {
        (self.y.low, self.y.high) = (Some(low), Some(high));
        self
    }

    /// A logarithmic horizontal axis.
    pub fn x_logarithmic(mut self) -> Self {
        self.x.logarithmic = true;
        self
    }

    /// A logarithmic vertical axis.
    pub fn y_logarithmic(mut self) -> Self {
        self.y.logarithmic = true;
        self
    }

    /// A line through points (x, y), in their order.
    pub fn line(self, name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.colored(name, points, Mark::Line)
    }

    /// A dot for each point (x, y).
    pub fn points(self, name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.colored(name, points, Mark::Points)
    }

    /// A dashed grey line: what others are compared with.
    pub fn reference(self, name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.series(name, points, Mark::Dashed, GREY)
    }

    /// A shaded band from a lower to an upper value at each place: (x, low, high).
    pub fn band(self, name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64, f64)>) -> Self {
        let points: Vec<_> =
            points.into_iter().filter(|(x, low, high)| (x + low + high).is_finite()).collect();
        let there = points.iter().map(|&(x, low, _)| (x, low));
        let back = points.iter().rev().map(|&(x, _, high)| (x, high));
        let edge: Vec<_> = there.chain(back).collect();
        self.series(name, edge, Mark::Band, GREY)
    }

    /// One dot larger than others.
    pub(super) fn marker(self, name: impl Into<String>, at: (f64, f64)) -> Self {
        self.series(name, [at], Mark::Marker, INK)
    }

    /// Bars of whole numbers from zero: (left, right, height).
    pub(super) fn bars(mut self, bars: impl IntoIterator<Item = (f64, f64, f64)>) -> Self {
        (self.y.low, self.y.whole) = (Some(0.0), true);
        let corners = bars.into_iter().flat_map(|(left, right, height)| [(left, height), (right, height)]);
        self.series("", corners, Mark::Bars, color(0))
    }

    /// Only whole numbers stand beside the horizontal axis.
    pub(super) fn x_whole(mut self) -> Self {
        self.x.whole = true;
        self
    }

    /// Both axes have the same length.
    pub(super) fn square(mut self) -> Self {
        self.square = true;
        self
    }

    fn colored(
        self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (f64, f64)>,
        mark: Mark,
    ) -> Self {
        let used =
            self.series.iter().filter(|series| matches!(series.mark, Mark::Line | Mark::Points)).count();
        self.series(name, points, mark, color(used))
    }

    fn series(
        mut self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (f64, f64)>,
        mark: Mark,
        color: &'static str,
    ) -> Self {
        self.series.push(Series { name: name.into(), points: points.into_iter().collect(), mark, color });
        self
    }

    /// The chart as a picture.
    pub fn figure(&self) -> Figure {
        // The title and two lines of labels stand beside a square.
        let width = if self.square { HEIGHT + 40.0 } else { WIDTH };
        let mut svg = Svg::new(width, HEIGHT, &self.title);
        self.draw(&mut svg, Area { left: 0.0, top: 0.0, width, height: HEIGHT });
        Figure::new(svg.finish())
    }

    /// Draws the chart into an area.
    pub(super) fn draw(&self, svg: &mut Svg, area: Area) {
        let values = |axis: fn(&(f64, f64)) -> f64| {
            self.series.iter().flat_map(move |series| series.points.iter().map(axis))
        };
        let axis = |scale: Scale, values: &mut dyn Iterator<Item = f64>| {
            Axis::new(values, (scale.low, scale.high), scale.logarithmic, scale.whole)
        };
        let (x, y) = (axis(self.x, &mut values(|p| p.0)), axis(self.y, &mut values(|p| p.1)));

        let title = fitted(&self.title, TITLE, area.width * 1.1);
        svg.bold_text((area.middle().0, area.top + 28.0), TITLE, &title);
        let y_ticks = y.ticks((area.height / 70.0) as usize);
        let widest = y_ticks.iter().map(|(_, label)| text_width(label, TICK)).fold(0.0, f64::max);
        let left = area.left + widest + if self.y_label.is_empty() { 20.0 } else { 42.0 };
        let width = area.right() - 22.0 - left;
        let legend = self.legend(width);
        let rows = legend.last().map_or(0, |entry| entry.row + 1);
        let top = area.top + 44.0 + 22.0 * rows as f64;
        let bottom = area.bottom() - if self.x_label.is_empty() { 34.0 } else { 56.0 };
        let mut plane = Area { left, top, width, height: bottom - top };
        if self.square {
            let side = plane.width.min(plane.height);
            plane = Area { left: left + (plane.width - side) / 2.0, width: side, height: side, ..plane };
        }
        let view = View { x, y, plane };

        self.draw_tiles(svg, &view);
        let x_ticks = self.draw_grid(svg, &view, &y_ticks);
        svg.clip(plane);
        self.series.iter().for_each(|series| series.draw(svg, &view));
        svg.end_clip();
        let frame = [(plane.left, plane.top), (plane.left, plane.bottom()), (plane.right(), plane.bottom())];
        svg.line(&frame, INK, 1.0, "");
        for (at, label) in x_ticks {
            svg.text((at, plane.bottom() + 20.0), TICK, Anchor::Middle, &label);
        }
        svg.text((plane.middle().0, plane.bottom() + 44.0), LABEL, Anchor::Middle, &self.x_label);
        if !self.y_label.is_empty() {
            let x = plane.left - widest - 22.0;
            let label = fitted(&self.y_label, LABEL, plane.height);
            svg.upward_text((x, plane.middle().1), LABEL, Anchor::Middle, &label);
        }
        for entry in &legend {
            entry.draw(svg, (plane.left, area.top + 44.0));
        }
    }

    fn draw_tiles(&self, svg: &mut Svg, view: &View) {
        let tiles = self.tiles.iter().filter_map(|tile| {
            let (left, top) = view.at((tile.x.0, tile.y.1))?;
            let (right, bottom) = view.at((tile.x.1, tile.y.0))?;
            Some((Area { left, top, width: right - left, height: bottom - top }, tile.fill.clone()))
        });
        if !self.tiles.is_empty() {
            svg.tiles(tiles);
        }
    }

    /// Lines across the plane, and what stands beside the vertical one; gives the places and labels of the horizontal.
    fn draw_grid(&self, svg: &mut Svg, view: &View, y_ticks: &[(f64, String)]) -> Vec<(f64, String)> {
        let plane = view.plane;
        // As many labels as fit beside each other.
        let mut count = (plane.width / 48.0).max(1.0) as usize;
        let mut ticks = view.x.ticks(count);
        while count > 1 {
            let widest = ticks.iter().map(|(_, label)| text_width(label, TICK) + 10.0).fold(0.0, f64::max);
            if widest * ticks.len() as f64 <= plane.width + widest {
                break;
            }
            count -= 1;
            ticks = view.x.ticks(count);
        }
        // Fields are read by their colour, which lines would cut.
        let grid = self.tiles.is_empty();
        let mut places = Vec::new();
        for (value, label) in ticks {
            let Some(place) = view.x.place(value) else { continue };
            let x = plane.left + place * plane.width;
            if grid {
                svg.line(&[(x, plane.top), (x, plane.bottom())], GRID, 1.0, "");
            }
            svg.line(&[(x, plane.bottom()), (x, plane.bottom() + 5.0)], INK, 1.0, "");
            places.push((x, label));
        }
        for (value, label) in y_ticks {
            let Some(place) = view.y.place(*value) else { continue };
            let y = plane.bottom() - place * plane.height;
            if grid {
                svg.line(&[(plane.left, y), (plane.right(), y)], GRID, 1.0, "");
            }
            svg.line(&[(plane.left - 5.0, y), (plane.left, y)], INK, 1.0, "");
            svg.text((plane.left - 9.0, y + 5.0), TICK, Anchor::End, label);
        }
        places
    }

    /// The entries of the legend, above the plane where no data are, in as many rows as they need.
    fn legend(&self, width: f64) -> Vec<Entry<'_>> {
        let (mut left, mut row) = (0.0, 0);
        let mut entries = Vec::new();
        for series in self.series.iter().filter(|series| !series.name.is_empty()) {
            let name = fitted(&series.name, TICK, width - 30.0);
            let needed = 30.0 + text_width(&name, TICK) + 12.0;
            if left > 0.0 && left + needed > width + 12.0 {
                (left, row) = (0.0, row + 1);
            }
            entries.push(Entry { series, name, left, row });
            left += needed;
        }
        entries
    }
}

/// The plane and its axes.
struct View {
    x: Axis,
    y: Axis,
    plane: Area,
}

impl View {
    fn at(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        // Far outside of the plane, coordinates would not fit into those of a renderer.
        let (x, y) = (self.x.place(x)?.clamp(-9.0, 10.0), self.y.place(y)?.clamp(-9.0, 10.0));
        Some((self.plane.left + x * self.plane.width, self.plane.bottom() - y * self.plane.height))
    }
}

impl Series {
    fn draw(&self, svg: &mut Svg, view: &View) {
        let places = || self.points.iter().map(|&point| view.at(point));
        match self.mark {
            Mark::Line | Mark::Dashed => {
                let dash = if self.mark == Mark::Dashed { "6 5" } else { "" };
                let width = if self.mark == Mark::Dashed { 1.5 } else { 2.25 };
                for run in runs(places()) {
                    match run[..] {
                        [only] => svg.dot(only, 3.5, self.color, 1.0),
                        _ => svg.line(&run, self.color, width, dash),
                    }
                }
            }
            Mark::Points => {
                let dots = apart(places().flatten());
                let (radius, opacity) = if dots.len() > 300 { (3.0, 0.6) } else { (4.5, 0.85) };
                for dot in dots {
                    svg.dot(dot, radius, self.color, opacity);
                }
            }
            Mark::Marker => places().flatten().for_each(|dot| svg.dot(dot, 6.0, self.color, 1.0)),
            Mark::Band => svg.polygon(&places().flatten().collect::<Vec<_>>(), self.color, 0.22),
            Mark::Bars => {
                for corners in self.points.chunks_exact(2) {
                    let (Some((left, top)), Some((right, _))) = (view.at(corners[0]), view.at(corners[1]))
                    else {
                        continue;
                    };
                    let (width, height) = ((right - left - 0.5).max(0.5), view.plane.bottom() - top);
                    svg.rect(Area { left, top, width, height }, self.color);
                }
            }
        }
    }
}

/// Runs of points without one that is missing between them. Points that move less than a quarter of a pixel are left
/// out, so that long curves make small files.
fn runs(places: impl Iterator<Item = Option<(f64, f64)>>) -> Vec<Vec<(f64, f64)>> {
    let mut runs: Vec<Vec<(f64, f64)>> = Vec::new();
    let (mut run, mut skipped) = (Vec::new(), None);
    for place in places.chain([None]) {
        match place {
            Some(place) => match run.last() {
                Some(&(x, y)) if f64::hypot(place.0 - x, place.1 - y) < 0.25 => skipped = Some(place),
                _ => {
                    run.push(place);
                    skipped = None;
                }
            },
            None if run.is_empty() => {}
            None => {
                run.extend(skipped.take());
                runs.push(std::mem::take(&mut run));
            }
        }
    }
    runs
}

/// The points of which no earlier one has the same pixel.
fn apart(places: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut taken = BTreeSet::new();
    places.filter(|(x, y)| taken.insert((x.round() as i64, y.round() as i64))).collect()
}

/// One entry of a legend.
struct Entry<'c> {
    series: &'c Series,
    name: String,
    left: f64,
    row: usize,
}

impl Entry<'_> {
    fn draw(&self, svg: &mut Svg, (left, top): (f64, f64)) {
        let (x, y) = (left + self.left, top + 22.0 * self.row as f64 + 6.0);
        let color = self.series.color;
        match self.series.mark {
            Mark::Line => svg.line(&[(x, y), (x + 22.0, y)], color, 3.0, ""),
            Mark::Dashed => svg.line(&[(x, y), (x + 22.0, y)], color, 2.0, "6 4"),
            Mark::Points => svg.dot((x + 11.0, y), 5.0, color, 1.0),
            Mark::Marker => svg.dot((x + 11.0, y), 6.0, color, 1.0),
            Mark::Band | Mark::Bars => {
                let corners = [(x, y - 6.0), (x + 22.0, y - 6.0), (x + 22.0, y + 6.0), (x, y + 6.0)];
                svg.polygon(&corners, color, 0.3);
            }
        }
        svg.text((x + 28.0, y + 5.0), TICK, Anchor::Start, &self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::{Chart, apart, runs};

    #[test]
    fn lines_are_interrupted_and_thinned() {
        let places = [Some((0.0, 0.0)), Some((0.1, 0.0)), None, None, Some((5.0, 5.0)), Some((9.0, 9.0))];
        assert_eq!(runs(places.into_iter()), [vec![(0.0, 0.0), (0.1, 0.0)], vec![(5.0, 5.0), (9.0, 9.0)]]);
        let long: Vec<_> = (0..100_000).map(|i| Some((f64::from(i) * 1e-3, 0.0))).collect();
        let run = &runs(long.into_iter())[0];
        assert!(run.len() < 410 && run.last() == Some(&(99.999, 0.0)), "{}", run.len());
        assert_eq!(apart([(1.0, 1.0), (1.2, 0.9), (2.0, 1.0)].into_iter()), [(1.0, 1.0), (2.0, 1.0)]);
    }

    #[test]
    fn anything_can_be_drawn() {
        let empty = Chart::new("").figure().to_svg();
        assert!(empty.ends_with("</svg>\n") && !empty.contains("NaN"));
        let odd = Chart::new("<&>")
            .y_logarithmic()
            .line("constant", [(1.0, 3.0), (2.0, 3.0)])
            .line("one", [(1.0, 5.0)])
            .points("none", [])
            .band("not finite", [(0.0, f64::NAN, 1.0)])
            .line("negative", [(1.0, -5.0), (f64::INFINITY, 1.0), (2.0, f64::MAX)])
            .figure()
            .to_svg();
        assert!(!odd.contains("NaN") && !odd.contains("inf") && odd.contains("&lt;&amp;&gt;"), "{odd}");
    }

    #[test]
    fn figures_are_the_same_bytes_each_time() {
        let chart = Chart::new("t").points("p", (0..50).map(|i| (f64::from(i), f64::from(i * i % 7))));
        assert_eq!(chart.figure(), chart.clone().figure());
    }
}
