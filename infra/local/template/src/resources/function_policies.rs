//! `Policies` of a function: the statements of the role that SAM makes for it.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html#sam-function-policies>

use local_aws::Policy;
use local_aws::policy::{Effect, Statement};

use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::scope::Scope;
use super::super::shape::Shape;
use super::super::yaml::{Node, Value};
use super::policy_templates;

const DOCUMENT: Shape = Shape {
    place: "a policy of a function",
    supported: &["Statement"],
    ignored: &[(&["Id", "Version"], "there is one language of policies")],
};

const STATEMENT: Shape = Shape {
    place: "a statement of a policy",
    supported: &["Action", "Condition", "Effect", "Resource"],
    ignored: &[(&["Sid"], "for people")],
};

const CONDITION: Shape = Shape { place: "the condition of a statement", supported: &["Null"], ignored: &[] };

/// The key that requests of a function's code have, and those that Lambda makes for the function have not.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html>
const NULL: Shape = Shape { place: "`Null`", supported: &["lambda:SourceFunctionArn"], ignored: &[] };

/// The managed policy that every function has: it allows to write logs.
const BASIC_EXECUTION: [&str; 2] =
    ["AWSLambdaBasicExecutionRole", "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"];

/// Actions that SAM allows to a function with a queue as its source.
pub(super) const QUEUE_SOURCE: &[&str] = &["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
/// Actions that SAM allows to a function with a stream as its source.
pub(super) const STREAM_SOURCE: &[&str] =
    &["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"];

/// Reads all statements; `sources` are the actions that its event sources need.
pub(super) fn read(
    scope: &Scope<'_>,
    fields: &Fields<'_>,
    sources: &[Option<&'static [&'static str]>],
) -> Result<Policy, Fault> {
    let mut statements = Vec::new();
    for node in fields.node("Policies")?.map(one_or_many).unwrap_or_default() {
        if let Some(policy) = scope.decide(node)? {
            statements.extend(policy_statements(scope, policy)?);
        }
    }
    for actions in sources.iter().flatten() {
        let actions: Vec<_> = actions.iter().map(|action| (*action).to_owned()).collect();
        statements.push(Statement::new(Effect::Allow, &actions, vec!["*".to_owned()]));
    }
    Ok(statements.into_iter().collect())
}

/// The statements of one entry of `Policies`.
fn policy_statements(scope: &Scope<'_>, policy: &Node) -> Result<Vec<Statement>, Fault> {
    let Value::Map(entries) = &policy.value else {
        let name = scope.text(policy)?;
        if BASIC_EXECUTION.contains(&name.as_str()) {
            return Ok(Vec::new());
        }
        return Err(Fault::unknown_value(policy.line, "the managed policy", &name, BASIC_EXECUTION));
    };
    if let Some((template, parameters)) = policy_templates::find(entries) {
        return Ok(template.statement(scope, parameters)?.into_iter().collect());
    }
    if let [entry] = &entries[..]
        && entry.key.ends_with("Policy")
    {
        let known = DOCUMENT.supported.iter().copied().chain(policy_templates::names());
        return Err(Fault::unknown_key(entry.line, &entry.key, DOCUMENT.place, known));
    }
    let Some(document) = Fields::open(scope, policy, &DOCUMENT)? else { return Ok(Vec::new()) };
    let Some(statements) = document.node("Statement")? else { return Err(document.missing("Statement")) };
    let statements = one_or_many(statements).iter().map(|node| statement(scope, node));
    statements.filter_map(Result::transpose).collect()
}

fn statement(scope: &Scope<'_>, node: &Node) -> Result<Option<Statement>, Fault> {
    let Some(fields) = Fields::open(scope, node, &STATEMENT)? else { return Ok(None) };
    let effect = match fields.one_of("Effect", &["Allow", "Deny"])?.as_deref() {
        Some("Allow") => Effect::Allow,
        Some(_) => Effect::Deny,
        None => return Err(fields.missing("Effect")),
    };
    let required = |key: &str| {
        let texts = fields.texts(key)?;
        if texts.is_empty() { Err(fields.missing(key)) } else { Ok(texts) }
    };
    let (actions, resources) = (required("Action")?, required("Resource")?);
    if let Some(condition) = fields.object("Condition", &CONDITION)? {
        require_code_of_function(&condition)?;
    }
    if let Some(action) = actions.iter().find(|action| *action != "*" && !action.contains(':')) {
        let sentence = format!("`{action}` is no action: they are `<service>:<name>`, or `*`");
        return Err(Fault::invalid(fields.line("Action"), sentence));
    }
    if let Some(resource) = resources.iter().find(|resource| resource.contains("${")) {
        let sentence = format!("the policy variable in `{resource}` is not supported");
        return Err(Fault::invalid(fields.line("Resource"), sentence));
    }
    if let Some(resource) = resources.iter().find(|resource| *resource != "*" && !resource.starts_with("arn:")) {
        let sentence = format!("`{resource}` is no resource: they are ARNs, or `*`");
        return Err(Fault::invalid(fields.line("Resource"), sentence));
    }
    Ok(Some(Statement::new(effect, &actions, resources)))
}

/// Accepts the condition that holds for every request here: that the code of a function makes it.
fn require_code_of_function(condition: &Fields<'_>) -> Result<(), Fault> {
    const KEY: &str = "lambda:SourceFunctionArn";
    let Some(keys) = condition.object("Null", &NULL)? else { return Err(condition.missing("Null")) };
    keys.one_of(KEY, &["false"])?.map(drop).ok_or_else(|| keys.missing(KEY))
}

/// The entries of a list, or the one that stands for a list.
fn one_or_many(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(nodes) => nodes,
        _ => std::slice::from_ref(node),
    }
}
