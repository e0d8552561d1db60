//! `resource.Quantity` as upstream reads and writes it: a decimal number with a suffix.

use std::borrow::Cow;

const FORMAT: &str = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const SUFFIX: &str = "unable to parse quantity's suffix";
const NUMERIC: &str = "unable to parse numeric part of quantity";

/// Amounts are rounded up to billionths: who asks for something gets something.
const EXPONENT_MIN: i32 = -9;

/// More digits than anything is measured with.
const DIGITS_MAX: usize = 30;

/// The form that upstream writes: no more digits than needed and the suffix that leaves no
/// fraction, or the text itself where upstream takes that for close enough.
///
/// # Errors
/// What is wrong with the text, in upstream's words.
pub fn canonical(text: &str) -> Result<Cow<'_, str>, &'static str> {
    let text = text.trim();
    let parts = Parts::split(text)?;
    // Nearly always.
    if parts.is_kept() || parts.is_short_binary(text) {
        return Ok(text.into());
    }
    Quantity::parse(text).map(|quantity| quantity.to_string().into())
}

/// Whether the text is a quantity.
///
/// # Errors
/// What is wrong with it, in upstream's words.
pub fn check(text: &str) -> Result<(), String> {
    Quantity::parse(text.trim()).map(|_| ()).map_err(Into::into)
}

/// An exact amount, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantity {
    /// Without zeros at its end.
    mantissa: i128,
    /// Of ten.
    exponent: i32,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `k`, `M`, ...; `m`, `u`, `n` below one.
    DecimalSi,
    /// `Ki`, `Mi`, ...
    BinarySi,
    /// `e3`, `e6`, ...
    DecimalExponent,
}

/// A suffix: its base and exponent, and the form that it belongs to.
const SUFFIXES: &[(&str, u32, i32, Form)] = &[
    ("n", 10, -9, Form::DecimalSi),
    ("u", 10, -6, Form::DecimalSi),
    ("m", 10, -3, Form::DecimalSi),
    ("", 10, 0, Form::DecimalSi),
    ("k", 10, 3, Form::DecimalSi),
    ("M", 10, 6, Form::DecimalSi),
    ("G", 10, 9, Form::DecimalSi),
    ("T", 10, 12, Form::DecimalSi),
    ("P", 10, 15, Form::DecimalSi),
    ("E", 10, 18, Form::DecimalSi),
    ("Ki", 2, 10, Form::BinarySi),
    ("Mi", 2, 20, Form::BinarySi),
    ("Gi", 2, 30, Form::BinarySi),
    ("Ti", 2, 40, Form::BinarySi),
    ("Pi", 2, 50, Form::BinarySi),
    ("Ei", 2, 60, Form::BinarySi),
];

impl Quantity {
    /// Reads a quantity.
    ///
    /// # Errors
    /// What is wrong with the text, in upstream's words.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let Parts { sign, whole, fraction, base, exponent, form } = Parts::split(text)?;
        if whole.len() + fraction.len() > DIGITS_MAX {
            return Err(NUMERIC);
        }
        let mut mantissa = number(whole.bytes().chain(fraction.bytes()));
        let mut power = -(fraction.len() as i32);
        match base {
            2 => mantissa = mantissa.checked_mul(1 << exponent).ok_or(NUMERIC)?,
            _ => power = power.saturating_add(exponent),
        }
        if power < EXPONENT_MIN {
            let below = 10_i128.checked_pow(power.abs_diff(EXPONENT_MIN));
            mantissa = below.map_or(mantissa.signum(), |below| (mantissa + below - 1) / below);
            power = EXPONENT_MIN;
        }
        let quantity = Self { mantissa, exponent: power, form };
        let most = i128::from(i64::MAX);
        let quantity = match form {
            Form::BinarySi if quantity.nanos() > most * NANOS => Self { mantissa: most, exponent: 0, form },
            _ => quantity,
        };
        Ok(Self { mantissa: sign * quantity.mantissa, ..quantity }.without_zeros())
    }

    /// So many billionths, written as a decimal number.
    pub fn of_nanos(nanos: i128) -> Self {
        Self { mantissa: nanos, exponent: EXPONENT_MIN, form: Form::DecimalSi }.without_zeros()
    }

    /// The amount in billionths, as far as they can be counted.
    pub fn nanos(&self) -> i128 {
        let power = self.exponent.abs_diff(EXPONENT_MIN);
        // Nearly always in one register.
        let small = i64::try_from(self.mantissa).ok().zip(10_i64.checked_pow(power));
        if let Some(nanos) = small.and_then(|(mantissa, factor)| mantissa.checked_mul(factor)) {
            return nanos.into();
        }
        let factor = 10_i128.checked_pow(power);
        let nanos = factor.and_then(|factor| self.mantissa.checked_mul(factor));
        nanos.unwrap_or(if self.mantissa < 0 { i128::MIN } else { i128::MAX })
    }

    /// Both together, written as the first one is, unless that is nothing.
    pub fn plus(&self, other: &Self) -> Self {
        let form = if self.mantissa == 0 { other.form } else { self.form };
        let nanos = self.nanos().saturating_add(other.nanos());
        Self { mantissa: nanos, exponent: EXPONENT_MIN, form }.without_zeros()
    }

    /// Whether upstream takes it for a whole number: it looks at the thousandths. More of them than it can
    /// count are none, and of a number with many digits it has the lower part.
    pub fn is_whole(&self) -> bool {
        const FEW_DIGITS: u128 = 1_000_000_000_000_000_000;
        let power = self.exponent.saturating_add(3);
        if power < 0 {
            return self.mantissa == 0;
        }
        let factor = 10_i128.checked_pow(power.unsigned_abs());
        if self.mantissa.unsigned_abs() < FEW_DIGITS {
            let thousandths = factor.and_then(|factor| self.mantissa.checked_mul(factor));
            return thousandths.and_then(|all| i64::try_from(all).ok()).unwrap_or(0) % 1_000 == 0;
        }
        let thousandths = self.mantissa.wrapping_mul(10_i128.wrapping_pow(power.unsigned_abs()));
        (thousandths as i64) % 1_000 == 0
    }

    /// The amount with no more than thousandths, rounded away from zero.
    pub fn in_thousandths(self) -> Self {
        const THOUSANDTH: i128 = 1_000_000;
        if self.exponent >= -3 {
            return self;
        }
        let nanos = self.nanos();
        let rounded = nanos / THOUSANDTH + if nanos % THOUSANDTH == 0 { 0 } else { nanos.signum() };
        Self { mantissa: rounded, exponent: -3, form: self.form }.without_zeros()
    }

    fn without_zeros(mut self) -> Self {
        // Small numbers are divided in one step, large ones by a function: nearly all are small.
        if let Ok(mut small) = i64::try_from(self.mantissa) {
            while small != 0 && small % 10 == 0 {
                small /= 10;
                self.exponent = self.exponent.saturating_add(1);
            }
            self.mantissa = small.into();
            return self;
        }
        while self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.exponent = self.exponent.saturating_add(1);
        }
        self
    }
}

/// The number with these digits, at most [`DIGITS_MAX`]; the first 18 fit into a register.
fn number(mut digits: impl Iterator<Item = u8>) -> i128 {
    let digit = |byte: u8| i64::from(byte - b'0');
    let high = digits.by_ref().take(18).fold(0_i64, |number, byte| number * 10 + digit(byte));
    digits.fold(high.into(), |number, byte| number * 10 + i128::from(digit(byte)))
}

/// A quantity's text.
struct Parts<'a> {
    sign: i128,
    /// Without zeros at its start.
    whole: &'a str,
    fraction: &'a str,
    base: u32,
    exponent: i32,
    form: Form,
}

impl<'a> Parts<'a> {
    fn split(text: &'a str) -> Result<Self, &'static str> {
        let (sign, unsigned) = match text.as_bytes().first() {
            None => return Err(FORMAT),
            Some(b'-') => (-1, &text[1..]),
            Some(b'+') => (1, &text[1..]),
            Some(_) => (1, text),
        };
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (whole, rest) = unsigned.split_at(digits(unsigned));
        let (fraction, suffix) = match rest.strip_prefix('.') {
            Some(rest) => rest.split_at(digits(rest)),
            None => ("", rest),
        };
        let letters = suffix.bytes().take_while(|byte| b"eEinumkKMGTP".contains(byte)).count();
        let exponent = &suffix[letters..];
        let unsigned_exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if !unsigned_exponent.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(FORMAT);
        }
        let (base, exponent, form) = interpret(suffix).ok_or(SUFFIX)?;
        if whole.is_empty() && fraction.is_empty() && form == Form::BinarySi && exponent >= 50 {
            // Upstream counts large units with another library, which wants a digit.
            return Err(NUMERIC);
        }
        Ok(Self { sign, whole: whole.trim_start_matches('0'), fraction, base, exponent, form })
    }

    /// Whether the text is an ordinary `128Mi`, for which there is no larger unit.
    fn is_short_binary(&self, text: &str) -> bool {
        self.form == Form::BinarySi
            && (10..=30).contains(&self.exponent)
            && self.fraction.is_empty()
            // No sign, no zero.
            && text.starts_with(|first| matches!(first, '1'..='9'))
            && self.whole.len() <= 9
            && self.whole.parse::<u32>().is_ok_and(|value| value % 1024 != 0)
    }

    /// Whether upstream writes the text as it was: a small number that cannot be written with
    /// fewer digits, as far as a quick look tells.
    fn is_kept(&self) -> bool {
        // What is all zeros is zero, and has but one form.
        if self.whole.is_empty() {
            return false;
        }
        let digits = self.whole.len() + self.fraction.len();
        match self.form {
            Form::BinarySi => {
                let room = 14 - digits as i32 - self.exponent * 3 / 10;
                self.fraction.is_empty() && room >= 0 && self.whole.parse::<u64>().is_ok_and(|value| value % 8 != 0)
            }
            _ => {
                let power = self.exponent - self.fraction.len() as i32;
                let digits_from_the_end = self.whole.bytes().chain(self.fraction.bytes()).rev();
                let ends_in_zeros = digits_from_the_end.take(3).eq([b'0'; 3]);
                digits <= 18 && power >= EXPONENT_MIN && power % 3 == 0 && !ends_in_zeros
            }
        }
    }
}

/// In one.
const NANOS: i128 = 1_000_000_000;

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.mantissa == 0 {
            return f.write_str("0");
        }
        // Small and broken amounts have no binary form.
        if self.form == Form::BinarySi && self.exponent >= 0 && self.nanos().abs() >= 1024 * NANOS {
            let (mut amount, mut exponent) = (self.nanos() / NANOS, 0);
            while amount % 1024 == 0 && exponent < 60 {
                amount /= 1024;
                exponent += 10;
            }
            return write!(f, "{amount}{}", suffix(2, exponent));
        }
        let exponent = self.exponent.div_euclid(3) * 3;
        let exponent = if self.form == Form::DecimalExponent { exponent } else { exponent.min(18) };
        write!(f, "{}{}", self.mantissa, "0".repeat((self.exponent - exponent) as usize))?;
        match self.form {
            Form::DecimalExponent if exponent == 0 => Ok(()),
            Form::DecimalExponent => write!(f, "e{exponent}"),
            _ => f.write_str(suffix(10, exponent)),
        }
    }
}

fn interpret(suffix: &str) -> Option<(u32, i32, Form)> {
    if let Some((_, base, exponent, form)) = SUFFIXES.iter().find(|(known, ..)| *known == suffix) {
        return Some((*base, *exponent, *form));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    Some((10, exponent, Form::DecimalExponent))
}

fn suffix(base: u32, exponent: i32) -> &'static str {
    SUFFIXES.iter().find(|row| (row.1, row.2) == (base, exponent)).map_or("", |row| row.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousandths_tell_whether_a_number_is_whole() {
        for (text, whole) in [
            ("1", true),
            ("1500m", false),
            ("1n", false),
            ("0", true),
            ("9223372036854775807", true),
            ("1E", true),
            ("9999999999999999999999", false),
            ("10e2147483647", true),
        ] {
            assert_eq!(Quantity::parse(text).unwrap().is_whole(), whole, "{text}");
        }
    }

    #[test]
    fn amounts_are_rounded_away_from_zero() {
        for (text, rounded) in
            [("1n", "1m"), ("-100n", "-1m"), ("1500u", "2m"), ("1", "1"), ("0.1m", "1m"), ("2m", "2m")]
        {
            assert_eq!(Quantity::parse(text).unwrap().in_thousandths().to_string(), rounded, "{text}");
        }
    }

    #[test]
    fn quantities_are_written_in_canonical_form() {
        for (text, expected) in [
            ("0", "0"),
            ("0.0Gi", "0"),
            ("1", "1"),
            ("+1.50", "1500m"),
            ("+5", "+5"),
            ("1.500", "1.500"),
            ("1E3", "1E3"),
            ("1e+30", "1e+30"),
            ("1000.000", "1k"),
            ("0.5", "500m"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("1000", "1k"),
            ("1234567", "1234567"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("0.5Ki", "512"),
            ("1000Ki", "1000Ki"),
            ("100Mi", "100Mi"),
            ("1e3", "1e3"),
            ("12e5", "1200e3"),
            ("1e-3", "1e-3"),
            ("-5", "-5"),
            ("0.0000000001", "1n"),
            ("007", "007"),
            ("1.G", "1.G"),
            (".5", "500m"),
            ("16Ei", "9223372036854775807"),
            (" 1 ", "1"),
            ("1e2", "100"),
            ("1e30", "1e30"),
            ("1e400", "10e399"),
            ("9999999999999999999999", "9999999999999999999999"),
            ("1e-400", "1e-9"),
            ("0.1Gi", "107374182400m"),
            // Upstream finds a zero where no digit is.
            (".", "0"),
            ("+", "0"),
            ("Gi", "0"),
        ] {
            assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused_in_upstreams_words() {
        for (text, expected) in [
            ("", FORMAT),
            ("abc", FORMAT),
            ("1 Gi", FORMAT),
            ("1Zi", FORMAT),
            ("1KK", SUFFIX),
            ("1mi", SUFFIX),
            ("1.2.3", FORMAT),
            ("true", FORMAT),
        ] {
            assert_eq!(canonical(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn amounts_compare_whatever_their_suffix() {
        let nanos = |text| Quantity::parse(text).unwrap().nanos();
        assert_eq!(nanos("1Ki"), nanos("1024"));
        assert!(nanos("999m") < nanos("1"));
    }
}
