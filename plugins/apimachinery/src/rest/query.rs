//! The query string, with the conversions that upstream's parameter codec makes.

use crate::status::ApiError;

/// Query parameters in order.
#[derive(Debug, Default, Clone)]
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// The first value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a parameter, empty if it is not there.
    pub fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_string()
    }

    /// Every value of a parameter.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// Anything but `false` and `0` is true, as upstream has it.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.get(name).map(|value| value != "0" && !value.eq_ignore_ascii_case("false"))
    }

    pub fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|error: std::num::ParseIntError| {
                let why = match error.kind() {
                    std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => "value out of range",
                    _ => "invalid syntax",
                };
                ApiError::bad_request(format!("strconv.ParseInt: parsing {text:?}: {why}"))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_converted_as_upstream_does() {
        let query = Query::parse("a=x%2Cy&watch&limit=12&b=false&c=0&d=1&d=2&e=+");
        assert_eq!(query.get("a"), Some("x,y"));
        assert_eq!(query.flag("watch"), Some(true));
        assert_eq!((query.flag("b"), query.flag("c"), query.flag("none")), (Some(false), Some(false), None));
        assert_eq!(query.number("limit"), Ok(Some(12)));
        assert_eq!(query.number("none"), Ok(None));
        assert_eq!(query.all("d"), ["1", "2"]);
        assert_eq!(query.get("e"), Some(" "));
    }

    #[test]
    fn what_is_not_a_number_is_refused_in_upstreams_words() {
        for (text, why) in [("nonsense", "invalid syntax"), ("99999999999999999999", "value out of range")] {
            let error = Query::parse(&format!("limit={text}")).number("limit").unwrap_err();
            assert_eq!(error.message, format!("strconv.ParseInt: parsing \"{text}\": {why}"));
        }
    }
}
