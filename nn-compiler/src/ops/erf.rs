//! `erf(x) = 2/√π ∫₀ˣ exp(-t²) dt`.

use std::f64::consts::FRAC_2_SQRT_PI;

use super::{Arg, Op, Vjp, exp::EXP, map};

/// The error function.
pub static ERF: Op = Op {
    name: "erf",
    args: &[Arg::Tensor("x")],
    vjp: Vjp::Rule(|at, d| vec![Some(d * (FRAC_2_SQRT_PI * (-at.x[0].powi(2)).map(&EXP)))]),
    eval: |_, x| map(&x[0], erf),
    notation: |style, _, x, _| style.call("erf", x),
    ..Op::POINTWISE
};

/// By the series 2/√π · exp(-x²) · Σ 2ⁿ x²ⁿ⁺¹ / (2n + 1)!!, whose terms have one sign: Abramowitz and Stegun,
/// 1964, equation 7.1.6.
pub(super) fn erf(x: f64) -> f64 {
    // From here on it differs from ±1 by less than half a unit in the last place.
    if x.abs() >= 6.0 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    for n in 1.. {
        term *= 2.0 * x * x / f64::from(2 * n + 1);
        if sum + term == sum || term.is_nan() {
            break;
        }
        sum += term;
    }
    FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

#[cfg(test)]
mod tests {
    use super::erf;

    #[test]
    fn agrees_with_tables() {
        // Abramowitz and Stegun, 1964, table 7.1, and mpmath for the tail.
        for (x, expected) in [
            (0.0, 0.0),
            (0.5, 0.520_499_877_813_046_5),
            (1.0, 0.842_700_792_949_714_9),
            (3.0, 0.999_977_909_503_001_4),
        ] {
            assert!((erf(x) - expected).abs() < 4e-16, "erf({x}) = {}", erf(x));
            assert_eq!(erf(-x), -erf(x));
        }
        assert_eq!(erf(f64::INFINITY), 1.0);
        assert!(erf(f64::NAN).is_nan());
    }
}
