//! The kind of a request to OpenSearch, and the indices or aliases that it names.

use axum::http::Method;
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// Returns the kind of a request, in the style of AWS's other services.
pub(crate) fn operation(head: &Parts) -> &'static str {
    let path = parts(head);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match (head.method.as_str(), &path[..]) {
        (_, []) => "Info",
        ("GET", ["_cluster", ..]) => "ClusterHealth",
        ("GET", ["_cat", ..]) => "CatIndices",
        ("POST", ["_aliases"]) => "UpdateAliases",
        ("GET" | "HEAD", ["_alias", ..] | [_, "_alias", ..]) => "GetAlias",
        (_, ["_bulk"] | [_, "_bulk"]) => "Bulk",
        (_, ["_search"] | [_, "_search"]) => "Search",
        (_, ["_count"] | [_, "_count"]) => "Count",
        (_, ["_refresh"] | [_, "_refresh"]) => "Refresh",
        (_, [name, ..]) if name.starts_with('_') => "Unknown",
        ("PUT", [_]) => "CreateIndex",
        ("GET" | "HEAD", [_]) => "GetIndex",
        ("DELETE", [_]) => "DeleteIndex",
        ("GET", [_, "_mapping"]) => "GetMapping",
        (_, [_, "_mapping"]) => "PutMapping",
        ("GET" | "HEAD", [_, "_doc", _]) => "GetDocument",
        _ => "Unknown",
    }
}

/// Returns the indices and aliases that a request names, each once: in its path, and in the actions of a bulk request.
pub(crate) fn indices(head: &Parts, body: &[u8]) -> Vec<String> {
    let path = parts(head);
    let first = path.first().filter(|name| !name.starts_with('_'));
    let mut names: Vec<String> = first.map(|names| names.split(',').map(str::to_owned).collect()).unwrap_or_default();
    if path.last().is_some_and(|part| part == "_bulk") && head.method != Method::GET {
        names.extend(of_actions(body));
    }
    names.sort();
    names.dedup();
    names
}

fn parts(head: &Parts) -> Vec<String> {
    let parts = head.uri.path().split('/').filter(|part| !part.is_empty());
    parts.map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect()
}

/// The indices of a bulk request's actions. Each action but a deletion is followed by a line with a document.
fn of_actions(body: &[u8]) -> Vec<String> {
    let mut lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut names = Vec::new();
    while let Some(line) = lines.next() {
        // The engine answers what cannot be read with its error.
        let action: Map<String, Value> = serde_json::from_slice(line).unwrap_or_default();
        let Some((kind, options)) = action.iter().next() else { continue };
        names.extend(options["_index"].as_str().map(str::to_owned));
        if kind != "delete" {
            lines.next();
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn head(method: &str, path: &str) -> Parts {
        Request::builder().method(method).uri(path).body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_request_is_of_a_kind_and_names_indices() {
        for (method, path, kind, names) in [
            ("GET", "/", "Info", vec![]),
            ("POST", "/a,b/_search?size=1", "Search", vec!["a", "b"]),
            ("PUT", "/a", "CreateIndex", vec!["a"]),
            ("HEAD", "/_alias/a", "GetAlias", vec![]),
            ("GET", "/a/_doc/x%2Fy", "GetDocument", vec!["a"]),
            ("POST", "/_aliases", "UpdateAliases", vec![]),
            ("PUT", "/a/_mapping", "PutMapping", vec!["a"]),
            ("POST", "/_sql", "Unknown", vec![]),
        ] {
            let head = head(method, path);
            assert_eq!(
                (operation(&head), indices(&head, b"{}")),
                (kind, names.into_iter().map(str::to_owned).collect()),
                "{path}"
            );
        }
    }

    #[test]
    fn a_bulk_request_names_indices_in_its_actions() {
        let body = b"{\"index\":{\"_index\":\"b\"}}\n{\"delete\":{\"_index\":\"no\"}}\n{\"delete\":{\"_index\":\"c\"}}\n{\"create\":{}}\n{}\n";
        assert_eq!(indices(&head("POST", "/a/_bulk"), body), ["a", "b", "c"]);
        assert_eq!(operation(&head("POST", "/_bulk")), "Bulk");
    }
}
