//! `cargo local cost`: a month's bill of an application, from the uses that its workspace describes and the price list.
//!
//! ```toml
//! [workspace.metadata.local-cloud]
//! cost = "cost.json"
//! ```
//!
//! The file has parameters, which are flags of the command; uses, with how often a month has each of them; and the units of one
//! use, by the names of the price list. Numbers are expressions over the parameters and over quantities that several uses share.

mod expression;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;

use super::workspace::{self, WorkspaceError};
use crate::meter::PriceList;
use expression::ExpressionError;

/// Reasons for which there is no estimate.
#[derive(Debug, thiserror::Error)]
pub(super) enum CostError {
    #[error("no cost: {0}")]
    Workspace(#[from] WorkspaceError),
    /// The manifest names none.
    #[error("no cost: {} has no `cost`; set it to a file in [workspace.metadata.local-cloud]", .0.display())]
    None(PathBuf),
    #[error("cannot read {}: {source}", file.display())]
    File { file: PathBuf, source: io::Error },
    #[error("{}: {source}", file.display())]
    Json { file: PathBuf, source: serde_json::Error },
    #[error("{place}: {source}")]
    Expression { place: String, source: ExpressionError },
    #[error("{place}: the price list has no `{item}`")]
    Price { place: String, item: String },
    #[error("`{given}` is not understood; the parameters are {known}")]
    Argument { given: String, known: String },
}

/// What a workspace's cost file says: parameters, quantities and uses.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CostFile {
    parameters: Vec<Parameter>,
    /// Expressions with names, each over the ones before.
    #[serde(default)]
    quantities: Vec<Quantity>,
    uses: Vec<Use>,
}

/// A flag of the command: `group_size` is `--group-size`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameter {
    name: String,
    default: f64,
    meaning: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Quantity {
    name: String,
    value: String,
}

/// Something that happens many times a month.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Use {
    name: String,
    /// How often a month has it.
    times: String,
    /// Units of one, by the items of the price list.
    each: BTreeMap<String, String>,
}

/// One item of one use.
#[derive(Debug, PartialEq)]
struct Line<'a> {
    name: &'a str,
    item: &'a str,
    service: &'a str,
    /// Units of one use.
    each: f64,
    quantity: f64,
    usd: f64,
}

/// Returns the estimate of the workspace in which `folder` is, as text.
pub(super) fn estimate(folder: &Path, arguments: &[OsString]) -> Result<String, CostError> {
    let workspace = workspace::of(folder)?;
    let file = workspace.settings.cost.ok_or_else(|| CostError::None(workspace.root.join("Cargo.toml")))?;
    let file = workspace.root.join(file);
    let text = fs::read_to_string(&file).map_err(|source| CostError::File { file: file.clone(), source })?;
    let read: CostFile = serde_json::from_str(&text).map_err(|source| CostError::Json { file, source })?;
    let (names, units_only) = read.names(arguments)?;
    let prices = PriceList::current();
    let lines = read.lines(&names, prices)?;
    Ok(if units_only { units(&lines) } else { read.table(&names, &lines, prices) })
}

impl CostFile {
    /// The values of parameters and quantities, and whether only the units of one use are asked for.
    fn names(&self, arguments: &[OsString]) -> Result<(BTreeMap<String, f64>, bool), CostError> {
        let mut names: BTreeMap<String, f64> =
            self.parameters.iter().map(|parameter| (parameter.name.clone(), parameter.default)).collect();
        let mut words = arguments.iter().map(|word| word.to_string_lossy());
        let mut units_only = false;
        while let Some(word) = words.next() {
            if word == "--units" {
                units_only = true;
                continue;
            }
            let name = word.strip_prefix("--").unwrap_or_default().replace('-', "_");
            let value = words.next().and_then(|value| value.parse().ok()).filter(|value: &f64| *value >= 0.0);
            match (names.get_mut(&name), value) {
                (Some(parameter), Some(value)) => *parameter = value,
                _ => return Err(CostError::Argument { given: word.into_owned(), known: self.flags() }),
            }
        }
        for quantity in &self.quantities {
            let value = value(&quantity.value, &names, &quantity.name)?;
            names.insert(quantity.name.clone(), value);
        }
        Ok((names, units_only))
    }

    fn flags(&self) -> String {
        let flag = |parameter: &Parameter| {
            format!("--{} ({}, {})", parameter.name.replace('_', "-"), parameter.meaning, parameter.default)
        };
        self.parameters.iter().map(flag).collect::<Vec<_>>().join(", ")
    }

    fn lines<'a>(&'a self, names: &BTreeMap<String, f64>, prices: &'a PriceList) -> Result<Vec<Line<'a>>, CostError> {
        let mut lines = Vec::new();
        for r#use in &self.uses {
            let times = value(&r#use.times, names, &r#use.name)?;
            for (item, units) in &r#use.each {
                let each = value(units, names, &format!("{}, {item}", r#use.name))?;
                let price = prices
                    .find(item)
                    .ok_or_else(|| CostError::Price { place: r#use.name.clone(), item: item.clone() })?;
                let quantity = times * each;
                let usd = price.of(quantity);
                lines.push(Line { name: &r#use.name, item, service: &price.service, each, quantity, usd });
            }
        }
        Ok(lines)
    }

    fn table(&self, names: &BTreeMap<String, f64>, lines: &[Line<'_>], prices: &PriceList) -> String {
        let mut out = String::new();
        let given = self.parameters.iter().map(|parameter| {
            let name = parameter.name.replace('_', " ");
            format!("{name} {}", names.get(&parameter.name).copied().unwrap_or_default())
        });
        // Writing to a string does not fail.
        let _ = writeln!(out, "A month with {}", given.collect::<Vec<_>>().join(", "));
        let _ = writeln!(out, "at the list prices of {}, {}, without free tiers:\n", prices.region, prices.date);
        let mut by_service: BTreeMap<&str, BTreeMap<&str, (f64, f64)>> = BTreeMap::new();
        let mut by_use: Vec<(&str, f64)> = Vec::new();
        for line in lines {
            let item = by_service.entry(line.service).or_default().entry(line.item).or_default();
            *item = (item.0 + line.quantity, item.1 + line.usd);
            match by_use.iter_mut().find(|(name, _)| *name == line.name) {
                Some((_, usd)) => *usd += line.usd,
                None => by_use.push((line.name, line.usd)),
            }
        }
        for (service, items) in &by_service {
            let usd: f64 = items.values().map(|(_, usd)| usd).sum();
            let _ = writeln!(out, "{service:<45} {:>17} {usd:>11.2} USD", "");
            for (item, (quantity, usd)) in items {
                let _ = writeln!(out, "  {item:<43} {quantity:>17.0} {usd:>11.2}");
            }
        }
        let _ = writeln!(out, "\nby use:");
        for (name, usd) in &by_use {
            let _ = writeln!(out, "  {name:<61} {usd:>11.2}");
        }
        let usd: f64 = lines.iter().map(|line| line.usd).sum();
        let _ = writeln!(out, "\n{:<63} {usd:>11.2} USD", "all");
        out
    }
}

fn value(text: &str, names: &BTreeMap<String, f64>, place: &str) -> Result<f64, CostError> {
    expression::value(text, names).map_err(|source| CostError::Expression { place: place.to_owned(), source })
}

/// The units of one use, as JSON for tests that measure them.
fn units(lines: &[Line<'_>]) -> String {
    let mut uses: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    for line in lines {
        uses.entry(line.name).or_default().insert(line.item, line.each);
    }
    let mut text = serde_json::to_string_pretty(&uses).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{
        "parameters": [{"name": "group_size", "default": 8, "meaning": "members"}],
        "quantities": [{"name": "messages", "value": "group_size * 1000000"}],
        "uses": [{"name": "message", "times": "messages", "each": {"SQS requests": "1 + group_size / 8"}}]
    }"#;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn units_times_uses_times_prices_are_the_bill() {
        let file: CostFile = serde_json::from_str(FILE).unwrap();
        let (names, units_only) = file.names(&words(&["--group-size", "16"])).unwrap();
        assert!(!units_only);
        let prices = PriceList::current();
        let lines = file.lines(&names, prices).unwrap();
        assert_eq!(lines.len(), 1);
        let Line { each, quantity, usd, .. } = lines[0];
        assert_eq!((each, quantity), (3.0, 48e6));
        assert!((usd - 48.0 * 0.40).abs() < 1e-9, "{usd}");
        let table = file.table(&names, &lines, prices);
        assert!(table.contains("group size 16") && table.contains("19.20 USD"), "{table}");
        assert_eq!(units(&lines), "{\n  \"message\": {\n    \"SQS requests\": 3.0\n  }\n}\n");
    }

    #[test]
    fn wrong_arguments_and_items_are_named() {
        let file: CostFile = serde_json::from_str(&FILE.replace("SQS requests", "Pigeons")).unwrap();
        for wrong in [&["--members", "3"][..], &["--group-size"], &["--group-size", "-1"], &["group-size", "1"]] {
            let error = file.names(&words(wrong)).unwrap_err().to_string();
            assert!(
                error.contains(&format!("`{}`", wrong[0])) && error.contains("--group-size (members, 8)"),
                "{error}"
            );
        }
        let (names, _) = file.names(&[]).unwrap();
        let error = file.lines(&names, PriceList::current()).unwrap_err().to_string();
        assert_eq!(error, "message: the price list has no `Pigeons`");
    }
}
