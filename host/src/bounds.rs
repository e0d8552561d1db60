//! What `host limits` prints: the tables of all crates, each row with its unit and its owner.

use std::fmt::Write as _;

use host_server::options::OWN_LINKS;

use crate::limits::Limits;

/// Whose growth the rows of a table bound, and the rows.
type Table = (String, Vec<(&'static str, u64)>);

/// Plugins with bounds of their own.
fn servers() -> String {
    OWN_LINKS.map(|link| link.name).join(", ")
}

fn tables() -> [Table; 5] {
    [
        ("plugin".to_owned(), Limits::default().rows()),
        (servers(), Limits::server_rows()),
        ("all plugins".to_owned(), Limits::shared_rows()),
        ("client".to_owned(), host_server::Limits::default().rows()),
        ("store".to_owned(), host_store::Limits::default().rows()),
    ]
}

/// The whole table as text. What belongs to a plugin can be changed with `--plugin-limit`.
pub fn text() -> String {
    let mut text = format!("{:<32} {:>12} {:<18} {}\n", "LIMIT", "DEFAULT", "UNIT", "OWNER");
    for (owner, rows) in tables() {
        for (name, value) in rows {
            let _ = writeln!(text, "{name:<32} {value:>12} {:<18} {owner}", unit(name));
        }
    }
    text
}

/// Each bound has its unit in its name.
fn unit(name: &str) -> &'static str {
    let has = |part: &str| name.split('_').any(|word| word == part);
    match () {
        () if name.contains("_per_second") => "per second",
        () if has("bytes") => "bytes",
        () if has("ms") => "milliseconds",
        () if has("chars") => "characters",
        () if has("share") => "percent of cores",
        () => "count",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_name_tells_the_unit() {
        for (name, expected) in [
            ("memory_bytes_max", "bytes"),
            ("cpu_ms_max", "milliseconds"),
            ("hook_cpu_share_max", "percent of cores"),
            ("log_lines_per_second_max", "per second"),
            ("warning_chars_cut", "characters"),
            ("routes_max", "count"),
        ] {
            assert_eq!(unit(name), expected, "{name}");
        }
    }

    #[test]
    fn the_servers_have_rows_of_their_own() {
        let text = text();
        let shares = text.lines().filter(|line| line.split_whitespace().next() == Some("cpu_share_max"));
        let shares: Vec<_> = shares.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let expected = [
            "cpu_share_max 3 percent of cores plugin".to_owned(),
            format!("cpu_share_max 50 percent of cores {}", servers()),
        ];
        assert_eq!(shares, expected);
    }

    #[test]
    fn a_name_is_there_once() {
        let once = tables().into_iter().filter(|(owner, _)| *owner != servers());
        let names: Vec<_> = once.flat_map(|(_, rows)| rows).map(|(name, _)| name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }
}
