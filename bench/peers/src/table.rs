//! Tables in Markdown.

/// A table with a header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new(header: &[&str]) -> Self {
        Self { header: header.iter().map(|h| (*h).to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row; missing cells are empty, those beyond the header are left out.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut row: Vec<String> = cells.into_iter().collect();
        row.resize(self.header.len(), String::new());
        self.rows.push(row);
    }

    /// The table in Markdown, columns aligned.
    #[must_use]
    pub fn markdown(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().chain([&self.header]).map(|row| row[column].chars().count());
            cells.max().unwrap_or(0).max(3)
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let line = |row: &[String]| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!(" {cell:<width$} |"));
            format!("|{}\n", cells.collect::<String>())
        };
        let rule = widths.iter().map(|w| format!(" {} |", "-".repeat(*w))).collect::<String>();
        format!("{}|{rule}\n{}", line(&self.header), self.rows.iter().map(|r| line(r)).collect::<String>())
    }
}

/// Seconds with a fitting unit and three digits.
#[must_use]
pub fn seconds(value: f64) -> String {
    match value {
        v if !v.is_finite() => "—".to_owned(),
        v if v >= 100.0 => format!("{v:.0} s"),
        v if v >= 10.0 => format!("{v:.1} s"),
        v if v >= 1.0 => format!("{v:.2} s"),
        v if v >= 0.1 => format!("{:.0} ms", v * 1e3),
        v if v >= 0.01 => format!("{:.1} ms", v * 1e3),
        v if v >= 0.001 => format!("{:.2} ms", v * 1e3),
        v => format!("{:.0} µs", v * 1e6),
    }
}

/// Bytes in MiB; a dash where they are not known.
#[must_use]
pub fn mebibytes(value: Option<f64>) -> String {
    value.map_or_else(|| "—".to_owned(), |v| format!("{:.1} MiB", v / f64::from(1 << 20)))
}

/// A ratio beside the least that it should be.
#[must_use]
pub fn against(ratio: f64, bar: f64) -> String {
    let digits = usize::from(ratio < 100.0);
    format!("{ratio:.digits$}× ({} {bar:.0}×)", if ratio >= bar { "≥" } else { "**below**" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["case", "time"]);
        table.row(["a longer case".to_owned(), "1 s".to_owned()]);
        table.row(["b".to_owned()]);
        let text = table.markdown();
        let widths: Vec<usize> = text.lines().map(|l| l.chars().count()).collect();
        assert_eq!(text.lines().count(), 4);
        assert!(widths.windows(2).all(|w| w[0] == w[1]), "{text}");
    }

    #[test]
    fn a_missed_bar_is_said() {
        assert_eq!(against(120.4, 100.0), "120× (≥ 100×)");
        assert_eq!(against(99.44, 100.0), "99.4× (**below** 100×)");
        assert_eq!(seconds(0.0123), "12.3 ms");
        assert_eq!(seconds(f64::NAN), "—");
    }
}
