//! Routes of the template, arms of the functions and paths of the specification are the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use regex_lite::Regex;
use specification::asyncapi;
use specification::openapi::{Callers, operations, routes};

use crate::read;

/// A route of the template: the function, the route, and true if it takes server tokens.
fn of_template() -> Vec<(String, String, bool)> {
    let template = read("template.yaml");
    let event = Regex::new(r#"Method: ([A-Z]+),?\s+Path: (?:"([^"]+)"|([^\s}"]+))"#).expect("a pattern");
    let mut routes = Vec::new();
    for resource in template.split("BuildProperties: {Binary: ").skip(1) {
        let (function, events) = resource.split_once('}').expect("a name");
        for found in event.captures_iter(events) {
            let end = found.get(0).expect("a match").end();
            // The authorizer, if it is another than the default, follows in the next line.
            let next = events[end..].lines().nth(1).unwrap_or_default().trim();
            let path = found.get(2).or(found.get(3)).expect("a path").as_str();
            let route = format!("{} {path}", &found[1]);
            routes.push((function.to_owned(), route, next == "Auth: {Authorizer: Server}"));
        }
    }
    routes
}

/// The routes that a function has arms for, as it writes them: without `server/`.
fn arms(function: &str) -> BTreeSet<String> {
    let arm = Regex::new(r#""((?:GET|POST|PUT|PATCH|DELETE) /v1/[^"]*)""#).expect("a pattern");
    let folder = specification::root().join("functions").join(function).join("src");
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("the function's folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "rs") || path == Path::new("main.rs") {
            continue;
        }
        let text = std::fs::read_to_string(path).expect("a source");
        // Tests ask for what is no route.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        found.extend(arm.captures_iter(code).map(|arm| arm[1].to_owned()));
    }
    found
}

fn of_users(route: &str) -> String {
    route.replacen(" /v1/server/", " /v1/", 1)
}

#[test]
fn specification_has_the_routes_of_the_template() {
    let in_template: BTreeSet<(String, bool)> =
        of_template().into_iter().map(|(_, route, by_backend)| (route, by_backend)).collect();
    let mut specified = BTreeSet::new();
    for operation in operations() {
        for (path, by_backend) in routes(&operation) {
            let route = format!("{} {path}", operation.method);
            assert!(specified.insert((route.clone(), by_backend)), "{route} occurs twice");
        }
    }
    assert_eq!(specified, in_template);
    assert!(specified.len() > 60, "the template's layout has changed");
}

#[test]
fn functions_have_arms_for_the_routes_of_the_template() {
    let mut by_function: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (function, route, by_backend) in of_template() {
        assert_eq!(by_backend, route.contains(" /v1/server/"), "{route}");
        by_function.entry(function).or_default().insert(of_users(&route));
    }
    for (function, routes) in by_function {
        assert_eq!(arms(&function), routes, "{function}");
    }
}

/// As whom a backend may act is decided in one place.
#[test]
fn specification_knows_the_routes_of_the_system() {
    let source = read("shared/lambda-kit/src/http/backend.rs");
    let (_, list) = source.split_once("const ROUTES_OF_THE_SYSTEM").expect("the routes of the system");
    let (list, _) = list.split_once("];").expect("the end of the list");
    let route = Regex::new(r#""([A-Z]+ /v1/[^"]*)""#).expect("a pattern");
    let listed: BTreeSet<String> = route.captures_iter(list).map(|route| route[1].to_owned()).collect();
    let all = operations().into_iter();
    let as_system = all.filter(|it| matches!(it.callers, Callers::UsersAndSystem | Callers::Backends));
    let specified: BTreeSet<String> = as_system.map(|it| format!("{} {}", it.method, it.path)).collect();
    assert_eq!(specified, listed);
}

#[test]
fn operations_have_names_of_their_own() {
    let ids: Vec<&str> = operations().iter().map(|operation| operation.id).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
}

/// `ping` has no function of its own.
#[test]
fn actions_are_the_routes_of_the_websocket_api() {
    let template = read("template.yaml");
    let (_, routes) = template.split_once("\n      Routes:\n").expect("the routes of the WebSocket API");
    let own = routes.lines().take_while(|line| line.starts_with("        "));
    let names = own.filter_map(|line| line.strip_prefix("        ")?.strip_suffix(':'));
    let in_template: BTreeSet<&str> = names.filter(|name| !name.starts_with([' ', '$'])).chain(["ping"]).collect();
    let specified: BTreeSet<&str> = asyncapi::actions().iter().map(|action| action.name).collect();
    assert_eq!(specified, in_template);
}
