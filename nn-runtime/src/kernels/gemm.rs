//! The matrix kernel: `C = finish(start + A · B)` for any strides of `A`.
//!
//! Columns of `C` lie across the lanes. A block of rows and column vectors of `C` stays in registers while the
//! kernel walks along `k`: it broadcasts one element of each row of `A` and multiplies it with vectors of a row of
//! `B`. Six rows by two vectors keep both multiply-add units of current processors busy from sixteen registers,
//! twelve rows the wide ones of AVX-512 from thirty-two; few rows take more vectors instead.
//!
//! An element is one chain of multiply-adds along `k`, from whatever it starts from: its bits do not depend on the
//! block, the panel or the part of the result in which it is computed.
//!
//! Rows of `B` that can't be read as whole vectors (the last ones of a slice without pads, or columns that
//! aren't adjacent) are packed into a small buffer on the stack first. So are those that lie far apart, when many
//! rows of `A` share the panel: a column of lines at a distance of a power of two falls into few cache sets.
#![allow(unsafe_code)]

use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ops::Range;

use fearless_simd::{Select, Simd, SimdBase, SimdFloat, SimdFloatElement};

use super::Real;

/// A matrix with any strides: element `[i, j]` is `data[i * row + j * col]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix<'a, T> {
    pub(super) data: &'a [T],
    pub(super) row: usize,
    pub(super) col: usize,
}

impl<T> Matrix<'_, T> {
    /// Asserts that the matrix has its place, and so has one `beyond` it.
    #[track_caller]
    fn check(&self, [rows, cols]: [usize; 2], beyond: usize) {
        if rows > 0 && cols > 0 {
            let last = beyond + (rows - 1) * self.row + (cols - 1) * self.col;
            assert!(
                last < self.data.len(),
                "a {rows}x{cols} operand needs more than {} scalars",
                self.data.len()
            );
        }
    }
}

/// The result: element `[i, j]` is scalar `i * row + j` of a slice.
///
/// Not a slice itself, because parts of the result that several threads compute can lie side by side.
#[derive(Debug)]
pub(super) struct Output<'a, T> {
    first: *mut T,
    len: usize,
    row: usize,
    /// Whether rows end in pads up to a whole line, which may be overwritten.
    padded: bool,
    borrowed: PhantomData<&'a mut [T]>,
}

// SAFETY: the elements of an output are borrowed mutably and are those of no other output: it can be sent like them.
unsafe impl<T: Send> Send for Output<'_, T> {}

impl<'a, T> Output<'a, T> {
    pub(super) fn new(data: &'a mut [T], row: usize, padded: bool) -> Self {
        Self { first: data.as_mut_ptr(), len: data.len(), row, padded, borrowed: PhantomData }
    }

    /// The result from a scalar on, with rows of another distance and without pads.
    ///
    /// # Panics
    ///
    /// If there are fewer scalars.
    pub(super) fn from(&mut self, at: usize, row: usize) -> Output<'_, T> {
        assert!(at <= self.len, "scalar {at} of {}", self.len);
        // SAFETY: the scalar is within the slice or at its end.
        let first = unsafe { self.first.add(at) };
        Output { first, len: self.len - at, row, padded: false, borrowed: PhantomData }
    }

    /// The same scalars for another part of the work. No element may be reached through both: the parts of a product
    /// have no row or column in common.
    #[cfg_attr(not(feature = "rayon"), allow(dead_code, reason = "without threads nothing is cut"))]
    pub(super) fn shared(&self) -> Self {
        Self { borrowed: PhantomData, ..*self }
    }
}

impl<T: Real> Output<'_, T> {
    /// Writes one value to scalars from one on.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    pub(super) fn fill(&mut self, at: usize, count: usize, value: T) {
        assert!(at + count <= self.len, "{count} scalars from {at} on of {}", self.len);
        for i in at..at + count {
            // SAFETY: the scalar is within the slice.
            unsafe { self.first.add(i).write(value) };
        }
    }

    /// Writes scalars from one on.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    pub(super) fn set(&mut self, at: usize, values: &[T]) {
        assert!(at + values.len() <= self.len, "{} scalars from {at} on of {}", values.len(), self.len);
        // SAFETY: the scalars are within the slice, whose borrow excludes that the values overlap with them.
        unsafe { core::ptr::copy_nonoverlapping(values.as_ptr(), self.first.add(at), values.len()) };
    }
}

/// What the sums start from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start<'a, T> {
    Zero,
    /// One value per column.
    Bias(&'a [T]),
    /// What the result holds.
    Accumulate,
}

/// What happens to the sums at the end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Finish<'a, T> {
    Keep,
    /// `max(c, 0)`; NaN stays.
    Relu,
    /// 0 unless the gate's element is positive. The gate lies like the result, which has to be padded.
    Gate(&'a [T]),
}

/// One product of an `[m, k]` by a `[k, n]` matrix.
#[derive(Debug)]
pub struct Gemm<'a, T> {
    pub(super) dims: [usize; 3],
    pub(super) a: Matrix<'a, T>,
    pub(super) b: Matrix<'a, T>,
    pub(super) c: Output<'a, T>,
    pub(super) start: Start<'a, T>,
    pub(super) finish: Finish<'a, T>,
}

/// How often a product is made, and how far its operands and results lie apart: the examples of a tile.
///
/// A distance of 0 is the same operand for all, or one result that all are added to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) count: usize,
    pub(super) a: usize,
    pub(super) b: usize,
    pub(super) c: usize,
}

impl Times {
    pub(super) const ONCE: Self = Self { count: 1, a: 0, b: 0, c: 0 };
}

/// A product that is made several times. What all share is packed once, and a block of a sum stays in cache while the
/// products are added to it.
#[derive(Debug)]
pub struct Repeated<'a, T> {
    pub(super) gemm: Gemm<'a, T>,
    pub(super) times: Times,
}

#[cfg(any(feature = "rayon", test))]
impl<T: Real> Repeated<'_, T> {
    /// Multiplications and additions.
    pub(super) fn flops(&self) -> usize {
        self.times.count * self.gemm.flops()
    }

    /// Two parts that different threads can compute, unless the whole is too small to be cut: columns first, as those of a
    /// single product, then the examples. Both halves of a sum add up all of them.
    #[allow(clippy::result_large_err, reason = "the error is the product, which is given back")]
    pub(super) fn halves(self) -> Result<(Self, Self), Self> {
        let Self { gemm, times } = self;
        let [m, _, n] = gemm.dims;
        if times.count == 1 || n >= 2 * PART_COLS {
            return match gemm.halves() {
                Ok((first, second)) => Ok((Self { gemm: first, times }, Self { gemm: second, times })),
                Err(gemm) => Err(Self { gemm, times }),
            };
        }
        let first = times.count / 2;
        if times.c == 0 || first * m < PART_ROWS {
            return Err(Self { gemm, times });
        }
        let Gemm { dims, a, b, c, start, finish } = gemm;
        let offset = first * times.c;
        assert!((m - 1) * c.row + n <= times.c && offset <= c.len, "examples lie apart");
        let (lower_a, lower_b) =
            (Matrix { data: &a.data[first * times.a..], ..a }, &b.data[first * times.b..]);
        let lower_finish = match finish {
            Finish::Gate(gate) => Finish::Gate(&gate[offset..]),
            Finish::Keep | Finish::Relu => finish,
        };
        let upper_c = Output { len: offset, ..c };
        // SAFETY: the offset is within the slice, which both parts share without overlap.
        let lower_c = Output { first: unsafe { c.first.add(offset) }, len: c.len - offset, ..c };
        Ok((
            Self {
                gemm: Gemm { dims, a, b, c: upper_c, start, finish },
                times: Times { count: first, ..times },
            },
            Self {
                gemm: Gemm {
                    dims,
                    a: lower_a,
                    b: Matrix { data: lower_b, ..b },
                    c: lower_c,
                    start,
                    finish: lower_finish,
                },
                times: Times { count: times.count - first, ..times },
            },
        ))
    }
}

#[cfg(any(feature = "rayon", test))]
impl<T: Real> Gemm<'_, T> {
    /// Multiplications and additions.
    pub(super) fn flops(&self) -> usize {
        let [m, k, n] = self.dims;
        2 * m * k * n
    }

    /// Two parts of the product that different threads can compute, unless it is too small to be cut.
    ///
    /// Columns are cut first, between panels, so that no panel of `B` is packed twice; then rows.
    #[allow(clippy::result_large_err, reason = "the error is the product, which is given back")]
    pub(super) fn halves(self) -> Result<(Self, Self), Self> {
        let [m, _, n] = self.dims;
        if n >= 2 * PART_COLS {
            Ok(self.beside((n / 2).next_multiple_of(PART_COLS)))
        } else if m >= 2 * PART_ROWS {
            Ok(self.below((m / 2).next_multiple_of(MANY_ROWS)))
        } else {
            Err(self)
        }
    }

    /// The columns before `at`, a multiple of whole panels, and those from there on.
    fn beside(self, at: usize) -> (Self, Self) {
        let Self { dims: [m, k, n], a, b, c, start, finish } = self;
        assert!(
            at.is_multiple_of(PART_COLS) && at < n && n <= c.row.max(n * usize::from(m == 1)) && at <= c.len
        );
        let right_b = Matrix { data: b.data.get(at * b.col..).unwrap_or(&[]), ..b };
        let right_start = match start {
            Start::Bias(bias) => Start::Bias(&bias[at..]),
            Start::Zero | Start::Accumulate => start,
        };
        let right_finish = match finish {
            Finish::Gate(gate) => Finish::Gate(&gate[at..]),
            Finish::Keep | Finish::Relu => finish,
        };
        // SAFETY: `at` is within the slice. The rows of the result do not overlap, and the left part ends with a whole
        // vector: it has no pads, so no scalar belongs to both parts.
        let right_c = Output { first: unsafe { c.first.add(at) }, len: c.len - at, ..c };
        (
            Self { dims: [m, k, at], a, b, c, start, finish },
            Self {
                dims: [m, k, n - at],
                a,
                b: right_b,
                c: right_c,
                start: right_start,
                finish: right_finish,
            },
        )
    }

    /// The rows before `at` and those from there on.
    fn below(self, at: usize) -> (Self, Self) {
        let Self { dims: [m, k, n], a, b, c, start, finish } = self;
        let offset = at * c.row;
        assert!(at < m && n <= c.row && offset <= c.len);
        let lower_a = Matrix { data: a.data.get(at * a.row..).unwrap_or(&[]), ..a };
        let lower_finish = match finish {
            Finish::Gate(gate) => Finish::Gate(&gate[offset..]),
            Finish::Keep | Finish::Relu => finish,
        };
        let upper_c = Output { len: offset, ..c };
        // SAFETY: the offset is within the slice, which both parts share without overlap.
        let lower_c = Output { first: unsafe { c.first.add(offset) }, len: c.len - offset, ..c };
        (
            Self { dims: [at, k, n], a, b, c: upper_c, start, finish },
            Self { dims: [m - at, k, n], a: lower_a, b, c: lower_c, start, finish: lower_finish },
        )
    }
}

/// Columns of which parts of a product are multiples: whole panels of every level.
#[cfg(any(feature = "rayon", test))]
const PART_COLS: usize = 32;
/// Least rows of a part of a product: with fewer, packing `B` once more costs more than a twentieth of the work.
#[cfg(any(feature = "rayon", test))]
const PART_ROWS: usize = 96;
/// Most rows of a block: with two vectors of columns, as many as leave registers for `A` and `B`.
const ROWS: usize = 6;
/// The same with the registers of AVX-512, of which there are twice as many.
const MANY_ROWS: usize = 2 * ROWS;
/// Rows of `A` that are reached from one pointer.
const GROUP: usize = 3;
/// Bytes of a vector of AVX-512.
const WIDE: usize = 64;
/// Scalars of the buffer for packed rows of a panel, half of a usual L1 cache.
const PACKED: usize = 4096;
/// Rows of `A` from which on a panel of `B` is packed: reading it once more costs less than a twentieth of the work.
const PACK_FROM: usize = 20;
/// Distance of the rows of `B`, in bytes, from which on packing pays.
const FAR: usize = 512;
/// Scalars of the widest panel: eight vectors of sixteen.
const WIDEST: usize = 128;
/// Scalars of the largest block: twelve rows of two vectors of sixteen.
const SCRATCH: usize = 384;

/// Memory for `N` scalars on the stack, not initialised.
#[repr(C, align(64))]
struct Scratch<T, const N: usize>(MaybeUninit<[T; N]>);

impl<T, const N: usize> Scratch<T, N> {
    #[inline(always)]
    fn new() -> Self {
        Self(MaybeUninit::uninit())
    }

    #[inline(always)]
    fn first(&mut self) -> *mut T {
        self.0.as_mut_ptr().cast()
    }
}

/// Rows of `B` in memory that whole vectors can be read from.
#[derive(Clone, Copy)]
struct Rows<T> {
    first: *const T,
    stride: usize,
    count: usize,
}

/// Panels of adjacent columns of `C`, and the part of `k` to add to them. The pointers are those of the first panel.
struct Panel<T> {
    /// Number of panels; with more than one, all rows of `B` are in place and all columns whole.
    panels: usize,
    /// Column `l` of `A`, `l` being the first of this part.
    a: *const T,
    row: usize,
    col: usize,
    /// The rows of `B` of this part: those in place, then those packed.
    b: [Rows<T>; 2],
    c: *mut T,
    ldc: usize,
    /// Columns of the panel.
    cols: usize,
    /// Whether the last vector must be written in part.
    partial: bool,
    accumulate: bool,
    /// The bias of the panel's columns, or null.
    bias: *const T,
    /// The panel of the gate, or null.
    gate: *const T,
    relu: bool,
}

/// Computes the product at the level of `s`.
///
/// # Panics
///
/// If a slice is too short for the dimensions.
#[inline(always)]
pub(super) fn gemm<S: Simd, T: Real>(s: S, task: Repeated<'_, T>) {
    let Repeated { gemm, times } = task;
    let [m, k, n] = gemm.dims;
    if m == 0 || n == 0 || times.count == 0 {
        return;
    }
    let beyond = times.count - 1;
    gemm.a.check([m, k], beyond * times.a);
    gemm.b.check([k, n], beyond * times.b);
    let width = T::Native::<S>::LEN;
    let end = if gemm.c.padded { n.next_multiple_of(width) } else { n };
    let needed = beyond * times.c + (m - 1) * gemm.c.row + end;
    assert!(gemm.c.len >= needed, "the result holds {} scalars, not {needed}", gemm.c.len);
    if let Start::Bias(bias) = gemm.start {
        assert!(bias.len() >= n, "the bias holds {} scalars, not {n}", bias.len());
    }
    if let Finish::Gate(gate) = gemm.finish {
        assert!(gemm.c.padded && gate.len() >= needed, "the gate has to lie like the result");
    }
    let Gemm { a, b, c, start, finish, .. } = gemm;
    let sharing = if times.b == 0 { times.count * m } else { m };
    let pack = sharing >= PACK_FROM && b.row * size_of::<T>() >= FAR;
    let problem = Problem {
        dims: [m, k, n],
        times,
        pack,
        a,
        b,
        c: c.first,
        ldc: c.row,
        padded: c.padded,
        start,
        finish,
    };
    let mut j = 0;
    while j < n {
        let vectors = (n - j).div_ceil(width);
        let many = match (m, vectors) {
            (1, 8..) => 8,
            (1, 4..) => 4,
            (_, 2..) => 2,
            _ => 1,
        };
        // Whole panels of adjacent columns are in place, and done in one go.
        let panels = if b.col == 1 && !pack { ((n - j) / (many * width)).max(1) } else { 1 };
        // SAFETY: the slices are as long as dimensions and strides need, and `j` is a column.
        unsafe {
            problem.panels(
                s,
                panels,
                many * width,
                j,
                #[inline(always)]
                |panel| match (m, many) {
                    (_, 8) => panel.strip::<S, 1, 8>(s, 0..1),
                    (_, 4) => panel.strip::<S, 1, 4>(s, 0..1),
                    (_, 2) => panel.compute::<S, 2>(s, m),
                    _ => panel.compute::<S, 1>(s, m),
                },
            );
        }
        j += panels * many * width;
    }
}

/// A product whose slices were found long enough.
struct Problem<'a, T> {
    dims: [usize; 3],
    times: Times,
    /// Whether panels of `B` are packed even where they could be read in place.
    pack: bool,
    a: Matrix<'a, T>,
    b: Matrix<'a, T>,
    c: *mut T,
    ldc: usize,
    padded: bool,
    start: Start<'a, T>,
    finish: Finish<'a, T>,
}

impl<T: Real> Problem<'_, T> {
    /// Lets `compute` add up so many `panels` of `span` columns from `j` on, part of `k` by part. Several panels are
    /// all whole and in place.
    ///
    /// # Safety
    ///
    /// `j` is a column, the slices hold what dimensions and strides say, and `compute` touches no more than the panels.
    #[inline(always)]
    unsafe fn panels<S: Simd>(
        &self,
        s: S,
        panels: usize,
        span: usize,
        j: usize,
        compute: impl Fn(&Panel<T>),
    ) {
        let [_, k, n] = self.dims;
        let Matrix { data: b, row: ldb, col } = self.b;
        let cols = span.min(n - j);

        let mut bias_scratch = Scratch::<T, WIDEST>::new();
        let bias = match self.start {
            Start::Bias(bias) if cols == span => bias[j..].as_ptr(),
            Start::Bias(bias) => {
                // SAFETY: `span` scalars fit the scratch.
                unsafe { copy_padded(&bias[j..j + cols], bias_scratch.first(), span) };
                bias_scratch.first()
            }
            Start::Zero | Start::Accumulate => core::ptr::null(),
        };

        // Those that share B are computed with each part of it in turn, the others one after the other.
        let (outer, inner) = if self.times.b == 0 { (1, self.times.count) } else { (self.times.count, 1) };
        let mut packed = Scratch::<T, PACKED>::new();
        for first in 0..outer {
            let b = &b[first * self.times.b..];
            // Rows of B in place: reading on into the next row is harmless, reading past the last is not.
            let in_place = if k == 0 || col != 1 || self.pack || b.len() < j + span {
                0
            } else if (k - 1) * ldb + j + span <= b.len() {
                k
            } else {
                // A stride of 0 repeats the first row.
                (b.len() - j - span).checked_div(ldb).map_or(k, |last| k.min(last + 1))
            };
            let mut part = 0..in_place;
            loop {
                let last = k.min(part.end + PACKED / span);
                for (i, l) in (part.end..last).enumerate() {
                    // SAFETY: at most `PACKED / span` rows of `span` scalars are packed.
                    unsafe {
                        let row = packed.first().add(i * span);
                        if col == 1 && cols == span {
                            copy_vectors(s, &b[l * ldb + j..][..span], row);
                        } else if col == 1 {
                            copy_padded(&b[l * ldb + j..][..cols], row, span);
                        } else {
                            for c in 0..span {
                                row.add(c).write(if c < cols { b[l * ldb + (j + c) * col] } else { T::ZERO });
                            }
                        }
                    }
                }
                for at in first..first + inner {
                    let (to, is_added) = (at * self.times.c, at > 0 && self.times.c == 0);
                    let is_first = part.start == 0 && !is_added;
                    let is_last = last == k && (self.times.c > 0 || at + 1 == self.times.count);
                    compute(&Panel {
                        panels,
                        a: self.a.data.as_ptr().wrapping_add(at * self.times.a + part.start * self.a.col),
                        row: self.a.row,
                        col: self.a.col,
                        b: [
                            Rows {
                                first: b.as_ptr().wrapping_add(part.start * ldb + j),
                                stride: ldb,
                                count: part.len(),
                            },
                            Rows { first: packed.first(), stride: span, count: last - part.end },
                        ],
                        c: self.c.wrapping_add(to + j),
                        ldc: self.ldc,
                        cols,
                        partial: cols < span && !self.padded,
                        accumulate: !is_first || matches!(self.start, Start::Accumulate),
                        bias: if is_first { bias } else { core::ptr::null() },
                        gate: match self.finish {
                            Finish::Gate(gate) if is_last => gate.as_ptr().wrapping_add(to + j),
                            _ => core::ptr::null(),
                        },
                        relu: is_last && matches!(self.finish, Finish::Relu),
                    });
                }
                if last == k {
                    break;
                }
                part = last..last;
            }
        }
    }
}

impl<T: Real> Panel<T> {
    /// Computes the panel's `m` rows, in blocks of nearly equal height: heights below four leave the
    /// multiply-add units waiting for each other's results.
    ///
    /// The conditions are constants: for the other levels the tall blocks are not even compiled.
    ///
    /// # Safety
    ///
    /// The pointers cover `m` rows of `A` and `C`, `NV` vectors of columns, and the counted rows of `B`.
    #[inline(always)]
    unsafe fn compute<S: Simd, const NV: usize>(&self, s: S, m: usize) {
        let blocks = m.div_ceil(if const { has_many::<S, T>() } { MANY_ROWS } else { ROWS });
        let height = m / blocks;
        let tall = (m % blocks) * (height + 1);
        // SAFETY: the rows of both strips are rows of the panel.
        unsafe {
            for (rows, height) in [(0..tall, height + 1), (tall..m, height)] {
                match height {
                    _ if rows.is_empty() => {}
                    1 => self.strip::<S, 1, NV>(s, rows),
                    2 => self.strip::<S, 2, NV>(s, rows),
                    3 => self.strip::<S, 3, NV>(s, rows),
                    4 => self.strip::<S, 4, NV>(s, rows),
                    5 => self.strip::<S, 5, NV>(s, rows),
                    6 => self.strip::<S, 6, NV>(s, rows),
                    _ => {
                        if const { has_many::<S, T>() } {
                            self.tall::<S, NV>(s, rows, height);
                        }
                    }
                }
            }
        }
    }

    /// Computes some rows, in blocks of a height that takes the registers of AVX-512.
    ///
    /// # Safety
    ///
    /// As for [`Self::compute`]; the number of rows is a multiple of the height.
    #[inline(always)]
    unsafe fn tall<S: Simd, const NV: usize>(&self, s: S, rows: Range<usize>, height: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match height {
                7 => self.strip::<S, 7, NV>(s, rows),
                8 => self.strip::<S, 8, NV>(s, rows),
                9 => self.strip::<S, 9, NV>(s, rows),
                10 => self.strip::<S, 10, NV>(s, rows),
                11 => self.strip::<S, 11, NV>(s, rows),
                _ => self.strip::<S, 12, NV>(s, rows),
            }
        }
    }

    /// Computes some rows, in blocks of `MR`. Every strip is a function of its own: inlined into one, they would take
    /// minutes to compile.
    ///
    /// # Safety
    ///
    /// As for [`Self::compute`]; the number of rows is a multiple of `MR`.
    #[inline(never)]
    unsafe fn strip<S: Simd, const MR: usize, const NV: usize>(&self, s: S, rows: Range<usize>) {
        s.vectorize(
            #[inline(always)]
            || {
                let mut scratch = Scratch::<T, SCRATCH>::new();
                let scratch = scratch.first();
                let span = NV * T::Native::<S>::LEN;
                for panel in 0..self.panels {
                    for i in rows.clone().step_by(MR) {
                        let j = panel * span;
                        let c = self.c.wrapping_add(i * self.ldc + j);
                        // Columns past the panel belong to someone else: compute a part of a vector beside, and copy it.
                        let (block, ldc) = if self.partial { (scratch, span) } else { (c, self.ldc) };
                        // SAFETY: the caller's promise; the scratch holds the largest block.
                        unsafe {
                            if self.partial && self.accumulate {
                                for r in 0..MR {
                                    let row = core::slice::from_raw_parts(c.add(r * self.ldc), self.cols);
                                    copy_padded(row, block.add(r * span), span);
                                }
                            }
                            self.block::<S, MR, NV>(s, [i, j], block, ldc);
                            if self.partial {
                                for r in 0..MR {
                                    for j in 0..self.cols {
                                        c.add(r * self.ldc + j).write(block.add(r * span + j).read());
                                    }
                                }
                            }
                        }
                    }
                }
            },
        );
    }

    /// The microkernel: `MR` rows from `i` on by `NV` vectors from column `j` on, into `c`.
    ///
    /// # Safety
    ///
    /// As for [`Self::compute`], and `c` covers the block with rows `ldc` apart.
    #[inline(always)]
    #[allow(
        clippy::needless_range_loop,
        reason = "only plain indices let the compiler keep the sums in registers"
    )]
    unsafe fn block<S: Simd, const MR: usize, const NV: usize>(
        &self,
        s: S,
        [i, j]: [usize; 2],
        c: *mut T,
        ldc: usize,
    ) {
        let width = T::Native::<S>::LEN;
        let zero = T::Native::<S>::splat(s, T::ZERO);
        // Copies, since writing to C might change what is behind a reference.
        let Self { row, col, bias, gate, accumulate, relu, .. } = *self;
        // SAFETY: every pointer stays in the block, in its rows of A, or in the counted rows of B.
        unsafe {
            let mut sums = [[zero; NV]; MR];
            if accumulate {
                for r in 0..MR {
                    for v in 0..NV {
                        sums[r][v] = load::<S, T>(s, c.add(r * ldc + v * width));
                    }
                }
            } else if !bias.is_null() {
                for v in 0..NV {
                    let start = load::<S, T>(s, bias.add(j + v * width));
                    for r in 0..MR {
                        sums[r][v] = start;
                    }
                }
            }
            // Pointers that the compiler takes for unrelated: it would walk down the rows with one, whose chain of
            // additions takes as long as the products.
            let mut a = [core::ptr::null(); MANY_ROWS / GROUP];
            for g in 0..MR.div_ceil(GROUP) {
                a[g] = core::hint::black_box(self.a.wrapping_add((i + g * GROUP) * row));
            }
            let [in_place, packed] = self.b;
            for Rows { first, stride, count } in [in_place, packed] {
                let mut b = first.wrapping_add(j);
                for _ in 0..count {
                    let mut vectors = [zero; NV];
                    for v in 0..NV {
                        vectors[v] = load::<S, T>(s, b.add(v * width));
                    }
                    for r in 0..MR {
                        let x = T::Native::<S>::splat(s, *a[r / GROUP].add(r % GROUP * row));
                        for v in 0..NV {
                            sums[r][v] = x.mul_add(vectors[v], sums[r][v]);
                        }
                    }
                    for g in 0..MR.div_ceil(GROUP) {
                        a[g] = a[g].wrapping_add(col);
                    }
                    b = b.wrapping_add(stride);
                }
            }
            // One small loop for each step: those the compiler unrolls.
            if relu {
                for r in 0..MR {
                    for v in 0..NV {
                        sums[r][v] = sums[r][v].simd_lt(zero).select(zero, sums[r][v]);
                    }
                }
            }
            if !gate.is_null() {
                for r in 0..MR {
                    for v in 0..NV {
                        let gate = load::<S, T>(s, gate.add((i + r) * ldc + j + v * width));
                        sums[r][v] = gate.simd_gt(zero).select(sums[r][v], zero);
                    }
                }
            }
            for r in 0..MR {
                for v in 0..NV {
                    c.add(r * ldc + v * width).cast::<Array<S, T>>().write(sums[r][v].to_array());
                }
            }
        }
    }
}

/// Whether there are registers for blocks of [`MANY_ROWS`].
const fn has_many<S: Simd, T: Real>() -> bool {
    size_of::<Array<S, T>>() == WIDE
}

type Array<S, T> = <<T as SimdFloatElement>::Native<S> as SimdBase<S>>::Array;

/// Reads one vector.
///
/// # Safety
///
/// `from` points to as many scalars.
#[inline(always)]
unsafe fn load<S: Simd, T: Real>(s: S, from: *const T) -> T::Native<S> {
    // SAFETY: the array of a vector is as long as the vector, and aligned like a scalar.
    T::Native::<S>::load_array(s, unsafe { from.cast::<Array<S, T>>().read() })
}

/// Copies whole vectors.
///
/// # Safety
///
/// `to` points to memory for as many scalars, none of them among the values.
#[inline(always)]
unsafe fn copy_vectors<S: Simd, T: Real>(s: S, values: &[T], to: *mut T) {
    let width = T::Native::<S>::LEN;
    for v in (0..values.len() - values.len() % width).step_by(width) {
        // SAFETY: the vector is within the values, and has its place.
        unsafe { to.add(v).cast::<Array<S, T>>().write(load::<S, T>(s, values.as_ptr().add(v)).to_array()) };
    }
}

/// Writes the values and zeros after them, `len` scalars in all.
///
/// # Safety
///
/// `to` points to memory for `len` scalars, at least as many as there are values.
#[inline(always)]
unsafe fn copy_padded<T: Real>(values: &[T], to: *mut T, len: usize) {
    for i in 0..len {
        // SAFETY: `i < len`.
        unsafe { to.add(i).write(values.get(i).copied().unwrap_or(T::ZERO)) };
    }
}
