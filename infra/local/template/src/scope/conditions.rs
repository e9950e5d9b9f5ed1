//! The `Conditions` section and the functions that decide.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html>

use super::super::error::{Fault, Problem};
use super::super::intrinsic::Intrinsic;
use super::super::yaml::{Node, Value, arguments};
use super::Scope;

impl Scope<'_> {
    /// Evaluates the condition of that name.
    pub(crate) fn condition(&self, name: &str, line: usize) -> Result<bool, Fault> {
        let condition = self.template.conditions.iter().find(|entry| entry.key == name);
        let condition = condition.ok_or_else(|| Fault::new(line, Problem::UnknownName(name.to_owned())))?;
        self.once(name, line, || holds(self, &condition.value))
    }
}

/// Evaluates a condition: a call of one of the deciding functions, or `Condition: <name>`.
fn holds(scope: &Scope<'_>, node: &Node) -> Result<bool, Fault> {
    let (function, argument) = match &node.value {
        Value::Call(function, argument) => (*function, &**argument),
        Value::Map(entries) => match entries.as_slice() {
            [entry] if entry.key == "Condition" => (Intrinsic::Condition, &entry.value),
            _ => return Err(expected(node)),
        },
        _ => return Err(expected(node)),
    };
    match function {
        Intrinsic::Condition => scope.condition(argument.text()?, argument.line),
        Intrinsic::Equals => {
            let [left, right] = arguments(argument, "Equals", "two values")?;
            Ok(scope.text(left)? == scope.text(right)?)
        }
        Intrinsic::Not => {
            let [condition] = arguments(argument, "Not", "a list of one condition")?;
            Ok(!holds(scope, condition)?)
        }
        // Every operand is evaluated, so that a fault in one does not depend on the others.
        Intrinsic::And => Ok(operands(scope, argument)?.into_iter().all(|holds| holds)),
        Intrinsic::Or => Ok(operands(scope, argument)?.into_iter().any(|holds| holds)),
        _ => Err(expected(node)),
    }
}

/// The branch of `[condition, if true, if false]` that applies.
pub(super) fn branch<'n>(scope: &Scope<'_>, argument: &'n Node) -> Result<&'n Node, Fault> {
    let [condition, yes, no] = arguments(argument, "If", "a condition's name and two values")?;
    Ok(if scope.condition(condition.text()?, condition.line)? { yes } else { no })
}

fn operands(scope: &Scope<'_>, argument: &Node) -> Result<Vec<bool>, Fault> {
    let conditions = argument.list()?;
    if !(2..=10).contains(&conditions.len()) {
        return Err(argument.expected("a list of 2 to 10 conditions"));
    }
    conditions.iter().map(|condition| holds(scope, condition)).collect()
}

fn expected(node: &Node) -> Fault {
    node.expected("a condition: `Equals`, `Not`, `And`, `Or` or `Condition`")
}
