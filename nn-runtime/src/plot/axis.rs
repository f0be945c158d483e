//! From values to places along an axis, and which values stand beside it.

/// One axis of a chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    logarithmic: bool,
    /// Only whole numbers stand beside it.
    whole: bool,
}

/// Values and what stands beside them.
pub(super) type Ticks = Vec<(f64, String)>;

impl Axis {
    /// Over these bounds, of which those that are not given come from the values and get some room.
    pub(super) fn new(
        values: impl Iterator<Item = f64>,
        bounds: (Option<f64>, Option<f64>),
        logarithmic: bool,
        whole: bool,
    ) -> Self {
        let usable = values.filter(|value| value.is_finite() && (!logarithmic || *value > 0.0));
        let (mut low, mut high) = usable
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            (low, high) = if logarithmic { (0.1, 1.0) } else { (0.0, 1.0) };
        }
        let place = |value: f64| if logarithmic { value.ln() } else { value };
        let value = |place: f64| if logarithmic { place.exp() } else { place };
        let span = place(high) - place(low);
        let room = if span > 0.0 { 0.04 * span } else { (0.1 * low.abs()).max(0.1) };
        let low = bounds.0.unwrap_or_else(|| value(place(low) - room));
        let high = bounds.1.unwrap_or_else(|| value(place(high) + room));
        // Bounds in the wrong order or equal would turn or break the axis.
        let high = if high > low { high } else { low + low.abs().max(1.0) };
        Self { low, high, logarithmic, whole }
    }

    /// Where a value is: 0 at the lower end, 1 at the upper; none for what the axis cannot show.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        let place = |value: f64| if self.logarithmic { value.ln() } else { value };
        let at = (place(value) - place(self.low)) / (place(self.high) - place(self.low));
        at.is_finite().then_some(at)
    }

    /// Values to stand beside the axis: about `count`, round ones.
    pub(super) fn ticks(&self, count: usize) -> Ticks {
        if self.logarithmic {
            let ticks = self.logarithmic_ticks(count);
            if ticks.len() >= 2 {
                return ticks;
            }
        }
        let step = round_step((self.high - self.low) / count.max(1) as f64);
        let step = if self.whole { step.max(1.0) } else { step };
        let (first, last) = ((self.low / step).ceil() as i64, (self.high / step).floor() as i64);
        // A step that is lost in rounding would give a tick for every integer; such an axis has none.
        if last - first > 1000 {
            return Vec::new();
        }
        (first..=last).map(|i| i as f64 * step).map(|value| (value, label(value, step))).collect()
    }

    /// Powers of ten; if there are few, their doubles and fivefolds too.
    fn logarithmic_ticks(&self, count: usize) -> Ticks {
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let decades = self.high.log10() - self.low.log10();
        let every = (decades / count.max(1) as f64).ceil().max(1.0) as i32;
        let factors: &[f64] = if decades < 2.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        (first..=last)
            .filter(|decade| decade.rem_euclid(every) == 0)
            .flat_map(|decade| factors.iter().map(move |factor| factor * 10_f64.powi(decade)))
            .filter(|value| (self.low..=self.high).contains(value))
            .map(|value| (value, label(value, value)))
            .collect()
    }
}

/// The least of 1, 2 and 5 times a power of ten that is not below.
fn round_step(step: f64) -> f64 {
    if !(step > 0.0 && step.is_finite()) {
        return 1.0;
    }
    let power = 10_f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= step * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

/// A tick's value with as many digits as the step has.
fn label(value: f64, step: f64) -> String {
    if value.abs() < step * 1e-9 {
        return "0".to_owned();
    }
    let magnitude = value.abs().max(step);
    if magnitude >= 1e5 || step < 1e-4 {
        let digits = (magnitude.log10().floor() - step.log10().floor()).clamp(0.0, 6.0) as usize;
        return format!("{value:.digits$e}");
    }
    let digits = (-step.log10().floor()).max(0.0) as usize;
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::Axis;

    fn labels(low: f64, high: f64, logarithmic: bool) -> Vec<String> {
        let axis = Axis::new([].into_iter(), (Some(low), Some(high)), logarithmic, false);
        axis.ticks(5).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(
            labels(0.0, 1.0, false),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"].map(|l| if l == "0.0" { "0" } else { l })
        );
        assert_eq!(labels(-3.0, 104.0, false), ["0", "50", "100"]);
        assert_eq!(labels(0.0, 2e6, false), ["0", "5e5", "1.0e6", "1.5e6", "2.0e6"]);
        assert_eq!(labels(1e-6, 1.0, true), ["1e-6", "0.0001", "0.01", "1"]);
        assert_eq!(labels(0.03, 0.6, true), ["0.05", "0.1", "0.2", "0.5"]);
        assert_eq!(labels(0.5, 0.55, true), ["0.50", "0.51", "0.52", "0.53", "0.54", "0.55"]);
    }

    #[test]
    fn values_get_some_room_and_nothing_breaks() {
        let axis = Axis::new([0.0, f64::NAN, 10.0].into_iter(), (None, None), false, false);
        assert!(axis.place(0.0).unwrap() > 0.03 && axis.place(10.0).unwrap() < 0.97);
        assert_eq!(axis.place(f64::NAN), None);
        for values in [vec![], vec![5.0; 3], vec![-1e300, 1e300], vec![f64::INFINITY]] {
            for logarithmic in [false, true] {
                let axis = Axis::new(values.iter().copied(), (None, None), logarithmic, true);
                assert!(axis.ticks(5).len() < 20);
            }
        }
        assert_eq!(Axis::new([1.0].into_iter(), (None, None), true, false).place(-1.0), None);
    }
}
