//! How far to go: a step after which the loss is lower, and flatter along the way.
//!
//! Nocedal and Wright, *Numerical optimization* (2006), algorithms 3.5 and 3.6, in the form of Schmidt's `minFunc`, as in
//! `PyTorch`: the same trial steps, as long as losses are finite. Where they are not, the step was too long.

/// Sufficient decrease: the loss falls by at least this part of what the slope promises.
const DECREASE: f64 = 1e-4;
/// Curvature: the slope becomes at most this part of what it was.
const CURVATURE: f64 = 0.9;

/// A point on the line that is searched.
#[derive(Clone, Debug)]
pub(super) struct Point {
    /// How many times the direction it is from the start.
    pub(super) step: f64,
    pub(super) loss: f64,
    /// The derivative of the loss along the direction.
    pub(super) slope: f64,
    pub(super) gradient: Vec<f64>,
}

/// A point that meets the strong Wolfe conditions, or the lowest of the last two that were tried after `limit` attempts
/// or where they move the parameters by less than `tolerance`. `width` is the largest element of the direction.
pub(super) fn strong_wolfe(
    start: &Point,
    first: f64,
    width: f64,
    tolerance: f64,
    limit: usize,
    mut at: impl FnMut(f64) -> Point,
) -> Point {
    let too_high =
        |point: &Point| point.loss.is_nan() || point.loss > start.loss + DECREASE * point.step * start.slope;
    let is_flat = |point: &Point| point.slope.abs() <= -CURVATURE * start.slope;

    let mut tries = 0;
    let (mut last, mut now) = (start.clone(), at(first));
    let mut bracket = loop {
        if tries == limit {
            break [start.clone(), now];
        }
        if too_high(&now) || (tries > 1 && now.loss >= last.loss) {
            break [last, now];
        }
        if is_flat(&now) {
            return now;
        }
        if now.slope >= 0.0 {
            break [last, now];
        }
        let bounds = [now.step + 0.01 * (now.step - last.step), now.step * 10.0];
        let step = cubic(&last, &now, bounds);
        (last, now) = (now, at(step));
        tries += 1;
    };

    let mut low = lower(&bracket);
    let mut is_slow = false;
    while tries < limit && (bracket[1].step - bracket[0].step).abs() * width >= tolerance {
        let [from, to] = ends(&bracket);
        let mut step = cubic(&bracket[0], &bracket[1], [from, to]);
        // A trial at an end of the bracket says little. After two of them, one is made a tenth inside.
        let margin = 0.1 * (to - from);
        let is_at_end = (to - step).min(step - from) < margin;
        if is_at_end && (is_slow || step >= to || step <= from) {
            step = if (step - to).abs() < (step - from).abs() { to - margin } else { from + margin };
            is_slow = false;
        } else {
            is_slow = is_at_end;
        }

        let now = at(step);
        tries += 1;
        if too_high(&now) || now.loss >= bracket[low].loss {
            bracket[1 - low] = now;
            low = lower(&bracket);
        } else {
            let done = is_flat(&now);
            if !done && now.slope * (bracket[1 - low].step - bracket[low].step) >= 0.0 {
                bracket.swap(0, 1);
                // What was low is now high, and the other one gives way to the new low.
                bracket[low] = now;
            } else {
                bracket[low] = now;
            }
            if done {
                break;
            }
        }
    }
    let [first, second] = bracket;
    if low == 0 { first } else { second }
}

/// The index of the point with the lower loss: the first of equal ones.
fn lower(bracket: &[Point; 2]) -> usize {
    let second = bracket[1].loss < bracket[0].loss;
    usize::from(second || bracket[0].loss.is_nan())
}

fn ends(bracket: &[Point; 2]) -> [f64; 2] {
    let [a, b] = [bracket[0].step, bracket[1].step];
    [a.min(b), a.max(b)]
}

/// The minimum, within bounds, of the cubic polynomial through two points with their slopes: equation 3.59. The middle
/// where there is none.
fn cubic(a: &Point, b: &Point, [from, to]: [f64; 2]) -> f64 {
    let d1 = a.slope + b.slope - 3.0 * (a.loss - b.loss) / (a.step - b.step);
    let square = d1 * d1 - a.slope * b.slope;
    let middle = f64::midpoint(from, to);
    if square.is_nan() || square < 0.0 {
        return middle;
    }
    let d2 = square.sqrt();
    let minimum = if a.step <= b.step {
        b.step - (b.step - a.step) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2))
    } else {
        a.step - (a.step - b.step) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2.0 * d2))
    };
    if minimum.is_finite() { minimum.max(from).min(to) } else { middle }
}

#[cfg(test)]
mod tests {
    use super::{CURVATURE, DECREASE, Point, cubic, strong_wolfe};

    /// A search along a function with this value and derivative at a step.
    fn search(f: impl Fn(f64) -> (f64, f64), first: f64) -> (Point, Point, usize) {
        let mut tries = 0;
        let at = |step: f64| {
            let (loss, slope) = f(step);
            Point { step, loss, slope, gradient: vec![slope] }
        };
        let start = at(0.0);
        let found = strong_wolfe(&start, first, 1.0, 1e-12, 25, |step| {
            tries += 1;
            at(step)
        });
        (start, found, tries)
    }

    /// Value and derivative.
    type Function = fn(f64) -> (f64, f64);

    #[test]
    fn steps_meet_the_strong_wolfe_conditions() {
        let functions: [(&str, Function); 4] = [
            ("parabola", |t| ((t - 3.0).powi(2), 2.0 * (t - 3.0))),
            ("Moré and Thuente 1", |t| {
                let q = t * t + 2.0;
                (-t / q, (t * t - 2.0) / (q * q))
            }),
            ("Moré and Thuente 2", |t| {
                let s = t + 0.004;
                (s.powi(5) - 2.0 * s.powi(4), 5.0 * s.powi(4) - 8.0 * s.powi(3))
            }),
            ("wall", |t| {
                if t < 2.0 { (-t - (2.0 - t).ln(), -1.0 + 1.0 / (2.0 - t)) } else { (f64::NAN, f64::NAN) }
            }),
        ];
        for (name, f) in functions {
            for first in [1e-3, 0.1, 1.0, 10.0] {
                // A wall has a minimum at 1, where its slope at the start is -1/2.
                let (start, found, tries) = search(f, first);
                let what = format!("{name} from {first}: {found:?} after {tries}");
                assert!(found.loss <= start.loss + DECREASE * found.step * start.slope, "{what}");
                assert!(found.slope.abs() <= -CURVATURE * start.slope, "{what}");
            }
        }
    }

    #[test]
    fn a_cubic_is_hit_at_once() {
        let f =
            |t: f64| Point { step: t, loss: t.powi(3) - 3.0 * t, slope: 3.0 * t * t - 3.0, gradient: vec![] };
        for [a, b] in [[0.0_f64, 3.0], [3.0, 0.0], [0.5, 1.5]] {
            let (from, to) = (a.min(b), a.max(b));
            assert!((cubic(&f(a), &f(b), [from, to]) - 1.0).abs() < 1e-12);
        }
        assert_eq!(cubic(&f(2.0), &f(3.0), [2.0, 3.0]), 2.0, "bounded");
        let infinite = Point { loss: f64::INFINITY, ..f(4.0) };
        assert_eq!(cubic(&f(0.0), &infinite, [0.0, 4.0]), 2.0);
    }

    #[test]
    fn a_line_without_a_lower_point_ends_where_it_starts() {
        // The slope lies.
        let (_, found, tries) = search(|t| (t, -1.0), 1.0);
        assert!(found.step == 0.0 && tries <= 26, "{found:?} after {tries}");
    }
}
