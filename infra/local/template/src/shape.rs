//! The keys that a mapping may have.

use super::error::Fault;
use super::yaml::Node;

/// The keys of a mapping. A key in neither list is an error: what cannot be supported must not be skipped in silence.
pub(super) struct Shape {
    /// The owner of these keys, for error messages: a resource type or the name of a property.
    pub(super) place: &'static str,
    /// Keys that the local cloud reads.
    pub(super) supported: &'static [&'static str],
    /// Keys that are accepted but have no meaning locally, grouped by the reason.
    pub(super) ignored: &'static [(&'static [&'static str], &'static str)],
}

impl Shape {
    /// Refuses keys that are in neither list.
    pub(super) fn check(&self, node: &Node) -> Result<(), Fault> {
        self.check_present(node, |_| Ok(true))
    }

    /// Refuses keys that are in neither list, before conditions are decided: a key that one may remove passes.
    pub(super) fn check_undecided(&self, node: &Node) -> Result<(), Fault> {
        self.check_present(node, |value| Ok(!value.may_be_removed()))
    }

    /// Refuses keys that are in neither list and whose value `is_present`.
    pub(super) fn check_present(
        &self,
        node: &Node,
        is_present: impl Fn(&Node) -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        for entry in node.map()? {
            if self.supported.contains(&entry.key.as_str()) || !is_present(&entry.value)? {
                continue;
            }
            let reason = self.reason_to_ignore(&entry.key).ok_or_else(|| {
                let ignored = self.ignored.iter().flat_map(|(keys, _)| keys.iter());
                let known = self.supported.iter().chain(ignored).copied();
                Fault::unknown_key(entry.line, &entry.key, self.place, known)
            })?;
            let (line, key, place) = (entry.line, &entry.key, self.place);
            tracing::debug!(line, "`{key}` of {place} has no meaning locally: {reason}");
        }
        Ok(())
    }

    fn reason_to_ignore(&self, key: &str) -> Option<&'static str> {
        let group = self.ignored.iter().find(|(keys, _)| keys.contains(&key));
        group.map(|(_, reason)| *reason)
    }
}
