//! Prints the results of benchmarks as tables.

/// Rows with as many columns as the head.
pub(crate) struct Table(Vec<Vec<String>>);

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self(vec![head.iter().map(|&title| title.to_owned()).collect()])
    }

    pub(crate) fn row(&mut self, row: impl IntoIterator<Item = String>) {
        self.0.push(row.into_iter().collect());
    }

    /// As GitHub reads it, and people in a terminal: all columns but the first are flush right.
    pub(crate) fn markdown(&self) -> String {
        let columns = self.0.first().map_or(0, Vec::len);
        let widths: Vec<_> = (0..columns).map(|column| self.width(column)).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
        };
        let rule = widths.iter().enumerate().map(|(column, width)| match column {
            0 => "-".repeat(*width),
            _ => format!("{}:", "-".repeat(width - 1)),
        });
        let rule = format!("| {} |", rule.collect::<Vec<_>>().join(" | "));
        let mut lines: Vec<_> = self.0.iter().map(line).collect();
        lines.insert(1, rule);
        lines.join("\n")
    }

    pub(crate) fn csv(&self) -> String {
        let cell = |cell: &String| {
            if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.clone() }
        };
        let lines = self.0.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(",") + "\n");
        lines.collect()
    }

    fn width(&self, column: usize) -> usize {
        self.0.iter().filter_map(|row| Some(row.get(column)?.chars().count())).max().unwrap_or(0).max(2)
    }
}
