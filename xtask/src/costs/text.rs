//! Numbers as a page shows them: no more digits than are worth reading.

/// Dollars, as `$3.42` or `$1,234`.
pub(super) fn dollars(usd: f64) -> String {
    if usd >= 1000.0 { format!("${}", count(usd)) } else { format!("${usd:.2}") }
}

/// Dollars as cents, with about two digits: `0.0031 ¢`, `1.2 ¢`, `36 ¢`.
pub(super) fn cents(usd: f64) -> String {
    let cents = usd * 100.0;
    let decimals = match cents {
        cents if cents >= 10.0 => 0,
        cents if cents >= 1.0 => 1,
        cents if cents >= 0.1 => 2,
        cents if cents >= 0.01 => 3,
        _ => 4,
    };
    format!("{cents:.decimals$} ¢")
}

/// A number without a fraction, in groups of three digits.
pub(super) fn count(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number of which only the first two digits are meant, as a count.
pub(super) fn about(number: f64) -> String {
    let step = 10_f64.powf(number.max(1.0).log10().floor() - 1.0).max(1.0);
    count((number / step).round() * step)
}

/// A number of at most two decimals.
pub(super) fn number(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_what_is_worth_reading() {
        assert_eq!([0.000_031, 0.0012, 0.012, 0.36].map(cents), ["0.0031 ¢", "0.12 ¢", "1.2 ¢", "36 ¢"]);
        assert_eq!([0.0, 3.416, 999.0, 1234.5].map(dollars), ["$0.00", "$3.42", "$999.00", "$1,234"]);
        assert_eq!([1.0, 999.6, 12_345.0, 1_000_000.0].map(count), ["1", "1,000", "12,345", "1,000,000"]);
        assert_eq!([0.0, 7.4, 143.2, 2_240.0, 1_047_963.0].map(about), ["0", "7", "140", "2,200", "1,000,000"]);
        assert_eq!([0.5, 10.0, 0.25, 0.1].map(number), ["0.5", "10", "0.25", "0.1"]);
    }
}
