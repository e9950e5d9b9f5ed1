//! The template against the functions: each function gets exactly the variables that it reads, and exactly the permissions that its
//! requests need. Each function takes its event of `tests/events`.

mod denied;
mod domain;
mod events;
mod permissions;
mod policies;
mod variables;

use end_to_end::cloud::root;

/// A function of the template.
struct Function {
    logical_id: String,
    binary: String,
    /// Names of its environment variables.
    variables: Vec<String>,
    /// Lines of its policies.
    policies: Vec<String>,
}

/// Reads the functions of `template.yaml`, which indents a resource by two columns and each level below it by two more.
fn functions() -> Vec<Function> {
    let template = std::fs::read_to_string(root().join("template.yaml")).expect("template.yaml");
    let lines: Vec<&str> = template.lines().collect();
    let starts: Vec<usize> =
        (1..lines.len()).filter(|at| lines[*at] == "    Type: AWS::Serverless::Function").map(|at| at - 1).collect();
    let function = |start: usize| {
        let end = (start + 1..lines.len()).find(|at| lines[*at].starts_with("  ") && !lines[*at].starts_with("   "));
        let block = &lines[start..end.unwrap_or(lines.len())];
        let binary = block.iter().find_map(|line| line.trim().strip_prefix("BuildProperties: {Binary: "));
        Function {
            logical_id: block[0].trim().trim_end_matches(':').to_owned(),
            binary: binary.expect("a binary").trim_end_matches('}').to_owned(),
            variables: below(block, "        Variables:")
                .iter()
                .filter_map(|line| line.trim().split_once(": ").map(|(name, _)| name.to_owned()))
                .collect(),
            policies: below(block, "      Policies:").into_iter().map(str::to_owned).collect(),
        }
    };
    let functions: Vec<Function> = starts.into_iter().map(function).collect();
    assert!(functions.len() > 20, "the layout of the template has changed");
    functions
}

/// The lines of a block that are indented deeper than a heading, up to the next one that is not.
fn below<'a>(block: &[&'a str], heading: &str) -> Vec<&'a str> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let Some(start) = block.iter().position(|line| *line == heading) else { return Vec::new() };
    let deeper = |line: &&&str| line.trim().is_empty() || indent(line) > indent(heading);
    let lines = block[start + 1..].iter().take_while(deeper).copied();
    lines.filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#')).collect()
}
