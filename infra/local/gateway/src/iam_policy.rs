//! Reads the IAM policy that an authorizer returns.

use local_aws::policy::{self, Statement as Rule, Verdict};
use serde::Deserialize;
use serde_json::Value;

/// The one action that matters.
const ACTION: &str = "execute-api:Invoke";

/// The policy document that a Lambda authorizer returns.
#[derive(Debug, Deserialize)]
#[serde(from = "Document")]
pub(crate) struct Policy(policy::Policy);

/// A policy as JSON. Keys that would change its meaning and are not evaluated here (`Condition`, `NotAction`, `NotResource`) are
/// errors.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
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

#[derive(Debug, Deserialize)]
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
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

impl From<Document> for Policy {
    fn from(document: Document) -> Self {
        let rule = |Statement { effect, action, resource, .. }| {
            let effect = match effect {
                Effect::Allow => policy::Effect::Allow,
                Effect::Deny => policy::Effect::Deny,
            };
            Rule::new(effect, &action.into_vec(), resource.into_vec())
        };
        Self(document.statement.into_vec().into_iter().map(rule).collect())
    }
}

impl Policy {
    /// Decides if the bearer may invoke `resource`.
    pub(crate) fn evaluate(&self, resource: &str) -> Verdict {
        self.0.evaluate(ACTION, resource)
    }
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
