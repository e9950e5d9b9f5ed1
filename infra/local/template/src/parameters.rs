//! The `Parameters` section: types, defaults, constraints and the values given on the command line.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>

use std::collections::BTreeMap;

use super::error::Fault;
use super::shape::Shape;
use super::yaml::{Entry, Node, list_of};

const SHAPE: Shape = Shape {
    place: "a parameter",
    supported: &[
        "Type",
        "Default",
        "AllowedPattern",
        "AllowedValues",
        "ConstraintDescription",
        "MinLength",
        "MaxLength",
        "MinValue",
        "MaxValue",
    ],
    ignored: &[(&["Description", "NoEcho"], "for people and consoles")],
};

/// A parameter whose value is one text.
const TEXTS: [&str; 2] = ["String", "Number"];
/// A parameter whose value is a comma separated list.
const LISTS: [&str; 3] = ["CommaDelimitedList", "List<Number>", "List<String>"];

/// Checks the section's shape.
pub(super) fn check(parameters: &[Entry]) -> Result<(), Fault> {
    for parameter in parameters {
        SHAPE.check(&parameter.value)?;
        let kind = kind(parameter)?;
        if !TEXTS.contains(&kind) && !LISTS.contains(&kind) && !is_resource_id(kind) {
            let line = parameter.value.get("Type").map_or(parameter.line, |kind| kind.line);
            let supported = TEXTS.into_iter().chain(LISTS).chain(["AWS::EC2::…", "List<AWS::EC2::…>"]);
            return Err(Fault::unknown_value(line, "the parameter type", kind, supported));
        }
    }
    Ok(())
}

/// The values of all parameters: what was given, else the default.
pub(super) fn values(parameters: &[Entry], given: &BTreeMap<String, String>) -> Result<BTreeMap<String, Node>, Fault> {
    parameters.iter().map(|parameter| Ok((parameter.key.clone(), value(parameter, given)?))).collect()
}

fn value(parameter: &Entry, given: &BTreeMap<String, String>) -> Result<Node, Fault> {
    let default = parameter.value.get("Default");
    let text = match (given.get(&parameter.key), default) {
        (Some(given), _) => given.as_str(),
        (None, Some(default)) => default.text()?,
        (None, None) => {
            let name = &parameter.key;
            let sentence = format!("the parameter `{name}` has no default: give it with `--parameter {name}=…`");
            return Err(Fault::invalid(parameter.line, sentence));
        }
    };
    let line = default.map_or(parameter.line, |default| default.line);
    let kind = kind(parameter)?;
    if TEXTS.contains(&kind) || kind.starts_with("AWS::") {
        constrain(parameter, kind == "Number", text)?;
        return Ok(Node::scalar(line, text));
    }
    let items: Vec<_> = text.split(',').map(|item| item.trim().to_owned()).collect();
    for item in &items {
        constrain(parameter, kind == "List<Number>", item)?;
    }
    Ok(list_of(line, items))
}

fn constrain(parameter: &Entry, numeric: bool, text: &str) -> Result<(), Fault> {
    let name = &parameter.key;
    let description = parameter.value.get("ConstraintDescription").map(Node::text).transpose()?;
    let refuse = |rule: &str| {
        let rule = description.map_or_else(|| rule.to_owned(), |description| format!("{rule} ({description})"));
        Err(Fault::invalid(parameter.line, format!("`{text}` is not allowed for `{name}`: {rule}")))
    };
    let number = text.parse::<f64>().ok();
    if numeric && number.is_none() {
        return refuse("it must be a number");
    }
    if let Some(allowed) = parameter.value.get("AllowedValues") {
        let allowed = allowed.list()?.iter().map(Node::text).collect::<Result<Vec<_>, _>>()?;
        if !allowed.contains(&text) {
            return refuse(&format!("it must be one of {}", allowed.join(", ")));
        }
    }
    if let Some(pattern) = parameter.value.get("AllowedPattern")
        && !is_whole_match(pattern, text)?
    {
        return refuse(&format!("it does not match {}", pattern.text()?));
    }
    let length = text.chars().count();
    if bound(parameter, "MinLength")?.is_some_and(|(least, _)| least > size(length)) {
        return refuse("it is shorter than `MinLength`");
    }
    if bound(parameter, "MaxLength")?.is_some_and(|(most, _)| most < size(length)) {
        return refuse("it is longer than `MaxLength`");
    }
    if let (Some(number), Some((least, text))) = (number, bound(parameter, "MinValue")?)
        && number < least
    {
        return refuse(&format!("it must be at least {text}"));
    }
    if let (Some(number), Some((most, text))) = (number, bound(parameter, "MaxValue")?)
        && number > most
    {
        return refuse(&format!("it must be at most {text}"));
    }
    Ok(())
}

/// CloudFormation's patterns are Java's and have to match the whole value. Look-around and back-references, which only Java
/// has, are a fault.
fn is_whole_match(pattern: &Node, text: &str) -> Result<bool, Fault> {
    let whole = format!("^(?:{})$", pattern.text()?);
    let regex = regex_lite::Regex::new(&whole)
        .map_err(|error| Fault::invalid(pattern.line, format!("`AllowedPattern` is not supported locally: {error}")))?;
    Ok(regex.is_match(text))
}

fn bound<'a>(parameter: &'a Entry, key: &str) -> Result<Option<(f64, &'a str)>, Fault> {
    let Some(node) = parameter.value.get(key) else {
        return Ok(None);
    };
    let text = node.text()?;
    let number = text.parse().map_err(|_| node.expected("a number"))?;
    Ok(Some((number, text)))
}

/// Lengths of parameters are at most 4,096 characters, which a float holds exactly.
fn size(length: usize) -> f64 {
    u32::try_from(length).map_or(f64::MAX, f64::from)
}

fn kind(parameter: &Entry) -> Result<&str, Fault> {
    match parameter.value.get("Type") {
        Some(kind) => kind.text(),
        None => Err(Fault::missing(parameter.line, "Type", &format!("the parameter `{}`", parameter.key))),
    }
}

fn is_resource_id(kind: &str) -> bool {
    kind.starts_with("AWS::EC2::") || kind.starts_with("List<AWS::EC2::")
}
