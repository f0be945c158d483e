//! Figures in columns.

use std::fmt;

/// Rows of cells in columns, each on a line of its own: the first column to the left, the others to the right.
pub(super) fn aligned<const N: usize>(f: &mut fmt::Formatter<'_>, rows: &[[String; N]]) -> fmt::Result {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    for row in rows {
        write!(f, "\n{:<1$}", row[0], widths[0])?;
        for (cell, width) in row.iter().zip(widths).skip(1) {
            write!(f, "  {cell:>width$}")?;
        }
    }
    Ok(())
}

/// Six significant digits.
pub(super) fn short(value: f64) -> String {
    if value.is_nan() {
        return "-".to_owned();
    }
    let magnitude = if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 };
    if !(-5..9).contains(&magnitude) {
        return format!("{value:.5e}");
    }
    let text = format!("{value:.0$}", (5 - magnitude).max(0) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn six_digits() {
        let cases =
            [(0.0, "0"), (-1234.5678, "-1234.57"), (1e-7, "1.00000e-7"), (100.0, "100"), (f64::NAN, "-")];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
    }
}
