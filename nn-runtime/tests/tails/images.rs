//! Windows over images of every width, in rows.

use nn_runtime::kernels::{
    Activation, AvgPoolSizes, ConvolutionSizes, MaxPoolSizes, Real, avg_pool_input, avg_pool2d, convolve,
    convolve_input, convolve_input_winograd, convolve_weight, convolve_weight_sum, convolve_winograd,
    max_pool_at, max_pool_input,
};

use crate::{LONGEST, Numbers, close, elements, empty, in_both_precisions};

/// An axis: input, output, window, stride, padding before, dilation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis([usize; 6]);

impl Axis {
    fn new(input: usize, [kernel, stride, before, dilation]: [usize; 4]) -> Option<Self> {
        let reach = (kernel - 1) * dilation + 1;
        let output = (input + 2 * before).checked_sub(reach)? / stride + 1;
        Some(Self([input, output, kernel, stride, before, dilation]))
    }

    /// Where an element of the window lies, unless it is padding.
    fn at(self, place: usize, tap: usize) -> Option<usize> {
        let Self([input, _, _, stride, before, dilation]) = self;
        (place * stride + tap * dilation).checked_sub(before).filter(|&at| at < input)
    }
}

/// Images, units and how the window moves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    channels: usize,
    units: usize,
    groups: usize,
    down: Axis,
    right: Axis,
}

impl Case {
    pub(crate) fn image(&self) -> usize {
        self.channels * self.down.0[0] * self.right.0[0]
    }

    pub(crate) fn result(&self) -> usize {
        self.units * self.down.0[1] * self.right.0[1]
    }

    pub(crate) fn weights(&self) -> usize {
        self.units * self.channels / self.groups * self.down.0[2] * self.right.0[2]
    }

    /// Whether every window holds some pixel: only then it has a largest one.
    pub(crate) fn is_covered(&self) -> bool {
        let covers =
            |axis: Axis| (0..axis.0[1]).all(|place| (0..axis.0[2]).any(|tap| axis.at(place, tap).is_some()));
        covers(self.down) && covers(self.right)
    }

    pub(crate) fn sizes(&self) -> ConvolutionSizes {
        let ([h, oh, kh, sh, ph, dh], [w, ow, kw, sw, pw, dw]) = (self.down.0, self.right.0);
        [self.channels, h, w, self.units, oh, ow, kh, kw, sh, sw, ph, pw, dh, dw, self.groups]
    }

    pub(crate) fn max_pool(&self) -> MaxPoolSizes {
        let ([h, oh, kh, sh, ph, dh], [w, ow, kw, sw, pw, dw]) = (self.down.0, self.right.0);
        [self.channels, h, w, oh, ow, kh, kw, sh, sw, ph, pw, dh, dw]
    }

    pub(crate) fn avg_pool(&self) -> AvgPoolSizes {
        let ([h, oh, kh, sh, ph, _], [w, ow, kw, sw, pw, _]) = (self.down.0, self.right.0);
        [self.channels, h, w, oh, ow, kh, kw, sh, sw, ph, pw, ph, pw, 1]
    }

    /// Each product of a convolution: the elements of the result, of the image and of the weight.
    pub(crate) fn each_product(&self, mut product: impl FnMut(usize, usize, usize)) {
        let per_group = self.channels / self.groups;
        for unit in 0..self.units {
            let first = unit / (self.units / self.groups) * per_group;
            for channel in 0..per_group {
                self.each_place(|place, pixel, tap| {
                    let (places, pixels, taps) = (
                        self.down.0[1] * self.right.0[1],
                        self.down.0[0] * self.right.0[0],
                        self.down.0[2] * self.right.0[2],
                    );
                    product(
                        unit * places + place,
                        (first + channel) * pixels + pixel,
                        (unit * per_group + channel) * taps + tap,
                    );
                });
            }
        }
    }

    /// The same of one channel.
    pub(crate) fn each_place(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let (down, right) = (self.down.0, self.right.0);
        for (y, x) in (0..down[1]).flat_map(|y| (0..right[1]).map(move |x| (y, x))) {
            for (i, j) in (0..down[2]).flat_map(|i| (0..right[2]).map(move |j| (i, j))) {
                if let (Some(row), Some(column)) = (self.down.at(y, i), self.right.at(x, j)) {
                    visit(y * right[1] + x, row * right[0] + column, i * right[2] + j);
                }
            }
        }
    }
}

/// Windows over an image of this width; a few ways to move, in turn.
pub(crate) fn cases(width: usize) -> impl Iterator<Item = Case> {
    let moves = [
        ([3, 1, 1, 1], [3, 1, 1, 1], [3, 4, 1]),
        ([2, 2, 0, 1], [5, 2, 2, 1], [2, 6, 2]),
        ([1, 1, 0, 1], [1, 1, 0, 1], [5, 3, 1]),
        ([2, 1, 1, 2], [3, 1, 0, 2], [1, 2, 1]),
    ];
    moves.into_iter().enumerate().filter_map(move |(at, (down, right, [channels, units, groups]))| {
        let (down, right) = (Axis::new(4 + (width + at) % 3, down)?, Axis::new(width, right)?);
        Some(Case { channels, units, groups, down, right })
    })
}

fn convolutions<T: Real>(width: usize) {
    let (rows, mut numbers) = (1 + width % 3, Numbers(width as u64));
    for case in cases(width) {
        let sizes = case.sizes();
        let (image, result, weights) = (case.image(), case.result(), case.weights());
        let ((x, x64), (w, w64)) = (numbers.tile::<T>(rows, image), numbers.shared::<T>(weights));
        let ((d, d64), (mut sum, sum64)) = (numbers.tile::<T>(rows, result), numbers.shared::<T>(weights));
        let (mut y, mut dx) = (vec![0.0; rows * result], vec![0.0; rows * image]);
        let mut dw = vec![0.0; rows * weights];
        for r in 0..rows {
            case.each_product(|place, pixel, tap| {
                let (place, pixel) = (r * result + place, r * image + pixel);
                y[place] += x64[pixel] * w64[tap];
                dx[pixel] += d64[place] * w64[tap];
                dw[r * weights + tap] += x64[pixel] * d64[place];
            });
        }
        let mut out = empty::<T>(rows, result);
        convolve(rows, sizes, &x, &w, None, Activation::Linear, &mut out);
        close(&elements(&out, rows, result), &y, 64.0, &("convolve", rows, case));
        convolve_winograd(rows, sizes, &x, &w, None, Activation::Linear, &mut out);
        close(&elements(&out, rows, result), &y, 512.0, &("convolve_winograd", rows, case));
        let mut out = empty::<T>(rows, image);
        convolve_input(rows, sizes, &d, &w, &mut out);
        close(&elements(&out, rows, image), &dx, 64.0, &("convolve_input", rows, case));
        convolve_input_winograd(rows, sizes, &d, &w, &mut out);
        close(&elements(&out, rows, image), &dx, 512.0, &("convolve_input_winograd", rows, case));
        let mut out = empty::<T>(rows, weights);
        convolve_weight(rows, sizes, &x, &d, &mut out);
        close(&elements(&out, rows, weights), &dw, 256.0, &("convolve_weight", rows, case));
        convolve_weight_sum(rows, sizes, &x, &d, &mut sum);
        let added: Vec<f64> = (0..weights)
            .map(|tap| sum64[tap] + (0..rows).map(|r| dw[r * weights + tap]).sum::<f64>())
            .collect();
        close(&sum, &added, 512.0, &("convolve_weight_sum", rows, case));
    }
}

fn poolings<T: Real>(width: usize) {
    let (rows, mut numbers) = (1 + width % 3, Numbers(width as u64));
    for case in cases(width) {
        let case = Case { units: case.channels, groups: 1, ..case };
        let (image, result) = (case.image(), case.result());
        let (pixels, places) = (image / case.channels, result / case.channels);
        let ((x, x64), (d, d64)) = (numbers.tile::<T>(rows, image), numbers.tile::<T>(rows, result));
        let (v, v64) = numbers.tile::<T>(rows, image);
        // The pixel that is the largest of each window; what the windows hold, and their sums.
        let mut winners: Vec<Option<usize>> = vec![None; rows * result];
        let (mut means, mut dx) = (vec![0.0; rows * result], vec![0.0; rows * image]);
        let size = (case.down.0[2] * case.right.0[2]) as f64;
        for channel in 0..rows * case.channels {
            case.each_place(|place, pixel, _| {
                let (place, pixel) = (channel * places + place, channel * pixels + pixel);
                if winners[place].is_none_or(|winner| x64[pixel] > x64[winner]) {
                    winners[place] = Some(pixel);
                }
                means[place] += x64[pixel] / size;
                dx[pixel] += d64[place] / size;
            });
        }
        // A window of padding alone has no largest element; the language refuses it.
        if let Some(winners) = winners.into_iter().collect::<Option<Vec<usize>>>() {
            let pick = |of: &[f64]| winners.iter().map(|&winner| of[winner]).collect::<Vec<f64>>();
            let mut out = empty::<T>(rows, result);
            max_pool_at(rows, case.max_pool(), &x, &x, &mut out);
            close(&elements(&out, rows, result), &pick(&x64), 0.0, &("max_pool", rows, case));
            max_pool_at(rows, case.max_pool(), &x, &v, &mut out);
            close(&elements(&out, rows, result), &pick(&v64), 0.0, &("max_pool_at", rows, case));
            let mut given = vec![0.0; rows * image];
            winners.iter().zip(&d64).for_each(|(&winner, d)| given[winner] += d);
            let mut out = empty::<T>(rows, image);
            max_pool_input(rows, case.max_pool(), &x, &d, &mut out);
            close(&elements(&out, rows, image), &given, 16.0, &("max_pool_input", rows, case));
        }
        if case.down.0[5] == 1 && case.right.0[5] == 1 {
            let mut out = empty::<T>(rows, result);
            avg_pool2d(rows, case.avg_pool(), &x, &mut out);
            close(&elements(&out, rows, result), &means, 16.0, &("avg_pool2d", rows, case));
            let mut out = empty::<T>(rows, image);
            avg_pool_input(rows, case.avg_pool(), &d, &mut out);
            close(&elements(&out, rows, image), &dx, 16.0, &("avg_pool_input", rows, case));
        }
    }
}

in_both_precisions! {
    convolutions_of_every_width: convolutions over 1..=LONGEST;
    poolings_of_every_width: poolings over 1..=LONGEST;
}
