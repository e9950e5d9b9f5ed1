//! Reads the IAM policy that an authorizer returns.

use serde::Deserialize;
use serde_json::Value;

/// The one action that matters.
const ACTION: &str = "execute-api:Invoke";

/// A policy's decision about a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allow,
    /// A statement denies it; that outweighs any that allows.
    ExplicitDeny,
    /// No statement speaks of it.
    ImplicitDeny,
}

/// A policy document. Keys that would change its meaning and are not evaluated here (`Condition`, `NotAction`,
/// `NotResource`) are errors.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Policy {
    #[serde(rename = "Version")]
    _version: Option<String>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    statement: OneOrMany<Statement>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    effect: Effect,
    action: OneOrMany<String>,
    resource: OneOrMany<String>,
    /// Clients that build policies from a general type write an empty one.
    #[serde(default, deserialize_with = "no_condition", rename = "Condition")]
    _condition: (),
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    fn as_slice(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl Policy {
    /// Decides if the bearer may invoke `resource`.
    pub(crate) fn evaluate(&self, resource: &str) -> Verdict {
        let mut verdict = Verdict::ImplicitDeny;
        for statement in self.statement.as_slice().iter().filter(|statement| statement.covers(resource)) {
            if statement.effect == Effect::Deny {
                return Verdict::ExplicitDeny;
            }
            verdict = Verdict::Allow;
        }
        verdict
    }
}

impl Statement {
    fn covers(&self, resource: &str) -> bool {
        let action = ACTION.to_ascii_lowercase();
        self.action.as_slice().iter().any(|pattern| matches(pattern.to_ascii_lowercase().as_bytes(), action.as_bytes()))
            && self.resource.as_slice().iter().any(|pattern| matches(pattern.as_bytes(), resource.as_bytes()))
    }
}

/// IAM's wildcards: `*` for any run of characters, `?` for one.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // After a mismatch, the last `*` takes one character more.
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, t) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

fn no_condition<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(()),
        Value::Object(fields) if fields.is_empty() => Ok(()),
        _ => Err(serde::de::Error::custom("`Condition` is not supported")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:execute-api:us-east-1:000000000000:abc/prod/$connect";

    fn verdict(statements: &Value) -> Verdict {
        let policy: Policy =
            serde_json::from_value(json!({ "Version": "2012-10-17", "Statement": statements })).unwrap();
        policy.evaluate(ARN)
    }

    fn statement(effect: &str, action: &str, resource: &str) -> Value {
        json!({ "Effect": effect, "Action": action, "Resource": resource })
    }

    #[test]
    fn a_deny_outweighs_and_silence_denies() {
        let allow = statement("Allow", "execute-api:Invoke", ARN);
        let deny = statement("Deny", "execute-api:Invoke", "*");
        assert_eq!(verdict(&allow), Verdict::Allow);
        assert_eq!(verdict(&json!([allow, deny])), Verdict::ExplicitDeny);
        assert_eq!(verdict(&json!([])), Verdict::ImplicitDeny);
        assert_eq!(verdict(&statement("Allow", "execute-api:Invoke", "arn:other")), Verdict::ImplicitDeny);
        assert_eq!(verdict(&statement("Allow", "s3:GetObject", "*")), Verdict::ImplicitDeny);
    }

    #[test]
    fn wildcards_and_lists_are_understood() {
        assert_eq!(
            verdict(&statement("Allow", "execute-api:*", "arn:aws:execute-api:*:*:abc/*/$connect")),
            Verdict::Allow
        );
        assert_eq!(verdict(&statement("Allow", "EXECUTE-API:INVOKE", "arn:*abc/pro?/*")), Verdict::Allow);
        assert_eq!(verdict(&statement("Allow", "*", "arn:*abc/pro/*")), Verdict::ImplicitDeny);
        let lists = json!({ "Effect": "Allow", "Action": ["a:b", "execute-api:Invoke"], "Resource": ["x", "*"] });
        assert_eq!(verdict(&lists), Verdict::Allow);
    }

    #[test]
    fn what_is_not_evaluated_is_an_error() {
        let conditional = json!({
            "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": { "Bool": { "a": "b" } } }
        });
        let negated = json!({ "Statement": { "Effect": "Allow", "NotAction": "x", "Resource": "*" } });
        for policy in [conditional, negated, json!({}), json!({ "Statement": "*" })] {
            assert!(serde_json::from_value::<Policy>(policy.clone()).is_err(), "{policy}");
        }
    }
}
