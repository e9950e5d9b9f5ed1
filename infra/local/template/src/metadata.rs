//! The `Metadata` section: what a template says to the local cloud, and AWS ignores.
//!
//! ```yaml
//! Metadata:
//!   LocalCloud:
//!     Parameters: {Origins: "http://*"}    # instead of the default that a deployment has
//!     Binary: every-function               # serves each function, called by the name of the function's own binary
//! ```

use std::collections::BTreeMap;

use super::error::{Fault, Problem};
use super::shape::Shape;
use super::yaml::{Entry, Node};

const KEY: &str = "LocalCloud";

const SHAPE: Shape = Shape { place: "`Metadata.LocalCloud`", supported: &["Binary", "Parameters"], ignored: &[] };

/// What a template says to the local cloud.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    /// Values for some of the parameters.
    pub(super) parameters: BTreeMap<String, String>,
    /// The cargo binary that serves all functions.
    pub(super) binary: Option<String>,
}

/// Reads the section. Its other keys are for other programs.
pub(super) fn read(root: &Node, parameters: &[Entry]) -> Result<Metadata, Fault> {
    let Some(section) = root.get("Metadata").and_then(|metadata| metadata.get(KEY)) else {
        return Ok(Metadata::default());
    };
    SHAPE.check(section)?;
    Ok(Metadata {
        parameters: section
            .get("Parameters")
            .map_or_else(|| Ok(BTreeMap::new()), |values| given(values, parameters))?,
        binary: section.get("Binary").map(|binary| binary.text().map(str::to_owned)).transpose()?,
    })
}

fn given(values: &Node, parameters: &[Entry]) -> Result<BTreeMap<String, String>, Fault> {
    let value = |entry: &Entry| {
        if parameters.iter().all(|parameter| parameter.key != entry.key) {
            return Err(Fault::new(entry.line, Problem::UnknownName(entry.key.clone())));
        }
        Ok((entry.key.clone(), entry.value.text()?.to_owned()))
    };
    values.map()?.iter().map(value).collect()
}
