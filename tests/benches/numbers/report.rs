//! Tables and plots: on the terminal, and in a folder.

use std::fs;
use std::path::PathBuf;

use super::Failure;
use super::plot::Plot;
use super::table::Table;

/// The results so far.
pub(crate) struct Report {
    folder: PathBuf,
    text: String,
}

impl Report {
    /// Writes to this folder, which is made empty.
    pub(crate) fn new(folder: PathBuf) -> Result<Self, Failure> {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, text: String::new() })
    }

    pub(crate) fn add_text(&mut self, text: &str) -> Result<(), Failure> {
        println!("{text}\n");
        self.text.push_str(text);
        self.text.push_str("\n\n");
        Ok(fs::write(self.folder.join("numbers.md"), &self.text)?)
    }

    /// A table, also as `<name>.csv`.
    pub(crate) fn table(&mut self, name: &str, table: &Table) -> Result<(), Failure> {
        fs::write(self.folder.join(format!("{name}.csv")), table.csv())?;
        self.add_text(&table.markdown())
    }

    pub(crate) fn plot(&mut self, name: &str, plot: &Plot<'_>) -> Result<(), Failure> {
        plot.draw(&self.folder.join(format!("{name}.svg")))
    }
}
