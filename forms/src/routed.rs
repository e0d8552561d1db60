//! What upstream's router refuses. It compares media types as they are written, before a handler chooses, and knows
//! no half of one.

/// The media types that a route says it answers.
#[derive(Debug, Clone, Copy)]
pub struct Produced<'p>(pub &'p [&'p str]);

impl Produced<'_> {
    /// Whether a request is let through to the handler.
    pub fn are_taken(&self, accept: &str) -> bool {
        let named = |text: &str| {
            let range = text.split_once(';').map_or(text, |(range, _)| range).trim_matches(' ');
            range == "*/*" || self.0.contains(&range)
        };
        accept.is_empty() || accept.split(',').any(named)
    }

    /// What a client is told that takes none of them: 406.
    pub fn refusal(&self) -> String {
        format!("406: Not Acceptable\n\nAvailable representations: {}", self.0.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_compared_as_they_are_written() {
        let produced = Produced(&["application/json", "text/plain"]);
        for (accept, are_taken) in [
            ("", true),
            ("*/*", true),
            ("text/html, */*;q=0.1", true),
            ("application/json;as=Table", true),
            ("text/html , text/plain ; q=x", true),
            ("application/*", false),
            ("*", false),
            ("Application/json", false),
            ("text/html,", false),
        ] {
            assert_eq!(produced.are_taken(accept), are_taken, "{accept}");
        }
        let refusal = "406: Not Acceptable\n\nAvailable representations: application/json, text/plain";
        assert_eq!(produced.refusal(), refusal);
    }
}
