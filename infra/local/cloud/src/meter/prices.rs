//! The price list: `prices.json`, with region and date.

use std::sync::LazyLock;

use serde::Deserialize;

/// Prices on demand, without free tiers and volume discounts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceList {
    pub(crate) region: String,
    /// Month of the prices.
    pub(crate) date: String,
    prices: Vec<Price>,
}

/// The price of an item.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Price {
    item: String,
    pub(crate) service: String,
    usd: f64,
    /// Units that `usd` buys.
    per: f64,
    /// Address of AWS's page with the price.
    #[expect(dead_code, reason = "for those who look the price up")]
    source: String,
}

impl PriceList {
    /// Returns the list that this program was built with.
    pub(crate) fn current() -> &'static Self {
        static LIST: LazyLock<PriceList> =
            LazyLock::new(|| serde_json::from_str(include_str!("prices.json")).expect("tests read the price list"));
        &LIST
    }

    /// Returns the price of an item.
    pub(crate) fn find(&self, item: &str) -> Option<&Price> {
        self.prices.iter().find(|price| price.item == item)
    }
}

impl Price {
    /// Returns the price of so many units in US dollars.
    pub(crate) fn of(&self, quantity: f64) -> f64 {
        quantity * self.usd / self.per
    }
}
