//! A scene with places as SVG: text that can be selected, and nothing from outside.
//!
//! The box of the value `n` is the element `node-n` and that of its adjoint `adjoint-n`; what goes from there to the
//! box of `m` is `edge-n-m`, and the way back `back-m-n`. Each carries the numbers as data attributes too, so that a
//! page can make them do something.

use std::fmt::Write;

use super::super::svg::escaped;
use super::layout::{LARGE, LINE, Place, SMALL};
use super::rows::{Layout, TAG, rows};
use super::scene::{Edge, Item, Role, Scene};
use super::{Options, Show, Theme};
use crate::build::Program;

/// Names, and what they are on white and on black. The hues are Okabe and Ito's, which the colour-blind can tell apart.
const COLOURS: &[(&str, &str, &str)] = &[
    ("page", "#ffffff", "#15181c"),
    ("ink", "#1b1f24", "#e9edf1"),
    ("faint", "#4b535c", "#aeb7c0"),
    ("line", "#7d8792", "#8b949e"),
    ("frame", "#f7f8fa", "#1d2126"),
    ("input", "#d3e8f8", "#10364f"),
    ("input-line", "#0072b2", "#56b4e9"),
    ("param", "#fbe7bf", "#4a3505"),
    ("param-line", "#b97700", "#e69f00"),
    ("target", "#d2efe4", "#083d2f"),
    ("target-line", "#008560", "#2cc49a"),
    ("value", "#f0f2f4", "#2a2f36"),
    ("value-line", "#6b7580", "#8b949e"),
    ("loss", "#fcdccb", "#5a2205"),
    ("loss-line", "#c84800", "#ff8a4c"),
    ("adjoint", "#f4def0", "#46213c"),
    ("adjoint-line", "#a8477f", "#dd8fbd"),
];

/// What has which filling and which outline.
const RULES: &[(&str, &str, &str)] = &[
    (".nn text", "fill", "ink"),
    (".nn .how,.nn .label,.nn .caption", "fill", "faint"),
    (".nn .way", "stroke", "line"),
    (".nn .tip", "fill", "line"),
    (".nn .frame", "fill", "frame"),
    (".nn .frame", "stroke", "line"),
    (".nn .tag", "fill", "page"),
    (".nn .tag", "stroke", "line"),
    (".nn .input>.shape", "fill", "input"),
    (".nn .input>.shape", "stroke", "input-line"),
    (".nn .param>.shape", "fill", "param"),
    (".nn .param>.shape", "stroke", "param-line"),
    (".nn .target>.shape", "fill", "target"),
    (".nn .target>.shape", "stroke", "target-line"),
    (".nn .value>.shape,.nn .output>.shape,.nn .group>.shape", "fill", "value"),
    (".nn .value>.shape,.nn .group>.shape", "stroke", "value-line"),
    (".nn .output>.shape", "stroke", "ink"),
    (".nn .loss>.shape", "fill", "loss"),
    (".nn .loss>.shape", "stroke", "loss-line"),
    (".nn .adjoint>.shape,.nn .back .tag", "fill", "adjoint"),
    (".nn .adjoint>.shape,.nn .back .tag,.nn .back>.way", "stroke", "adjoint-line"),
    (".nn .back-tip", "fill", "adjoint-line"),
];

/// The drawing of a program's graph.
pub fn svg(program: &Program, options: &Options) -> String {
    let scene = Scene::new(program, options.most);
    let show = if scene.has_adjoints() { options.show } else { Show::Forward };
    let layout = rows(&scene, options.width, show == Show::Both);
    let mut drawing = Drawing { scene: &scene, layout: &layout, show, out: String::new() };
    drawing.head(options.theme);
    drawing.frames();
    drawing.edges();
    drawing.tags();
    drawing.boxes();
    drawing.out.push_str("</svg>\n");
    drawing.out
}

struct Drawing<'a> {
    scene: &'a Scene,
    layout: &'a Layout,
    show: Show,
    out: String,
}

impl Drawing<'_> {
    fn head(&mut self, theme: Theme) {
        let (name, width, height) = (&self.scene.name, self.layout.width, self.layout.height);
        let _ = writeln!(
            self.out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"nn\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" aria-label=\"The graph of {name}\" \
             font-family=\"system-ui, 'DejaVu Sans', sans-serif\" text-anchor=\"middle\">\n<style>{}</style>",
            style(theme)
        );
        // Arrows don't take the colour of their line in every viewer.
        for (id, class) in [("to", "tip"), ("back", "back-tip")] {
            let _ = writeln!(
                self.out,
                "<defs><marker id=\"{id}-{name}\" viewBox=\"0 0 8 8\" refX=\"7.5\" refY=\"4\" markerWidth=\"7\" \
                 markerHeight=\"7\" orient=\"auto\"><path class=\"{class}\" d=\"M0 0 8 4 0 8z\"/></marker></defs>"
            );
        }
        if theme != Theme::Page {
            self.out.push_str("<rect class=\"tag\" width=\"100%\" height=\"100%\" stroke-width=\"0\"/>\n");
        }
    }

    fn has_forward(&self) -> bool {
        self.show != Show::Backward
    }

    fn has_backward(&self) -> bool {
        self.show != Show::Forward
    }

    /// How far down the adjoint of something is.
    fn mirrored(&self, row: usize, y: f64) -> f64 {
        match self.show {
            Show::Both => self.layout.mirrors[row] - y,
            _ => y,
        }
    }

    fn mirrored_place(&self, row: usize, place: Place) -> Place {
        Place { y: self.mirrored(row, place.y), ..place }
    }

    fn frames(&mut self) {
        for &(frame, row, place) in &self.layout.frames {
            let title = escaped(&self.scene.frames[frame].title);
            let mirrored = self.mirrored_place(row, place);
            // The title is where the frame has room for it.
            let below =
                if self.show == Show::Both { mirrored.bottom() - 4.0 } else { mirrored.top() + SMALL + 2.0 };
            let places = [
                self.has_forward().then_some((place, place.top() + SMALL + 2.0)),
                self.has_backward().then_some((mirrored, below)),
            ];
            for (place, title_y) in places.into_iter().flatten() {
                let (x, y) = (place.left(), place.top());
                let _ = writeln!(
                    self.out,
                    "<rect class=\"frame\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"10\" \
                     stroke-dasharray=\"3 3\"/>\n<text class=\"caption\" x=\"{:.1}\" y=\"{title_y:.1}\" font-size=\"{SMALL}\" \
                     text-anchor=\"start\">{title}</text>",
                    place.width,
                    place.height,
                    x + 8.0,
                );
            }
        }
    }

    fn edges(&mut self) {
        for (edge, pieces) in self.scene.edges.iter().zip(&self.layout.edges) {
            let (value, to) = (edge.value.index(), self.scene.boxes[edge.to].node.index());
            if self.has_forward() {
                let parts: Vec<Part<'_>> = pieces
                    .iter()
                    .map(|piece| Part { points: piece.points.clone(), label: piece.label, text: &edge.label })
                    .collect();
                let ids = format!("id=\"edge-{value}-{to}\" data-from=\"{value}\" data-to=\"{to}\"");
                self.edge("edge", &ids, &edge.tip, "to", &parts);
            }
            if let Some(back) = edge.back.as_ref().filter(|_| self.has_backward()) {
                let parts: Vec<Part<'_>> = pieces
                    .iter()
                    .rev()
                    .map(|piece| {
                        let mirrored = |&[x, y]: &[f64; 2]| [x, self.mirrored(piece.row, y)];
                        let points = piece.points.iter().rev().map(mirrored).collect();
                        Part { points, label: piece.label.as_ref().map(mirrored), text: &back.label }
                    })
                    .collect();
                let ids = format!("id=\"back-{to}-{value}\" data-from=\"{to}\" data-to=\"{value}\"");
                self.edge("edge back", &ids, &back_tip(edge), "back", &parts);
            }
        }
        if self.show == Show::Both {
            self.turn();
        }
    }

    /// From the loss down to its own adjoint, which is 1.
    fn turn(&mut self) {
        for (at, item) in self.scene.boxes.iter().enumerate().filter(|(_, item)| item.role == Role::Loss) {
            let (place, row) = (self.layout.boxes[at], self.layout.row_of[at]);
            let end = self.mirrored(row, place.bottom());
            let _ = writeln!(
                self.out,
                "<g class=\"edge back turn\"><title>{}</title><path class=\"way\" d=\"M{:.1} {:.1}V{end:.1}\" \
                 marker-end=\"url(#back-{})\"/></g>",
                escaped(&format!("the derivative of {0} with respect to itself", item.name)),
                place.x,
                place.bottom(),
                self.scene.name
            );
        }
    }

    fn edge(&mut self, class: &str, ids: &str, tip: &str, marker: &str, parts: &[Part<'_>]) {
        let name = &self.scene.name;
        let _ = write!(self.out, "<g class=\"{class}\" {ids}><title>{}</title>", escaped(tip));
        for part in parts {
            let way = curve(&part.points);
            let _ = write!(
                self.out,
                "<path class=\"hit\" d=\"{way}\"/><path class=\"way\" d=\"{way}\" marker-end=\"url(#{marker}-{name})\"/>"
            );
            if let Some([x, y]) = part.label.filter(|_| !part.text.is_empty()) {
                let _ = write!(
                    self.out,
                    "<text class=\"label\" x=\"{x:.1}\" y=\"{:.1}\" font-size=\"{SMALL}\">{}</text>",
                    y - 4.0,
                    escaped(part.text)
                );
            }
        }
        self.out.push_str("</g>\n");
    }

    /// Where a value goes on in another row.
    fn tags(&mut self) {
        for tag in &self.layout.tags {
            let (name, value) = (escaped(&tag.name), tag.value.index());
            let forward = self.has_forward().then(|| (tag.place, name.clone(), "tag-of", "node"));
            let backward = (self.has_backward() && tag.has_adjoint).then(|| {
                let place = self.mirrored_place(tag.row, tag.place);
                (place, format!("∂J/∂{name}"), "tag-of back", "adjoint")
            });
            for (place, text, class, box_of) in [forward, backward].into_iter().flatten() {
                let _ = writeln!(
                    self.out,
                    "<g class=\"{class}\" data-{box_of}=\"{value}\"><rect class=\"tag\" x=\"{:.1}\" y=\"{:.1}\" \
                     width=\"{:.1}\" height=\"{TAG}\" rx=\"{}\"/><text x=\"{:.1}\" y=\"{:.1}\" \
                     font-size=\"{SMALL}\">{text}</text></g>",
                    place.left(),
                    place.top(),
                    place.width,
                    TAG / 2.0,
                    place.x,
                    place.y + 4.0
                );
            }
        }
    }

    fn boxes(&mut self) {
        for (at, item) in self.scene.boxes.iter().enumerate() {
            let (place, row) = (self.layout.boxes[at], self.layout.row_of[at]);
            let nodes: Vec<String> = item.nodes.iter().map(|id| id.index().to_string()).collect();
            let (id, nodes) = (item.node.index(), nodes.join(" "));
            if self.has_forward() {
                let ids = format!("id=\"node-{id}\" data-node=\"{id}\" data-nodes=\"{nodes}\"");
                self.item(item, item.role.class(), &ids, &item.tip, &item.lines, place);
            }
            if let Some(adjoint) = item.adjoint.as_ref().filter(|_| self.has_backward()) {
                let ids = format!("id=\"adjoint-{id}\" data-adjoint=\"{id}\" data-nodes=\"{nodes}\"");
                let place = self.mirrored_place(row, place);
                self.item(item, "adjoint", &ids, &adjoint.tip, std::slice::from_ref(&adjoint.line), place);
            }
        }
    }

    fn item(&mut self, item: &Item, class: &str, ids: &str, tip: &str, lines: &[String], place: Place) {
        let shape = shape(item.role, place);
        let _ = write!(self.out, "<g class=\"box {class}\" {ids}><title>{}</title>{shape}", escaped(tip));
        let height = lines.len() as f64 * LINE;
        for (at, line) in lines.iter().enumerate() {
            let (class, size) = if at == 0 { ("name", LARGE) } else { ("how", SMALL) };
            let y = place.y - height / 2.0 + at as f64 * LINE + LINE - 3.5;
            let _ = write!(
                self.out,
                "<text class=\"{class}\" x=\"{:.1}\" y=\"{y:.1}\" font-size=\"{size}\">{}</text>",
                place.x,
                escaped(line)
            );
        }
        self.out.push_str("</g>\n");
    }
}

/// What is drawn of an edge in one row.
struct Part<'a> {
    points: Vec<[f64; 2]>,
    label: Option<[f64; 2]>,
    text: &'a str,
}

fn back_tip(edge: &Edge) -> String {
    match &edge.back {
        Some(back) if !back.tip.is_empty() => back.tip.clone(),
        _ => format!("towards ∂J/∂{}", edge.name),
    }
}

/// The outline of a box: roles are told apart without colour too.
fn shape(role: Role, place: Place) -> String {
    let Place { x, y, width, height } = place;
    let (left, top) = (place.left(), place.top());
    let rect = |inset: f64, rx: f64, more: &str| {
        format!(
            "<rect class=\"shape\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"{rx}\"{more}/>",
            left + inset,
            top + inset,
            width - 2.0 * inset,
            height - 2.0 * inset
        )
    };
    match role {
        Role::Input => rect(0.0, 1.0, ""),
        Role::Target => rect(0.0, 1.0, " stroke-dasharray=\"5 3\""),
        Role::Param => rect(0.0, height / 2.0, ""),
        Role::Value => rect(0.0, 7.0, ""),
        Role::Output => rect(0.0, 7.0, " stroke-width=\"2.5\""),
        Role::Group => format!("{}{}", rect(0.0, 7.0, ""), rect(3.0, 5.0, "")),
        Role::Loss => {
            let (half, corner) = (height / 2.0, 9.0);
            format!(
                "<path class=\"shape\" d=\"M{left:.1} {y:.1}L{:.1} {:.1}H{:.1}L{:.1} {y:.1}L{:.1} {:.1}H{:.1}z\"/>",
                left + corner,
                y - half,
                x + width / 2.0 - corner,
                x + width / 2.0,
                x + width / 2.0 - corner,
                y + half,
                left + corner
            )
        }
    }
}

/// A line through points that is level at each of them.
fn curve(points: &[[f64; 2]]) -> String {
    let mut way = String::new();
    let mut before: Option<[f64; 2]> = None;
    for &[x, y] in points {
        // An arrow has no direction at the end of a line without length.
        if before.is_some_and(|[x0, y0]| (x - x0).abs() < 0.05 && (y - y0).abs() < 0.05) {
            continue;
        }
        let _ = match before {
            None => write!(way, "M{x:.1} {y:.1}"),
            Some([_, y0]) if (y - y0).abs() < 0.05 => write!(way, "H{x:.1}"),
            Some([x0, y0]) => {
                let middle = f64::midpoint(x0, x);
                write!(way, "C{middle:.1} {y0:.1} {middle:.1} {y:.1} {x:.1} {y:.1}")
            }
        };
        before = Some([x, y]);
    }
    way
}

fn style(theme: Theme) -> String {
    let mut out = String::new();
    let variables = |pick: fn(&(&str, &str, &str)) -> String| COLOURS.iter().map(pick).collect::<String>();
    if theme == Theme::Page {
        let light = variables(|(name, light, _)| format!("--nn-{name}:{light};"));
        let dark = variables(|(name, _, dark)| format!("--nn-{name}:{dark};"));
        let _ = writeln!(out, "\n.nn{{{light}}}\n@media (prefers-color-scheme:dark){{.nn{{{dark}}}}}");
    }
    out.push_str(
        ".nn .way{fill:none;stroke-width:1.2}.nn .hit{fill:none;stroke:none;stroke-width:12;pointer-events:stroke}\
         .nn .back>.way{stroke-dasharray:6 2.5}.nn .shape{stroke-width:1.4}.nn .param.adjoint>.shape{stroke-width:2.5}\n",
    );
    for (selector, property, name) in RULES {
        let Some((_, light, dark)) = COLOURS.iter().find(|(known, ..)| known == name) else { continue };
        let _ = match theme {
            // What knows no variables keeps the first.
            Theme::Page => writeln!(out, "{selector}{{{property}:{light};{property}:var(--nn-{name})}}"),
            Theme::Light => writeln!(out, "{selector}{{{property}:{light}}}"),
            Theme::Dark => writeln!(out, "{selector}{{{property}:{dark}}}"),
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The relative luminance of WCAG 2.
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = u8::from_str_radix(&colour[at..at + 2], 16).expect("two digits");
            let share = f64::from(value) / 255.0;
            if share <= 0.039_28 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    /// WCAG 2 asks for 4.5.
    #[test]
    fn text_is_legible_on_every_filling() {
        let pick = |name: &str, is_dark: bool| {
            let (_, light, dark) = COLOURS.iter().find(|(known, ..)| *known == name).expect("it is there");
            luminance(if is_dark { dark } else { light })
        };
        for is_dark in [false, true] {
            for filling in ["page", "frame", "input", "param", "target", "value", "loss", "adjoint"] {
                for text in ["ink", "faint"] {
                    let (a, b) = (pick(text, is_dark) + 0.05, pick(filling, is_dark) + 0.05);
                    assert!(a.max(b) / a.min(b) > 5.5, "{text} on {filling}, dark: {is_dark}");
                }
            }
        }
    }

    /// A rule without its colour would be left out in silence.
    #[test]
    fn every_rule_has_its_colour() {
        for (selector, _, name) in RULES {
            assert!(COLOURS.iter().any(|(known, ..)| known == name), "{selector}: {name}");
        }
    }
}
