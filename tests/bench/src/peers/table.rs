//! Two numbers side by side, what one is of the other, and what it ought to be.

use std::fmt;

/// What a row of the host ought to be.
#[derive(Clone, Copy)]
pub(super) enum Goal {
    None,
    /// The peer's, divided by this.
    Ratio(f64),
    Below(f64),
}

pub(super) struct Table {
    peers: [&'static str; 2],
    rows: Vec<Row>,
}

struct Row {
    what: String,
    unit: &'static str,
    /// The host's, and the peer's where there is one.
    values: (f64, Option<f64>),
    goal: Goal,
}

impl Table {
    pub(super) fn new(peers: [&'static str; 2]) -> Self {
        Self { peers, rows: Vec::new() }
    }

    /// Adds a row, and shows it at once: a run takes minutes.
    pub(super) fn add(&mut self, what: impl Into<String>, unit: &'static str, values: [f64; 2], goal: Goal) {
        let [host, peer] = values;
        self.push(Row { what: what.into(), unit, values: (host, Some(peer)), goal });
    }

    /// Adds what only the host tells of itself.
    pub(super) fn add_own(&mut self, what: impl Into<String>, unit: &'static str, value: f64) {
        self.push(Row { what: what.into(), unit, values: (value, None), goal: Goal::None });
    }

    fn push(&mut self, row: Row) {
        eprintln!("{row}");
        self.rows.push(row);
    }
}

impl Row {
    /// None where there is no goal.
    fn is_met(&self) -> Option<bool> {
        let (host, peer) = self.values;
        match self.goal {
            Goal::None => None,
            Goal::Ratio(ratio) => peer.map(|peer| host * ratio <= peer),
            Goal::Below(limit) => Some(host < limit),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { what, unit, values: (host, peer), goal } = self;
        let Some(peer) = peer else { return write!(f, "{what:52} {host:>10.2} {:>12} {unit}", "") };
        write!(f, "{what:52} {host:>10.2} {peer:>12.2} {unit:11} {:>7.2}", peer / host)?;
        match goal {
            Goal::None => {}
            Goal::Ratio(ratio) => write!(f, "  ÷{ratio}")?,
            Goal::Below(limit) => write!(f, "  below {limit} {unit}")?,
        }
        match self.is_met() {
            None => Ok(()),
            Some(true) => write!(f, ": met"),
            Some(false) => write!(f, ": MISSED"),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [host, peer] = self.peers;
        writeln!(f, "{:52} {host:>10} {peer:>12} {:11} {:>7}  goal", "", "", "ratio")?;
        for row in &self.rows {
            writeln!(f, "{row}")?;
        }
        let missed: Vec<_> = self.rows.iter().filter(|row| row.is_met() == Some(false)).collect();
        match missed.is_empty() {
            true => write!(f, "every goal is met"),
            false => write!(f, "missed: {}", missed.iter().map(|row| &*row.what).collect::<Vec<_>>().join("; ")),
        }
    }
}
