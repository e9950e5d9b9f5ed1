//! Chooses the route of a request.

use std::collections::BTreeMap;

use axum::http::Method;
use local_template::model::HttpRoute;

/// The routes of one API, their paths taken apart.
pub(super) struct Routes {
    routes: Vec<Pattern>,
    default: Option<HttpRoute>,
}

struct Pattern {
    route: HttpRoute,
    key: String,
    segments: Vec<Segment>,
}

enum Segment {
    Literal(String),
    /// `{name}`: one segment, not an empty one.
    Variable(String),
    /// `{name+}`: all that is left, at least one segment.
    Greedy(String),
}

/// The route that serves a request.
pub(super) struct Matched<'a> {
    pub(super) route: &'a HttpRoute,
    /// For the event's `routeKey`.
    pub(super) route_key: &'a str,
    pub(super) path_parameters: BTreeMap<String, String>,
}

impl Routes {
    pub(super) fn new(routes: Vec<HttpRoute>) -> Self {
        let (default, routes): (Vec<_>, Vec<_>) = routes.into_iter().partition(|route| route.path == "$default");
        Self { routes: routes.into_iter().map(Pattern::new).collect(), default: default.into_iter().next() }
    }

    /// The most specific route for a method and a decoded path.
    ///
    /// A whole match comes before a greedy one, which comes before `$default`
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>). Within those, the
    /// method itself comes before `ANY`, and then, segment by segment from the left, a literal before a variable
    /// before a greedy one: observed behaviour that the page shows only by example.
    pub(super) fn find(&self, method: &Method, path: &str) -> Option<Matched<'_>> {
        let best = self
            .routes
            .iter()
            .filter(|pattern| pattern.route.method == "ANY" || pattern.route.method == method.as_str())
            .filter_map(|pattern| Some((pattern, pattern.capture(path)?)))
            .min_by_key(|(pattern, _)| pattern.rank());
        if let Some((pattern, path_parameters)) = best {
            return Some(Matched { route: &pattern.route, route_key: &pattern.key, path_parameters });
        }
        let route = self.default.as_ref()?;
        Some(Matched { route, route_key: "$default", path_parameters: BTreeMap::new() })
    }
}

impl Pattern {
    fn new(route: HttpRoute) -> Self {
        let segments = route.path.split('/').skip(1).map(Segment::parse).collect();
        Self { key: route.key(), segments, route }
    }

    /// Returns the values of the variables if the path matches.
    fn capture(&self, path: &str) -> Option<BTreeMap<String, String>> {
        let mut captured = BTreeMap::new();
        let mut rest = Some(path.strip_prefix('/')?);
        for segment in &self.segments {
            let left = rest?;
            let (first, others) = match left.split_once('/') {
                Some((first, others)) => (first, Some(others)),
                None => (left, None),
            };
            match segment {
                Segment::Literal(literal) if literal == first => {}
                Segment::Variable(name) if !first.is_empty() => {
                    captured.insert(name.clone(), first.to_owned());
                }
                Segment::Greedy(name) if !left.is_empty() => {
                    captured.insert(name.clone(), left.to_owned());
                    return Some(captured);
                }
                _ => return None,
            }
            rest = others;
        }
        rest.is_none().then_some(captured)
    }

    /// Smaller is more specific.
    fn rank(&self) -> (bool, bool, Vec<u8>) {
        let greedy = matches!(self.segments.last(), Some(Segment::Greedy(_)));
        (greedy, self.route.method == "ANY", self.segments.iter().map(Segment::rank).collect())
    }
}

impl Segment {
    fn parse(text: &str) -> Self {
        match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some(name) => match name.strip_suffix('+') {
                Some(name) => Self::Greedy(name.to_owned()),
                None => Self::Variable(name.to_owned()),
            },
            None => Self::Literal(text.to_owned()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Literal(_) => 0,
            Self::Variable(_) => 1,
            Self::Greedy(_) => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(keys: &[&str]) -> Routes {
        let routes = keys.iter().map(|key| {
            let (method, path) = key.split_once(' ').unwrap_or(("ANY", key));
            HttpRoute { method: method.into(), path: path.into(), function: (*key).into(), authorizer: None }
        });
        Routes::new(routes.collect())
    }

    fn chosen<'a>(routes: &'a Routes, method: &Method, path: &str) -> Option<&'a str> {
        routes.find(method, path).map(|matched| matched.route_key)
    }

    #[test]
    fn the_documented_example_is_followed() {
        let routes =
            routes(&["ANY /{proxy+}", "GET /pets/{proxy+}", "GET /pets/dog/{id}", "GET /pets/dog/1", "$default"]);
        assert_eq!(chosen(&routes, &Method::GET, "/pets/dog/1"), Some("GET /pets/dog/1"));
        assert_eq!(chosen(&routes, &Method::GET, "/pets/dog/2"), Some("GET /pets/dog/{id}"));
        assert_eq!(chosen(&routes, &Method::GET, "/pets/cat/1"), Some("GET /pets/{proxy+}"));
        assert_eq!(chosen(&routes, &Method::POST, "/test/5"), Some("ANY /{proxy+}"));
        assert_eq!(chosen(&routes, &Method::POST, "/"), Some("$default"));
    }

    #[test]
    fn the_method_itself_comes_before_any() {
        let routes = routes(&["ANY /pets/dog", "GET /pets/{id}", "ANY /pets/{id}", "GET /{proxy+}"]);
        assert_eq!(chosen(&routes, &Method::GET, "/pets/dog"), Some("GET /pets/{id}"));
        assert_eq!(chosen(&routes, &Method::POST, "/pets/dog"), Some("ANY /pets/dog"));
        assert_eq!(chosen(&routes, &Method::DELETE, "/pets/1"), Some("ANY /pets/{id}"));
    }

    #[test]
    fn without_a_match_and_without_default_there_is_no_route() {
        let routes = routes(&["GET /pets", "GET /pets/{id}", "GET /files/{path+}"]);
        for path in ["/pet", "/pets/", "/pets/1/", "/pets/1/2", "/files", "/files/", "/"] {
            assert_eq!(chosen(&routes, &Method::GET, path), None, "{path}");
        }
        assert_eq!(chosen(&routes, &Method::POST, "/pets"), None);
    }

    #[test]
    fn variables_are_captured() {
        let routes = routes(&["GET /a/{one}/b/{two}", "GET /files/{path+}"]);
        let matched = routes.find(&Method::GET, "/a/1/b/2 3").unwrap();
        assert_eq!(matched.path_parameters, BTreeMap::from([("one".into(), "1".into()), ("two".into(), "2 3".into())]));
        let matched = routes.find(&Method::GET, "/files/x/y/").unwrap();
        assert_eq!(matched.path_parameters, BTreeMap::from([("path".into(), "x/y/".into())]));
    }
}
