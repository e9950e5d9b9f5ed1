//! `FilterCriteria` of an event source mapping: which records a function gets to see.
//!
//! The patterns are EventBridge's, as far as Lambda takes them:
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html>. Content filters that it does not list
//! (`cidr`, `wildcard`) are errors here, too.

use serde_json::{Map, Value};

/// Patterns of which a record has to match one. Without any, every record does.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    patterns: Vec<Fields>,
}

/// A pattern that Lambda would refuse; the sentence says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the pattern is not valid: {0}")]
pub struct PatternError(String);

/// Conditions on the fields of an object: all of them, and one of each list of alternatives.
#[derive(Debug, Clone, Default)]
struct Fields {
    fields: Vec<(String, Pattern)>,
    alternatives: Vec<Vec<Fields>>,
}

#[derive(Debug, Clone)]
enum Pattern {
    Object(Fields),
    Value(Vec<Rule>),
}

#[derive(Debug, Clone)]
enum Rule {
    Equals(Value),
    EqualsIgnoreCase(String),
    Prefix(String),
    Suffix(String),
    AnythingBut(Vec<Rule>),
    /// All of these comparisons.
    Numeric(Vec<(Comparison, f64)>),
    Exists(bool),
}

#[derive(Debug, Clone, Copy)]
enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

impl EventFilter {
    /// Adds a pattern, as JSON.
    pub fn or(&mut self, pattern: &str) -> Result<(), PatternError> {
        let pattern: Value = serde_json::from_str(pattern).map_err(|error| PatternError(error.to_string()))?;
        self.patterns.push(Fields::read(object(&pattern)?)?);
        Ok(())
    }

    /// Returns true if the function gets this record.
    pub fn matches(&self, record: &Value) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.matches(Some(record)))
    }
}

fn invalid<T>(sentence: impl Into<String>) -> Result<T, PatternError> {
    Err(PatternError(sentence.into()))
}

fn object(value: &Value) -> Result<&Map<String, Value>, PatternError> {
    match value.as_object() {
        Some(object) if !object.is_empty() => Ok(object),
        Some(_) => invalid("an object has no fields"),
        None => invalid(format!("expected an object, found {value}")),
    }
}

fn list(value: &Value) -> Result<&[Value], PatternError> {
    match value.as_array() {
        Some(list) if !list.is_empty() => Ok(list),
        Some(_) => invalid("a list is empty"),
        None => invalid(format!("expected a list, found {value}")),
    }
}

fn text(value: &Value) -> Result<String, PatternError> {
    match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => invalid(format!("expected a text, found {value}")),
    }
}

impl Fields {
    fn read(object_of_patterns: &Map<String, Value>) -> Result<Self, PatternError> {
        let mut read = Self::default();
        for (key, value) in object_of_patterns {
            match value {
                Value::Array(_) if key == "$or" => {
                    let alternatives = list(value)?.iter().map(|fields| Self::read(object(fields)?));
                    read.alternatives.push(alternatives.collect::<Result<_, _>>()?);
                }
                Value::Array(_) => {
                    let rules = list(value)?.iter().map(Rule::read).collect::<Result<_, _>>()?;
                    read.fields.push((key.clone(), Pattern::Value(rules)));
                }
                Value::Object(_) => read.fields.push((key.clone(), Pattern::Object(Self::read(object(value)?)?))),
                other => return invalid(format!("`{key}` is neither an object nor a list, but {other}")),
            }
        }
        Ok(read)
    }

    /// `None` is an object that is not there.
    fn matches(&self, event: Option<&Value>) -> bool {
        let field = |key: &str| event.and_then(|event| event.get(key));
        self.fields.iter().all(|(key, pattern)| pattern.matches(field(key)))
            && self.alternatives.iter().all(|fields| fields.iter().any(|fields| fields.matches(event)))
    }
}

impl Pattern {
    fn matches(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Object(fields), Some(Value::Array(items))) => items.iter().any(|item| fields.matches(Some(item))),
            (Self::Object(fields), None | Some(Value::Object(_))) => fields.matches(value),
            (Self::Object(_), Some(_)) => false,
            (Self::Value(rules), value) => rules.iter().any(|rule| rule.matches(value)),
        }
    }
}

impl Rule {
    fn read(value: &Value) -> Result<Self, PatternError> {
        let filter = match value {
            Value::Object(filter) => filter,
            Value::Array(_) => return invalid("a list is in a list"),
            value => return Ok(Self::Equals(value.clone())),
        };
        let mut entries = filter.iter();
        let (Some((name, argument)), None) = (entries.next(), entries.next()) else {
            return invalid(format!("a content filter has one key, and {value} has not"));
        };
        match name.as_str() {
            "prefix" => text(argument).map(Self::Prefix),
            "suffix" => text(argument).map(Self::Suffix),
            "equals-ignore-case" => text(argument).map(Self::EqualsIgnoreCase),
            "exists" => match argument.as_bool() {
                Some(exists) => Ok(Self::Exists(exists)),
                None => invalid("`exists` is true or false"),
            },
            "anything-but" => {
                let others = match argument {
                    Value::Array(_) => list(argument)?,
                    one => std::slice::from_ref(one),
                };
                let others = others.iter().map(Self::read).collect::<Result<Vec<_>, _>>()?;
                if others.iter().all(|rule| matches!(rule, Self::Equals(_) | Self::Prefix(_) | Self::Suffix(_))) {
                    return Ok(Self::AnythingBut(others));
                }
                invalid("`anything-but` is about values, a `prefix` or a `suffix`")
            }
            "numeric" => comparisons(list(argument)?).map(Self::Numeric),
            other => invalid(format!("the content filter `{other}` is not one of Lambda's")),
        }
    }

    fn matches(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Exists(wanted), value) => {
                // It is about leaves: an object is none.
                *wanted == value.is_some_and(|value| !value.is_object())
            }
            (_, None) => false,
            (Self::AnythingBut(others), Some(Value::Array(items))) => {
                items.iter().any(|item| !others.iter().any(|rule| rule.matches(Some(item))))
            }
            (rule, Some(Value::Array(items))) => items.iter().any(|item| rule.matches(Some(item))),
            (Self::AnythingBut(others), value) => !others.iter().any(|rule| rule.matches(value)),
            (Self::Equals(Value::Number(wanted)), Some(Value::Number(value))) => wanted.as_f64() == value.as_f64(),
            (Self::Equals(wanted), Some(value)) => wanted == value,
            (Self::EqualsIgnoreCase(wanted), Some(Value::String(text))) => text.to_lowercase() == wanted.to_lowercase(),
            (Self::Prefix(prefix), Some(Value::String(text))) => text.starts_with(prefix),
            (Self::Suffix(suffix), Some(Value::String(text))) => text.ends_with(suffix),
            (Self::Numeric(comparisons), Some(Value::Number(number))) => {
                number.as_f64().is_some_and(|number| comparisons.iter().all(|(is, limit)| is.holds(number, *limit)))
            }
            _ => false,
        }
    }
}

/// `[">", 0, "<=", 5]`
fn comparisons(list: &[Value]) -> Result<Vec<(Comparison, f64)>, PatternError> {
    let (pairs, rest) = list.as_chunks::<2>();
    if !rest.is_empty() || pairs.len() > 2 {
        return invalid("`numeric` is one or two pairs of a comparison and a number");
    }
    let read = |[comparison, limit]: &[Value; 2]| {
        let comparison = match comparison.as_str() {
            Some("<") => Comparison::Less,
            Some("<=") => Comparison::LessOrEqual,
            Some("=") => Comparison::Equal,
            Some(">=") => Comparison::GreaterOrEqual,
            Some(">") => Comparison::Greater,
            _ => return invalid(format!("{comparison} is no comparison of numbers")),
        };
        limit.as_f64().map(|limit| (comparison, limit)).ok_or_else(|| PatternError(format!("{limit} is no number")))
    };
    pairs.iter().map(read).collect()
}

impl Comparison {
    fn holds(self, number: f64, limit: f64) -> bool {
        match self {
            Self::Less => number < limit,
            Self::LessOrEqual => number <= limit,
            // Both come from JSON, where 1 and 1.0 are one number.
            #[expect(clippy::float_cmp, reason = "a pattern means exactly the number that it has")]
            Self::Equal => number == limit,
            Self::GreaterOrEqual => number >= limit,
            Self::Greater => number > limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(pattern: &Value, event: &Value) -> bool {
        let mut filter = EventFilter::default();
        filter.or(&pattern.to_string()).unwrap();
        filter.matches(event)
    }

    #[test]
    fn content_filters() {
        let event = json!({"a": "Text", "n": 5, "e": "", "z": null, "l": ["x", "y"], "o": {"b": true}});
        for (pattern, expected) in [
            (json!({"a": ["Text"]}), true),
            (json!({"a": ["other", "Text"]}), true),
            (json!({"a": ["text"]}), false),
            (json!({"a": [{"equals-ignore-case": "tEXT"}]}), true),
            (json!({"a": [{"prefix": "Te"}]}), true),
            (json!({"a": [{"suffix": "xt"}]}), true),
            (json!({"a": [{"suffix": "Te"}]}), false),
            (json!({"a": [{"anything-but": ["Text"]}]}), false),
            (json!({"a": [{"anything-but": ["other"]}]}), true),
            (json!({"a": [{"anything-but": {"prefix": "Te"}}]}), false),
            (json!({"missing": [{"anything-but": ["x"]}]}), false),
            (json!({"n": [5.0]}), true),
            (json!({"n": ["5"]}), false),
            (json!({"n": [{"numeric": [">", 0, "<=", 5]}]}), true),
            (json!({"n": [{"numeric": ["<", 5]}]}), false),
            (json!({"n": [{"numeric": ["=", 5]}]}), true),
            (json!({"a": [{"numeric": ["=", 5]}]}), false),
            (json!({"e": [""]}), true),
            (json!({"z": [null]}), true),
            (json!({"l": ["y"]}), true),
            (json!({"l": ["z"]}), false),
            (json!({"o": {"b": [true]}}), true),
            (json!({"o": {"c": [{"exists": false}]}}), true),
            (json!({"missing": {"c": [{"exists": false}]}}), true),
            (json!({"a": {"c": [{"exists": false}]}}), false),
            (json!({"a": [{"exists": true}], "n": [6]}), false),
            (json!({"a": [{"exists": true}]}), true),
            (json!({"missing": [{"exists": true}]}), false),
            (json!({"$or": [{"a": ["no"]}, {"n": [5]}]}), true),
            (json!({"e": ["full"], "$or": [{"a": ["no"]}, {"n": [5]}]}), false),
        ] {
            assert_eq!(matches(&pattern, &event), expected, "{pattern}");
        }
    }

    #[test]
    fn one_of_several_patterns_is_enough_and_none_lets_all_pass() {
        let mut filter = EventFilter::default();
        assert!(filter.matches(&json!({"a": 3})));
        filter.or(r#"{"a": [1]}"#).unwrap();
        filter.or(r#"{"a": [2]}"#).unwrap();
        assert!(filter.matches(&json!({"a": 2})));
        assert!(!filter.matches(&json!({"a": 3})));
    }

    #[test]
    fn invalid_patterns_are_refused() {
        for (pattern, sentence) in [
            ("{", "EOF"),
            ("[]", "expected an object"),
            ("{}", "an object has no fields"),
            (r#"{"a": "text"}"#, "`a` is neither an object nor a list"),
            (r#"{"a": []}"#, "a list is empty"),
            (r#"{"a": [{"cidr": "10.0.0.0/8"}]}"#, "`cidr` is not one of Lambda's"),
            (r#"{"a": [{"numeric": [">"]}]}"#, "one or two pairs"),
            (r#"{"a": [{"numeric": ["!", 1]}]}"#, "no comparison"),
            (r#"{"a": [{"prefix": 1}]}"#, "expected a text"),
            (r#"{"a": [{"exists": "yes"}]}"#, "`exists` is true or false"),
        ] {
            let error = EventFilter::default().or(pattern).unwrap_err().to_string();
            assert!(error.contains(sentence), "{pattern}: {error}");
        }
    }
}
