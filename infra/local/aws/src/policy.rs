//! IAM policies: statements, and what they decide about a request.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

/// A policy's decision about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A statement allows it, and none denies it.
    Allow,
    /// A statement denies it; that outweighs any that allows.
    ExplicitDeny,
    /// No statement speaks of it.
    ImplicitDeny,
}

/// The effect of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Allows what it covers.
    Allow,
    /// Denies what it covers.
    Deny,
}

/// A statement of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    effect: Effect,
    /// Patterns in lower case: actions have no case.
    actions: Vec<String>,
    /// Patterns of ARNs, in which `*` and `?` are wildcards.
    resources: Vec<String>,
}

impl Statement {
    /// Makes a statement of patterns, in which `*` stands for any text and `?` for one character.
    pub fn new(effect: Effect, actions: &[String], resources: Vec<String>) -> Self {
        Self { effect, actions: actions.iter().map(|action| action.to_ascii_lowercase()).collect(), resources }
    }

    fn covers(&self, action: &str, resource: &str) -> bool {
        self.actions.iter().any(|pattern| matches(pattern.as_bytes(), action.as_bytes()))
            && self.resources.iter().any(|pattern| matches(pattern.as_bytes(), resource.as_bytes()))
    }
}

/// The statements of all policies of a role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    statements: Vec<Statement>,
}

impl FromIterator<Statement> for Policy {
    fn from_iter<I: IntoIterator<Item = Statement>>(statements: I) -> Self {
        Self { statements: statements.into_iter().collect() }
    }
}

impl Policy {
    /// Decides about an action on a resource.
    pub fn evaluate(&self, action: &str, resource: &str) -> Verdict {
        let action = action.to_ascii_lowercase();
        let mut verdict = Verdict::ImplicitDeny;
        for statement in self.statements.iter().filter(|statement| statement.covers(&action, resource)) {
            if statement.effect == Effect::Deny {
                return Verdict::ExplicitDeny;
            }
            verdict = Verdict::Allow;
        }
        verdict
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

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/items";

    fn statement(effect: Effect, action: &str, resource: &str) -> Statement {
        Statement::new(effect, &[action.to_owned()], vec![resource.to_owned()])
    }

    fn verdict(statements: &[Statement]) -> Verdict {
        statements.iter().cloned().collect::<Policy>().evaluate("dynamodb:PutItem", TABLE)
    }

    #[test]
    fn a_deny_outweighs_and_silence_denies() {
        let allow = statement(Effect::Allow, "dynamodb:PutItem", TABLE);
        assert_eq!(verdict(&[]), Verdict::ImplicitDeny);
        assert_eq!(verdict(std::slice::from_ref(&allow)), Verdict::Allow);
        assert_eq!(verdict(&[allow, statement(Effect::Deny, "dynamodb:*", "*")]), Verdict::ExplicitDeny);
        assert_eq!(verdict(&[statement(Effect::Allow, "dynamodb:GetItem", TABLE)]), Verdict::ImplicitDeny);
        assert_eq!(verdict(&[statement(Effect::Allow, "dynamodb:PutItem", "arn:other")]), Verdict::ImplicitDeny);
    }

    #[test]
    fn actions_have_no_case_and_wildcards_stand_for_text() {
        for (action, resource) in [
            ("DYNAMODB:putitem", TABLE),
            ("dynamodb:Put*", "arn:aws:dynamodb:*:*:table/items"),
            ("*", "*"),
            ("dynamodb:P?tItem", "arn:*:table/item?"),
        ] {
            assert_eq!(verdict(&[statement(Effect::Allow, action, resource)]), Verdict::Allow, "{action} {resource}");
        }
        for (action, resource) in [("dynamodb:Put", TABLE), ("*", "arn:*/item"), ("*", "ARN:*"), ("*", "*/items?")] {
            assert_eq!(verdict(&[statement(Effect::Allow, action, resource)]), Verdict::ImplicitDeny, "{resource}");
        }
    }
}
