//! The SIMD level: found once, then every kernel runs the code compiled for it.

use core::fmt;

use fearless_simd::Simd;
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
use fearless_simd::x86::{Avx2, Avx512};

/// The token of the level that every processor of the target has.
#[cfg(all(any(target_arch = "x86", target_arch = "x86_64"), target_feature = "sse2"))]
type Baseline = fearless_simd::x86::Sse2;
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
type Baseline = fearless_simd::aarch64::Neon;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
type Baseline = fearless_simd::wasm32::WasmSimd128;
#[cfg(not(any(
    all(any(target_arch = "x86", target_arch = "x86_64"), target_feature = "sse2"),
    all(target_arch = "aarch64", target_feature = "neon"),
    all(target_arch = "wasm32", target_feature = "simd128")
)))]
type Baseline = fearless_simd::Fallback;

/// An instruction set that the kernels are compiled for, and the proof that this processor has it.
#[derive(Clone, Copy)]
pub enum Level {
    /// What every processor of the target has: SSE2, NEON, WebAssembly SIMD or plain scalars.
    Baseline(Baseline),
    /// 256-bit vectors with fused multiply-add (x86-64-v3).
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    Avx2(Avx2),
    /// 512-bit vectors (Ice Lake and later).
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    Avx512(Avx512),
}

impl Level {
    /// The level that needs no detection.
    #[allow(clippy::missing_panics_doc, reason = "the token is there wherever this compiles")]
    #[must_use]
    pub fn baseline() -> Self {
        #[cfg(all(any(target_arch = "x86", target_arch = "x86_64"), target_feature = "sse2"))]
        let token = fearless_simd::Level::baseline().as_sse2().expect("the target has SSE2");
        #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
        let token = fearless_simd::Level::baseline().as_neon().expect("the target has NEON");
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        let token = fearless_simd::Level::baseline().as_wasm_simd128().expect("the target has SIMD128");
        #[cfg(not(any(
            all(any(target_arch = "x86", target_arch = "x86_64"), target_feature = "sse2"),
            all(target_arch = "aarch64", target_feature = "neon"),
            all(target_arch = "wasm32", target_feature = "simd128")
        )))]
        let token = fearless_simd::Fallback::new();
        Self::Baseline(token)
    }

    /// Every level that this processor has, the best last. Without the feature `std` nothing is detected:
    /// only what the build promises counts.
    pub fn available() -> impl Iterator<Item = Self> {
        let found = detect();
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        let more = [found.as_avx2().map(Self::Avx2), found.as_avx512().map(Self::Avx512)];
        #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
        let more: [Option<Self>; 0] = {
            let _ = found;
            []
        };
        core::iter::once(Self::baseline()).chain(more.into_iter().flatten())
    }

    fn best() -> Self {
        Self::available().last().unwrap_or_else(Self::baseline)
    }

    /// The level's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline(_) => "baseline",
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Self::Avx2(_) => "avx2",
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Self::Avx512(_) => "avx512",
        }
    }
}

impl fmt::Debug for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for Level {
    fn eq(&self, other: &Self) -> bool {
        core::mem::discriminant(self) == core::mem::discriminant(other)
    }
}

impl Eq for Level {}

#[cfg(feature = "std")]
fn detect() -> fearless_simd::Level {
    fearless_simd::Level::new()
}

#[cfg(not(feature = "std"))]
fn detect() -> fearless_simd::Level {
    fearless_simd::Level::baseline()
}

#[cfg(feature = "std")]
mod current {
    use core::cell::Cell;
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::sync::OnceLock;

    use super::Level;

    static BEST: OnceLock<Level> = OnceLock::new();
    /// How many threads have a level of their own: where none has, which is nearly always, none is asked.
    static OVERRULED: AtomicUsize = AtomicUsize::new(0);

    std::thread_local! {
        static LEVEL: Cell<Option<Level>> = const { Cell::new(None) };
    }

    #[inline]
    pub(super) fn get() -> Level {
        if OVERRULED.load(Relaxed) > 0
            && let Some(level) = LEVEL.get()
        {
            return level;
        }
        *BEST.get_or_init(Level::best)
    }

    /// Puts the previous level back, also when the work panics.
    struct Restore(Option<Level>);

    impl Drop for Restore {
        fn drop(&mut self) {
            LEVEL.set(self.0);
            OVERRULED.fetch_sub(1, Relaxed);
        }
    }

    pub(super) fn with<R>(level: Level, work: impl FnOnce() -> R) -> R {
        // Only this thread's level counts for this thread, so no other one has to see the increment.
        OVERRULED.fetch_add(1, Relaxed);
        let _restore = Restore(LEVEL.replace(Some(level)));
        work()
    }
}

/// The level that kernels called on this thread use: the best that the processor has, found once.
#[cfg(feature = "std")]
#[inline]
pub fn level() -> Level {
    current::get()
}

/// The level that kernels use: the best that the build promises.
#[cfg(not(feature = "std"))]
#[inline]
pub fn level() -> Level {
    Level::best()
}

/// Runs `work` with every kernel called *on this thread* at the given level: for tests and measurements.
#[cfg(feature = "std")]
pub fn with_level<R>(level: Level, work: impl FnOnce() -> R) -> R {
    current::with(level, work)
}

/// Runs `work` inside of a function compiled for the level of `s`. `work`, and whatever it calls down to the
/// vector operations, has to be `#[inline(always)]`. Use [`dispatch!`](crate::dispatch), which calls this.
#[inline(always)]
pub fn vectorize<S: Simd, R>(s: S, work: impl FnOnce(S) -> R) -> R {
    s.vectorize(
        #[inline(always)]
        || work(s),
    )
}

/// `dispatch!(s => expression)`: evaluates the expression with `s`, the token of the best SIMD level, inside of
/// a function compiled for that level. The expression is compiled once for every level.
///
/// ```
/// use nn_runtime::dispatch;
/// use nn_runtime::kernels::{Lanes, exp};
///
/// let x = [0.5_f32; 16];
/// let mut y = [0.0; 16];
/// dispatch!(s => exp(Lanes::load(s, &x) * 2.0).store(&mut y));
/// assert!((y[3] - 1.0_f32.exp()).abs() < 1e-6);
/// ```
#[macro_export]
macro_rules! dispatch {
    ($s:pat => $body:expr) => {
        match $crate::kernels::level() {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            $crate::kernels::Level::Avx512(token) => $crate::kernels::vectorize(
                token,
                #[inline(always)]
                |$s| $body,
            ),
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            $crate::kernels::Level::Avx2(token) => $crate::kernels::vectorize(
                token,
                #[inline(always)]
                |$s| $body,
            ),
            $crate::kernels::Level::Baseline(token) => $crate::kernels::vectorize(
                token,
                #[inline(always)]
                |$s| $body,
            ),
        }
    };
}
