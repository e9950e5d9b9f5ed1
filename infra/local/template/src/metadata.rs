//! The `Metadata` section: what a template says to the local cloud, and AWS ignores.
//!
//! ```yaml
//! Metadata:
//!   LocalCloud:
//!     Parameters: {Origins: "http://*"}    # instead of the default that a deployment has
//! ```

use std::collections::BTreeMap;

use super::error::{Fault, Problem};
use super::shape::Shape;
use super::yaml::{Entry, Node};

const KEY: &str = "LocalCloud";

const SHAPE: Shape = Shape { place: "`Metadata.LocalCloud`", supported: &["Parameters"], ignored: &[] };

/// Returns the values for the local cloud of some of these parameters. Other keys of the section are for other programs.
pub(super) fn local_parameters(root: &Node, parameters: &[Entry]) -> Result<BTreeMap<String, String>, Fault> {
    let Some(section) = root.get("Metadata").and_then(|metadata| metadata.get(KEY)) else {
        return Ok(BTreeMap::new());
    };
    SHAPE.check(section)?;
    let Some(values) = section.get("Parameters") else {
        return Ok(BTreeMap::new());
    };
    let value = |entry: &Entry| {
        if parameters.iter().all(|parameter| parameter.key != entry.key) {
            return Err(Fault::new(entry.line, Problem::UnknownName(entry.key.clone())));
        }
        Ok((entry.key.clone(), entry.value.text()?.to_owned()))
    };
    values.map()?.iter().map(value).collect()
}
