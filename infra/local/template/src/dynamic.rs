//! Dynamic references: values that CloudFormation reads from Parameter Store and Secrets Manager, `{{resolve:…}}`.
//!
//! Here they come from a file of the developer's beside the template, see [`FILE`].
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html>

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::error::Fault;

/// Name of the file with the values. Example: `{"ssm": {"/app/url": "…"}, "secretsmanager": {"app": {"password": "…"}}}`.
pub(super) const FILE: &str = "local-references.json";

const OPEN: &str = "{{resolve:";
const CLOSE: &str = "}}";
const SERVICES: [&str; 3] = ["ssm", "ssm-secure", "secretsmanager"];

/// The values of dynamic references.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DynamicReferences {
    /// Parameters by name, for `ssm` and `ssm-secure`.
    #[serde(default)]
    ssm: BTreeMap<String, String>,
    /// Secrets by name or ARN: a text, or an object with a text for each key.
    #[serde(default)]
    secretsmanager: BTreeMap<String, Value>,
}

impl DynamicReferences {
    /// Reads the file in a folder; no file, no values.
    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        match std::fs::read(folder.join(FILE)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Returns the text with the value of each reference in its place. A part of a reference stays as it is: a function of the
    /// template may put it together.
    pub(super) fn substitute(&self, text: &str, line: usize) -> Result<String, Fault> {
        let mut result = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(OPEN) {
            let Some((reference, behind)) = after.split_once(CLOSE) else { break };
            result.push_str(before);
            result.push_str(&self.value(reference, line)?);
            rest = behind;
        }
        result.push_str(rest);
        Ok(result)
    }

    fn value(&self, reference: &str, line: usize) -> Result<String, Fault> {
        let (service, key) = reference.split_once(':').unwrap_or((reference, ""));
        let found = match service {
            "ssm" | "ssm-secure" => self.parameter(key),
            "secretsmanager" => self.secret(key),
            _ => return Err(Fault::unknown_value(line, "the dynamic reference to", service, SERVICES)),
        };
        found.ok_or_else(|| {
            let section = service.strip_suffix("-secure").unwrap_or(service);
            let sentence = format!(
                "`{OPEN}{reference}{CLOSE}` has no value here: add it to `{section}` in the file `{FILE}` beside the template"
            );
            Fault::invalid(line, sentence)
        })
    }

    /// The value of `name` or `name:version`.
    fn parameter(&self, key: &str) -> Option<String> {
        let without_version =
            key.rsplit_once(':').filter(|(_, version)| version.bytes().all(|byte| byte.is_ascii_digit()));
        let name = without_version.map_or(key, |(name, _)| name);
        self.ssm.get(name).or_else(|| self.ssm.get(name_in_arn(name, ":parameter")?)).cloned()
    }

    /// The value of `id`, or `id:SecretString:json-key:version-stage:version-id`, from which ends may be left out.
    fn secret(&self, key: &str) -> Option<String> {
        let (id, rest) = key.split_once(":SecretString").unwrap_or((key, ""));
        let stored = self.secretsmanager.get(id).or_else(|| self.secretsmanager.get(name_in_arn(id, ":secret:")?))?;
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match rest.split(':').nth(1).filter(|key| !key.is_empty()) {
            None => Some(text(stored)),
            Some(key) => match stored {
                Value::String(json) => serde_json::from_str::<Value>(json).ok()?.get(key).map(text),
                object => object.get(key).map(text),
            },
        }
    }
}

/// The name at the end of an ARN, where the service's part of it begins with `mark`.
fn name_in_arn<'a>(id: &'a str, mark: &str) -> Option<&'a str> {
    id.starts_with("arn:").then(|| id.split_once(mark)).flatten().map(|(_, name)| name)
}
