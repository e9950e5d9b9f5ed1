//! The template names exactly what exists, and the local cloud knows nothing of it.

use std::collections::BTreeSet;

use end_to_end::cloud::root;

use crate::{packages, tracked};

pub(crate) fn template() -> String {
    std::fs::read_to_string(root().join("template.yaml")).expect("template.yaml")
}

/// Logical ids of one type's resources, which the template writes two and four columns in.
pub(crate) fn resources(template: &str, kind: &str) -> BTreeSet<String> {
    let lines: Vec<&str> = template.lines().collect();
    let of_kind = lines.windows(2).filter(|pair| pair[1].strip_prefix("    Type: ") == Some(kind));
    of_kind.map(|pair| pair[0].trim().trim_end_matches(':').to_owned()).collect()
}

/// Names of the function crates.
fn functions() -> BTreeSet<String> {
    let all = packages().into_iter().filter(|(_, package)| package.folder.starts_with("functions"));
    all.map(|(name, _)| name).collect()
}

#[test]
fn template_lists_exactly_the_functions() {
    let template = template();
    let binaries = template.lines().filter_map(|line| line.trim().strip_prefix("BuildProperties: {Binary: "));
    let binaries: Vec<&str> = binaries.map(|binary| binary.trim_end_matches('}')).collect();
    assert_eq!(binaries.len(), resources(&template, "AWS::Serverless::Function").len(), "one binary each");
    let named: BTreeSet<String> = binaries.into_iter().map(str::to_owned).collect();
    assert_eq!(named, functions());
}

/// The lines of one resource.
pub(crate) fn resource<'a>(template: &'a str, id: &str) -> Vec<&'a str> {
    let head = format!("  {id}:");
    let lines = template.lines().skip_while(|line| **line != *head).skip(1);
    lines.take_while(|line| line.is_empty() || line.starts_with("   ")).map(str::trim).collect()
}

/// The logical id in `!GetAtt <id>.Arn` of the line that has this key.
pub(crate) fn queue_of(lines: &[&str], key: &str) -> Option<String> {
    let (_, rest) = lines.iter().find_map(|line| line.split_once(key))?;
    let (_, rest) = rest.split_once("!GetAtt ")?;
    Some(rest.split('.').next().unwrap_or_default().to_owned())
}

/// Nothing is tried for ever, and nothing that is given up goes unnoticed.
#[test]
fn what_is_given_up_waits_in_a_queue_with_an_alarm() {
    let template = template();
    let queues = resources(&template, "AWS::SQS::Queue");
    let mut dead_letters = BTreeSet::new();
    for queue in &queues {
        let lines = resource(&template, queue);
        match queue_of(&lines, "deadLetterTargetArn:") {
            Some(target) => {
                assert!(lines.iter().any(|line| line.starts_with("maxReceiveCount:")), "{queue}");
                dead_letters.insert(target);
            }
            None => assert!(queue.ends_with("DeadLetterQueue"), "{queue} has no redrive policy"),
        }
    }
    for function in resources(&template, "AWS::Serverless::Function") {
        let lines = resource(&template, &function);
        if lines.contains(&"Type: DynamoDB") {
            for key in ["BisectBatchOnFunctionError: true", "MaximumRetryAttempts:", "MaximumRecordAgeInSeconds:"] {
                assert!(lines.iter().any(|line| line.starts_with(key)), "{function} has no `{key}`");
            }
            dead_letters
                .insert(queue_of(&lines, "OnFailure:").unwrap_or_else(|| panic!("{function} has no `OnFailure`")));
            let age = format!("- {{Name: FunctionName, Value: !Ref {function}}}");
            assert!(template.contains(&age), "{function} has no alarm of its iterator's age");
        }
        if ["Type: S3", "Type: Schedule", "Type: ScheduleV2"].iter().any(|kind| lines.contains(kind)) {
            assert!(lines.contains(&"EventInvokeConfig:"), "{function} is invoked asynchronously");
            dead_letters
                .insert(queue_of(&lines, "OnFailure:").unwrap_or_else(|| panic!("{function} has no `OnFailure`")));
        }
    }
    let alarms = resources(&template, "AWS::CloudWatch::Alarm");
    let watched: BTreeSet<String> = alarms
        .iter()
        .map(|alarm| resource(&template, alarm))
        .filter(|lines| {
            lines.contains(&"MetricName: ApproximateNumberOfMessagesVisible") && lines.contains(&"Threshold: 1")
        })
        .filter_map(|lines| queue_of(&lines, "Name: QueueName"))
        .collect();
    assert_eq!(watched, dead_letters, "every dead-letter queue has an alarm");
    for queue in &dead_letters {
        assert!(resource(&template, queue).contains(&"MessageRetentionPeriod: 1209600"), "{queue} keeps for 14 days");
    }
    for alarm in alarms {
        assert!(resource(&template, &alarm).contains(&"AlarmActions: [!Ref AlarmTopic]"), "{alarm} notifies nobody");
    }
}

/// CloudFormation calls `migrate` only where a property of its resource has changed.
/// A scan, or a statement of PartiQL, reads a whole table; so would a wildcard allow it.
#[test]
fn no_function_may_scan_a_table() {
    let template = template();
    let lines = template.lines().filter_map(|line| line.trim().strip_prefix("Action: "));
    let actions: BTreeSet<&str> = lines.flat_map(|list| list.trim_matches(['[', ']']).split(", ")).collect();
    let dynamodb: BTreeSet<&str> = actions.into_iter().filter_map(|action| action.strip_prefix("dynamodb:")).collect();
    let by_key = [
        "BatchGetItem",
        "BatchWriteItem",
        "ConditionCheckItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "UpdateItem",
    ];
    assert_eq!(dynamodb, BTreeSet::from(by_key));
}

#[test]
fn template_names_the_newest_migration() {
    let newest = tracked("infra/migrations").into_iter().max().expect("a migration");
    let newest = newest.strip_prefix("infra/migrations/").and_then(|name| name.strip_suffix(".sql"));
    let template = template();
    let named: Vec<&str> = template.lines().filter_map(|line| line.trim().strip_prefix("Newest: ")).collect();
    assert_eq!(named, [newest.expect("migrations are SQL files")]);
}

/// It would run anyone's app.
#[test]
fn local_cloud_does_not_name_this_application() {
    let template = template();
    let mut names = functions();
    for kind in ["AWS::Serverless::Function", "AWS::DynamoDB::Table"] {
        let found = resources(&template, kind);
        assert!(!found.is_empty(), "the template has no {kind}, or its layout has changed");
        names.extend(found);
    }
    for file in tracked("infra/local") {
        // Git may list files that are deleted in the folder.
        let Ok(bytes) = std::fs::read(root().join(&file)) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.to_lowercase().contains("palaver"), "{file}");
        let word = |c: char| !c.is_alphanumeric() && c != '-' && c != '_';
        if let Some(name) = text.split(word).find(|word| names.contains(*word)) {
            panic!("{file} contains {name}");
        }
    }
}
