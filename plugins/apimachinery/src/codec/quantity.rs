//! `resource.Quantity` as upstream reads and writes it: a decimal number with a suffix.

const FORMAT: &str = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const SUFFIX: &str = "unable to parse quantity's suffix";
const NUMERIC: &str = "unable to parse numeric part of quantity";

/// What cannot be represented exactly below this many decimals is rounded up.
const SCALE_MAX: i32 = 9;

/// The canonical form: no more digits than needed, and the suffix that leaves no fraction.
///
/// # Errors
/// What is wrong with the text, in upstream's words.
pub fn canonical(text: &str) -> Result<String, &'static str> {
    Ok(Quantity::parse(text.trim())?.to_string())
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
    /// The amount in billionths (nano), so that amounts compare as integers.
    nanos: i128,
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

        let whole = whole.trim_start_matches('0');
        if whole.len() + fraction.len() > 30 || exponent.abs() > 60 {
            // Beyond what anything is measured in.
            return Err(NUMERIC);
        }
        let unscaled: i128 = format!("0{whole}{fraction}").parse().map_err(|_| NUMERIC)?;
        let mut scale = fraction.len() as i32;
        let mut amount = unscaled;
        match base {
            2 => amount = amount.checked_mul(1 << exponent).ok_or(NUMERIC)?,
            _ => scale -= exponent,
        }
        let nanos = match SCALE_MAX - scale {
            up @ 0.. => 10_i128.checked_pow(up as u32).and_then(|factor| amount.checked_mul(factor)).ok_or(NUMERIC)?,
            // Who asks for something gets something.
            down => 10_i128.checked_pow(-down as u32).map_or(1, |factor| (amount + factor - 1) / factor),
        };
        let one = 10_i128.pow(SCALE_MAX as u32);
        let nanos = if form == Form::BinarySi { nanos.min(i128::from(i64::MAX) * one) } else { nanos };
        Ok(Self { nanos: sign * nanos, form })
    }

    /// The amount in billionths.
    pub fn nanos(&self) -> i128 {
        self.nanos
    }
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0");
        }
        let one = 10_i128.pow(SCALE_MAX as u32);
        let whole = self.nanos % one == 0;
        // Small and broken amounts have no binary form.
        if self.form == Form::BinarySi && whole && self.nanos.abs() >= 1024 * one {
            let (mut amount, mut exponent) = (self.nanos / one, 0);
            while amount % 1024 == 0 && exponent < 60 {
                amount /= 1024;
                exponent += 10;
            }
            return write!(f, "{amount}{}", suffix(2, exponent));
        }
        let (mut amount, mut exponent) = (self.nanos, -SCALE_MAX);
        while amount % 1000 == 0 && (self.form == Form::DecimalExponent || exponent < 18) {
            amount /= 1000;
            exponent += 3;
        }
        match self.form {
            Form::DecimalExponent if exponent == 0 => write!(f, "{amount}"),
            Form::DecimalExponent => write!(f, "{amount}e{exponent}"),
            _ => write!(f, "{amount}{}", suffix(10, exponent)),
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
    fn quantities_are_written_in_canonical_form() {
        for (text, expected) in [
            ("0", "0"),
            ("0.0Gi", "0"),
            ("1", "1"),
            ("+1.50", "1500m"),
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
            ("1E3", "1e3"),
            ("12e5", "1200e3"),
            ("1e-3", "1e-3"),
            ("-5", "-5"),
            ("0.0000000001", "1n"),
            ("007", "7"),
            ("1.G", "1G"),
            (".5", "500m"),
            ("16Ei", "9223372036854775807"),
            (" 1 ", "1"),
            ("1e2", "100"),
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
