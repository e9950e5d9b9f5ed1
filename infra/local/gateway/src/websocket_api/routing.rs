//! Selects the route of a message by the API's route selection expression.

use std::collections::BTreeMap;

use local_template::model::WebSocketRoute;
use serde_json::Value;

/// `$request.body.x.y`: where in a message the route's key is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Selector(Vec<String>);

impl Selector {
    /// Reads an expression in either of its forms, `$request.body.action` and `${request.body.action}`.
    pub(super) fn parse(expression: &str) -> Result<Self, String> {
        let inner = match expression.strip_prefix("${") {
            Some(braced) => braced.strip_suffix('}'),
            None => expression.strip_prefix('$'),
        };
        let path: Option<Vec<_>> = inner
            .and_then(|inner| inner.strip_prefix("request.body."))
            .map(|path| path.split('.').map(str::to_owned).collect());
        match path {
            Some(path) if path.iter().all(|name| !name.is_empty()) => Ok(Self(path)),
            _ => Err(format!("the route selection expression `{expression}` is not of the form $request.body.name")),
        }
    }

    /// The key and route that a message goes to: the one it names, else `$default`, if the API has that.
    ///
    /// The routes that API Gateway calls itself cannot be named.
    pub(super) fn select<'a>(
        &self,
        routes: &'a BTreeMap<String, WebSocketRoute>,
        message: &str,
    ) -> Option<(&'a str, &'a WebSocketRoute)> {
        self.key(message)
            .filter(|key| !key.starts_with('$'))
            .and_then(|key| routes.get_key_value(&key))
            .or_else(|| routes.get_key_value("$default"))
            .map(|(key, route)| (key.as_str(), route))
    }

    fn key(&self, message: &str) -> Option<String> {
        let message: Value = serde_json::from_str(message).ok()?;
        let value = self.0.iter().try_fold(&message, |value, name| value.get(name))?;
        match value {
            Value::String(key) => Some(key.clone()),
            Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn routes(keys: &[&str]) -> BTreeMap<String, WebSocketRoute> {
        let route = |key: &&str| {
            let route = WebSocketRoute { function: key.to_string(), responds: false, timeout: Duration::from_secs(29) };
            (key.to_string(), route)
        };
        keys.iter().map(route).collect()
    }

    #[test]
    fn the_message_names_its_route() {
        let routes = routes(&["$connect", "$default", "$disconnect", "send", "7", "true"]);
        let selector = Selector::parse("$request.body.message.action").unwrap();
        let selected = |message: &str| selector.select(&routes, message).map(|(key, _)| key);
        for (message, key) in [
            (r#"{"message":{"action":"send"}}"#, "send"),
            (r#"{"message":{"action":7}}"#, "7"),
            (r#"{"message":{"action":true}}"#, "true"),
            (r#"{"message":{"action":"other"}}"#, "$default"),
            (r#"{"message":{"action":null}}"#, "$default"),
            (r#"{"message":{"action":"$connect"}}"#, "$default"),
            (r#"{"message":{"action":"$disconnect"}}"#, "$default"),
            (r#"{"action":"send"}"#, "$default"),
            ("not json", "$default"),
            ("", "$default"),
        ] {
            assert_eq!(selected(message), Some(key), "{message}");
        }
    }

    #[test]
    fn without_a_default_a_message_may_have_no_route() {
        let selector = Selector::parse("${request.body.action}").unwrap();
        assert!(selector.select(&routes(&["$connect", "send"]), r#"{"action":"other"}"#).is_none());
        assert!(selector.select(&routes(&["$connect", "send"]), r#"{"action":"$connect"}"#).is_none());
        assert!(selector.select(&routes(&["$connect", "send"]), r#"{"action":"send"}"#).is_some());
    }

    #[test]
    fn other_expressions_are_refused() {
        for expression in
            ["$request.header.x", "request.body.x", "$request.body.", "$request.body.a..b", "${request.body.a"]
        {
            assert!(Selector::parse(expression).is_err(), "{expression}");
        }
    }
}
