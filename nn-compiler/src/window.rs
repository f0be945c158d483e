//! Windows that slide along an axis: how many places they have, and the arithmetic where they have none.

/// Padding by as much as gives one place for every `stride` elements, the odd one at the end.
pub const SAME: usize = usize::MAX;

/// A window on one axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slide {
    /// Elements of the axis.
    pub input: usize,
    /// Elements that the window takes in at each place.
    pub kernel: usize,
    /// How far it moves from place to place.
    pub stride: usize,
    /// Elements that are assumed before the first one.
    pub before: usize,
    /// Elements that are assumed after the last one.
    pub after: usize,
    /// The distance of the elements that it takes in.
    pub dilation: usize,
    /// Its places.
    pub output: usize,
}

impl Slide {
    /// The window on an axis of `input` elements, padded as said or by [`SAME`].
    ///
    /// `⌊(before + input + after - dilation·(kernel - 1) - 1) / stride⌋ + 1` places.
    ///
    /// # Errors
    /// The arithmetic, if it does not fit in.
    pub fn new(
        input: usize,
        kernel: usize,
        stride: usize,
        [before, after]: [usize; 2],
        dilation: usize,
    ) -> Result<Self, String> {
        let span = dilation * (kernel - 1) + 1;
        let [before, after] = if before == SAME {
            let missing = ((input.div_ceil(stride) - 1) * stride + span).saturating_sub(input);
            [missing / 2, missing - missing / 2]
        } else {
            [before, after]
        };
        let padded = before + input + after;
        if span > padded {
            let covers = if dilation == 1 {
                format!("a window of {kernel}")
            } else {
                format!("a window of {kernel} covers {span} = {dilation}·({kernel} - 1) + 1 elements, which")
            };
            let has = if padded == input {
                format!("{input} elements")
            } else {
                format!("{before} + {input} + {after} = {padded} elements with the padding")
            };
            return Err(format!("{covers} does not fit into {has}"));
        }
        let output = (padded - span) / stride + 1;
        Ok(Self { input, kernel, stride, before, after, dilation, output })
    }

    /// The same with a last place that reaches over the end, if it begins on the axis or in the padding before it.
    #[must_use]
    pub fn rounded_up(mut self) -> Self {
        let rest = self.before + self.input + self.after - self.span();
        let begins_inside = |place: usize| place * self.stride < self.input + self.before;
        if !rest.is_multiple_of(self.stride) && begins_inside(self.output) {
            self.output += 1;
        }
        self
    }

    /// Elements from the first to the last one that it takes in.
    pub fn span(&self) -> usize {
        self.dilation * (self.kernel - 1) + 1
    }

    /// Where on the axis element `tap` of the window lies at a place, unless it is padding.
    pub fn at(&self, place: usize, tap: usize) -> Option<usize> {
        let at = (place * self.stride + tap * self.dilation).checked_sub(self.before)?;
        (at < self.input).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_as_they_are_visited() {
        for input in 1..9 {
            for kernel in 1..5 {
                for (stride, before, after, dilation) in
                    [(1, 0, 0, 1), (2, 1, 0, 1), (3, 2, 1, 2), (1, 0, 3, 3), (2, 1, 1, 2)]
                {
                    let span = dilation * (kernel - 1) + 1;
                    let visited =
                        (0..).step_by(stride).take_while(|first| first + span <= before + input + after);
                    match Slide::new(input, kernel, stride, [before, after], dilation) {
                        Ok(slide) => assert_eq!(slide.output, visited.count(), "{slide:?}"),
                        Err(_) => assert_eq!(visited.count(), 0),
                    }
                }
            }
        }
    }

    #[test]
    fn same_keeps_the_size_divided_by_the_stride() {
        for input in 1..12_usize {
            for (kernel, stride, dilation) in
                [(1, 1, 1), (3, 1, 1), (4, 1, 2), (3, 2, 1), (2, 3, 1), (5, 2, 3)]
            {
                let slide =
                    Slide::new(input, kernel, stride, [SAME, SAME], dilation).expect("it always fits");
                assert_eq!(slide.output, input.div_ceil(stride), "{slide:?}");
                assert!(slide.after - slide.before <= 1);
            }
        }
    }

    #[test]
    fn what_does_not_fit_shows_the_sum() {
        let error = |padding, dilation| Slide::new(5, 4, 1, padding, dilation).expect_err("too large");
        assert_eq!(
            error([1, 1], 3),
            "a window of 4 covers 10 = 3·(4 - 1) + 1 elements, which does not fit into 1 + 5 + 1 = 7 elements with the \
             padding"
        );
        assert_eq!(
            Slide::new(3, 4, 1, [0, 0], 1),
            Err("a window of 4 does not fit into 3 elements".to_owned())
        );
    }
}
