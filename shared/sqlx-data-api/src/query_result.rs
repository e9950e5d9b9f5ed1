/// Outcome of a statement.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct DataApiQueryResult {
    rows_affected: u64,
}

impl DataApiQueryResult {
    pub(crate) fn new(rows_affected: u64) -> Self {
        Self { rows_affected }
    }

    /// Rows inserted, updated or deleted; for a statement that returns rows, how many it returned.
    pub fn rows_affected(&self) -> u64 {
        self.rows_affected
    }
}

impl Extend<DataApiQueryResult> for DataApiQueryResult {
    fn extend<T: IntoIterator<Item = DataApiQueryResult>>(&mut self, results: T) {
        self.rows_affected += results.into_iter().map(|result| result.rows_affected).sum::<u64>();
    }
}
