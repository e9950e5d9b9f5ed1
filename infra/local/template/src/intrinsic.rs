//! CloudFormation's intrinsic functions, by name.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>

use super::error::Fault;

/// An intrinsic function, whichever way it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intrinsic {
    Ref,
    GetAtt,
    Sub,
    Join,
    Select,
    Split,
    FindInMap,
    If,
    Equals,
    And,
    Or,
    Not,
    Condition,
    /// Known to CloudFormation, fine where a value has no meaning locally, an error where its value is needed.
    WithoutValue(&'static str),
}

const BY_NAME: [(&str, Intrinsic); 18] = [
    ("Ref", Intrinsic::Ref),
    ("GetAtt", Intrinsic::GetAtt),
    ("Sub", Intrinsic::Sub),
    ("Join", Intrinsic::Join),
    ("Select", Intrinsic::Select),
    ("Split", Intrinsic::Split),
    ("FindInMap", Intrinsic::FindInMap),
    ("If", Intrinsic::If),
    ("Equals", Intrinsic::Equals),
    ("And", Intrinsic::And),
    ("Or", Intrinsic::Or),
    ("Not", Intrinsic::Not),
    ("Condition", Intrinsic::Condition),
    ("Base64", Intrinsic::WithoutValue("Base64")),
    ("Cidr", Intrinsic::WithoutValue("Cidr")),
    ("GetAZs", Intrinsic::WithoutValue("GetAZs")),
    ("ImportValue", Intrinsic::WithoutValue("ImportValue")),
    ("Transform", Intrinsic::WithoutValue("Transform")),
];

impl Intrinsic {
    /// From a tag, without its exclamation mark: `Sub`.
    pub(super) fn from_tag(tag: &str, line: usize) -> Result<Self, Fault> {
        let known = BY_NAME.iter().find(|(name, _)| *name == tag);
        known.map(|(_, function)| *function).ok_or_else(|| {
            let names = supported_names();
            Fault::unknown_value(line, "the function", &format!("!{tag}"), names)
        })
    }

    /// From a key of the long form: `Fn::Sub`, `Ref`.
    pub(super) fn from_key(key: &str, line: usize) -> Result<Self, Fault> {
        let known = BY_NAME.iter().find(|(name, _)| match key.strip_prefix("Fn::") {
            Some(key) => *name == key && key != "Ref" && key != "Condition",
            None => *name == key,
        });
        known
            .map(|(_, function)| *function)
            .ok_or_else(|| Fault::unknown_value(line, "the function", key, supported_names()))
    }

    /// As the short form writes it, without the exclamation mark.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::WithoutValue(name) => name,
            _ => BY_NAME.iter().find(|(_, function)| *function == self).map_or("", |(name, _)| name),
        }
    }
}

fn supported_names() -> impl Iterator<Item = &'static str> {
    BY_NAME.iter().filter(|(_, function)| !matches!(function, Intrinsic::WithoutValue(_))).map(|(name, _)| *name)
}
