//! A confusion matrix as coloured fields.

use super::Figure;
use super::svg::{Anchor, Area, INK, LABEL, Svg, TICK, TITLE, color, fitted, text_width, tint};
use crate::metrics::ConfusionMatrix;

/// The most that a class's name may take.
const NAME: f64 = 150.0;

/// The counts, and how they share out the examples of each class: a row for each class of the targets, shaded by the
/// fraction of its examples, a column for each predicted one.
pub fn confusion(matrix: &ConfusionMatrix) -> Figure {
    let classes = matrix.classes().max(1);
    let cell = (330.0 / classes as f64).clamp(22.0, 96.0);
    let side = cell * classes as f64;
    let widest = matrix.names().iter().map(|name| text_width(name, TICK)).fold(0.0, f64::max).min(NAME);
    // Names that do not fit below their column read upwards.
    let upright = widest > cell - 6.0;
    let below = if upright { widest + 16.0 } else { 24.0 };

    let (left, top) = (54.0 + widest, 50.0);
    // The title has to fit too.
    let width = (left + side + 26.0).max(400.0);
    let height = top + side + below + 36.0;
    let title = if matrix.is_empty() {
        "Confusion matrix: no examples".to_owned()
    } else {
        format!("Confusion matrix: accuracy {:.1} %", 100.0 * matrix.accuracy())
    };
    let mut svg = Svg::new(width, height, &title);
    svg.bold_text((width / 2.0, 28.0), TITLE, &title);
    let left = left + (width - (left + side + 26.0)) / 2.0;

    for (row, counts) in matrix.counts().rows().into_iter().enumerate() {
        let total = counts.sum().max(1) as f64;
        for (column, &count) in counts.iter().enumerate() {
            let share = count as f64 / total;
            let (x, y) = (left + cell * column as f64, top + cell * row as f64);
            let area = Area { left: x + 0.5, top: y + 0.5, width: cell - 1.0, height: cell - 1.0 };
            svg.rect(area, &tint(color(0), 0.05 + 0.95 * share));
            let ink = if share > 0.5 { "#ffffff" } else { INK };
            numbers(&mut svg, area, ink, count, share);
        }
    }
    for (class, name) in matrix.names().iter().enumerate() {
        let name = fitted(name, TICK, NAME);
        let middle = cell * (class as f64 + 0.5);
        svg.text((left - 8.0, top + middle + 5.0), TICK, Anchor::End, &name);
        if upright {
            svg.upward_text((left + middle + 5.0, top + side + 8.0), TICK, Anchor::End, &name);
        } else {
            svg.text((left + middle, top + side + 18.0), TICK, Anchor::Middle, &name);
        }
    }
    svg.text((left + side / 2.0, height - 14.0), LABEL, Anchor::Middle, "predicted class");
    svg.upward_text((left - widest - 26.0, top + side / 2.0), LABEL, Anchor::Middle, "actual class");
    Figure::new(svg.finish())
}

/// The count of a field, and the fraction of its row where there is room.
fn numbers(svg: &mut Svg, area: Area, ink: &str, count: u64, share: f64) {
    let (x, y) = area.middle();
    let text = count.to_string();
    let size = (area.width / (0.7 * text.len() as f64)).min(16.0);
    if size < 8.0 {
        return;
    }
    if area.width >= 56.0 {
        svg.colored_text((x, y - 2.0), size, ink, &text);
        svg.colored_text((x, y + 17.0), 13.0, ink, &format!("{:.0} %", 100.0 * share));
    } else if count > 0 || area.width >= 34.0 {
        svg.colored_text((x, y + 0.36 * size), size, ink, &text);
    }
}
