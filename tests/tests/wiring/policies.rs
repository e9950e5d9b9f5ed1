//! What the policies of the template allow.

use std::collections::BTreeSet;

/// An action on a resource, as `(action, resource)`: a resource is a logical id, `<table>/index/<index>`, `<bucket>/<prefix>/*` or
/// `<METHOD>/@connections`; schedules are their group.
pub(crate) type Permission = (String, String);

/// Reads the statements of a function: an `Action` list, then a `Resource` or several. Those that deny are left out.
pub(crate) fn allowed(policies: &[String]) -> BTreeSet<Permission> {
    let mut allowed = BTreeSet::new();
    let mut actions: Vec<String> = Vec::new();
    let (mut in_resources, mut denies) = (false, false);
    for line in policies.iter().map(|line| line.trim()) {
        if let Some(list) = line.strip_prefix("Action: ") {
            in_resources = false;
            actions = list.trim_matches(['[', ']']).split(',').map(|action| action.trim().to_owned()).collect();
        } else if line.starts_with("- Effect:") || line.starts_with("- Statement:") {
            (in_resources, denies) = (false, line.ends_with("Deny"));
        } else if denies && (line.starts_with("Resource: ") || line.starts_with("Condition: ")) {
            in_resources = false;
        } else if let Some(resource) = line.strip_prefix("Resource: ") {
            // A text with its variables, in two parts.
            let resource = with_everything(resource);
            let text = resource.strip_prefix("!Sub [\"").and_then(|text| text.split('"').next());
            let list = || resource.trim_matches(['[', ']']).split(", ").collect();
            for resource in text.map_or_else(list, |text| vec![text]) {
                add(&mut allowed, &actions, resource);
            }
        } else if line == "Resource:" {
            in_resources = true;
        } else if let (true, Some(resource)) = (in_resources, line.strip_prefix("- ")) {
            add(&mut allowed, &actions, with_everything(resource));
        } else {
            panic!("a policy has a line that this test does not read: {line}");
        }
    }
    allowed
}

/// Returns what a condition chooses in a stack with a collection, an archive and a retention, as the clouds of tests have them.
fn with_everything(resource: &str) -> &str {
    let conditions = ["!If [HasCollection, ", "!If [HasSearch, ", "!If [HasArchive, ", "!If [HasRetention, "];
    let chosen = conditions.into_iter().find_map(|condition| resource.strip_prefix(condition)?.split(", ").next());
    chosen.unwrap_or(resource)
}

fn add(allowed: &mut BTreeSet<Permission>, actions: &[String], resource: &str) {
    let resource = resource.trim().trim_matches('"');
    let names: Vec<String> = if let Some(path) = resource.strip_prefix("!GetAtt ") {
        vec![path.split('.').next().unwrap_or(path).to_owned()]
    } else if let Some((_, method)) = resource.split_once("/default/") {
        let method = method.split('/').next().unwrap_or_default();
        let methods = if method == "*" { vec!["POST", "DELETE"] } else { vec![method] };
        methods.into_iter().map(|method| format!("{method}/@connections")).collect()
    } else if let Some((_, object)) = resource.split_once(":s3:::files-${Id}") {
        vec![format!("FilesBucket{object}")]
    } else if let Some((_, group)) = resource.split_once(":schedule/${") {
        vec![group.split('}').next().unwrap_or(group).to_owned()]
    } else if let Some((table, index)) = resource.strip_prefix("!Sub ${").and_then(|rest| rest.split_once(".Arn}")) {
        vec![format!("{table}{index}")]
    } else {
        vec![resource.trim_start_matches("!Sub ").trim_start_matches("!Ref ").to_owned()]
    };
    for name in names {
        allowed.extend(actions.iter().map(|action| (action.clone(), name.clone())));
    }
}
