//! The environment of functions that run elsewhere, for a shell to source.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

use local_aws::credentials::{DEVELOPER_ACCESS_KEY, DEVELOPER_SECRET_KEY};
use local_lambda::Services;
use local_template::model::Function;

/// Writes the file at once or not at all, readable by its owner only: variables may be secrets.
pub(crate) fn write(file: &Path, functions: &[Function], services: &Services) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(text(functions, services).as_bytes())?;
    temporary.persist(file)?;
    Ok(())
}

/// Builds the file. A shell has one value per variable; if functions of the template differ in theirs, a comment says so.
fn text(functions: &[Function], services: &Services) -> String {
    let mut variables: BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    let mut add = |name, value, function| {
        variables.entry(name).or_default().entry(value).or_default().insert(function);
    };
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", DEVELOPER_ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", DEVELOPER_SECRET_KEY),
        ("AWS_REGION", &services.region),
    ] {
        add(name, value, "");
    }
    let own = |name: &String| functions.iter().any(|function| function.environment.contains_key(name));
    for (name, value) in services.endpoints.iter().filter(|(name, _)| !own(name)) {
        add(name, value, "");
    }
    let mut waiting = BTreeSet::new();
    for function in functions {
        for (name, value) in &function.environment {
            // Values of custom resources are unknown before functions run, and functions need this file to run.
            match services.custom_values.fill(value) {
                Ok(_) => add(name, value, &function.logical_id),
                Err(_) => {
                    waiting.insert(name);
                }
            }
        }
    }
    let mut text = "# What the template's functions find in their environment.\n".to_owned();
    for (name, values) in variables {
        // Writing to a string does not fail.
        let _ = match values.first_key_value() {
            Some((value, _)) if values.len() == 1 => writeln!(text, "export {name}={}", quoted(value)),
            _ => writeln!(text, "# {name} is not the same for all functions:"),
        };
        if values.len() > 1 {
            for (value, functions) in values {
                let functions = functions.into_iter().collect::<Vec<_>>().join(", ");
                let _ = writeln!(text, "#   {} ({functions})", quoted(value).replace('\n', "\n#   "));
            }
        }
    }
    for name in waiting {
        let _ = writeln!(text, "# {name} waits for what a custom resource answers.");
    }
    text
}

/// As one word of a shell, whatever it holds.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn function(logical_id: &str, environment: &[(&str, &str)]) -> Function {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Function { environment: environment.collect(), ..local_testing::function(logical_id) }
    }

    #[test]
    fn a_shell_gets_what_functions_have_in_common() {
        let functions = [
            function("A", &[("TABLE", "it's $HOME\nor not"), ("ROLE", "a\nb"), ("AWS_ENDPOINT_URL_S3", "mine")]),
            function("B", &[("ROLE", "c")]),
        ];
        let endpoints =
            ["DYNAMODB", "S3"].map(|name| (format!("AWS_ENDPOINT_URL_{name}"), "http://127.0.0.1:1".into()));
        let services = Services { region: "eu-north-1".to_owned(), endpoints: endpoints.into(), ..Services::default() };
        let (folder, names) = (tempfile::tempdir().unwrap(), ["TABLE", "ROLE", "AWS_REGION", "AWS_ENDPOINT_URL_S3"]);
        let file = folder.path().join("made/env");
        write(&file, &functions, &services).unwrap();
        let script =
            format!(". {}; printf '%s|' {}", file.display(), names.map(|name| format!("\"${name}\"")).join(" "));
        let shell = Command::new("sh").args(["-euc", &script.replace("$ROLE", "${ROLE-unset}")]).output().unwrap();
        assert_eq!(String::from_utf8(shell.stdout).unwrap(), "it's $HOME\nor not|unset|eu-north-1|mine|");
        let text = std::fs::read_to_string(file).unwrap();
        assert!(
            text.contains("# ROLE is not the same for all functions:\n#   'a\n#   b' (A)\n#   'c' (B)\n"),
            "{text}"
        );
    }
}
