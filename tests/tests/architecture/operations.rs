//! The template can be deployed and operated: nothing works unbounded, fails unseen, or is missing in the page for operators.

use std::collections::BTreeSet;

use end_to_end::cloud::root;

use crate::template::{queue_of, resource, resources, template};

const FUNCTION: &str = "AWS::Serverless::Function";

fn operations_page() -> String {
    std::fs::read_to_string(root().join("docs/operations.md")).expect("the page for operators")
}

/// Names in the first column of the page's tables.
fn rows(page: &str) -> BTreeSet<&str> {
    page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name)).collect()
}

/// The lines of a section of the template, which are indented.
fn section<'a>(template: &'a str, head: &str) -> Vec<&'a str> {
    let lines = template.lines().skip_while(|line| *line != head).skip(1);
    lines.take_while(|line| line.is_empty() || line.starts_with(' ')).collect()
}

/// Functions with an event of one of these types.
fn functions_with(template: &str, events: &[&str]) -> Vec<String> {
    let is_invoked = |id: &String| resource(template, id).iter().any(|line| events.contains(line));
    let found: Vec<String> = resources(template, FUNCTION).into_iter().filter(is_invoked).collect();
    assert!(!found.is_empty(), "the layout of the template has changed");
    found
}

#[test]
fn page_for_operators_has_every_alarm_and_every_parameter() {
    let (template, page) = (template(), operations_page());
    let rows = rows(&page);
    let alarms = resources(&template, "AWS::CloudWatch::Alarm");
    assert!(alarms.len() > 10, "the layout of the template has changed");
    for alarm in alarms {
        assert!(rows.contains(&*alarm), "docs/operations.md does not say what {alarm} means and what to do");
    }
    let parameters = section(&template, "Parameters:");
    let names = parameters.iter().filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
    for parameter in names.filter(|name| !name.starts_with(' ')) {
        assert!(rows.contains(parameter), "docs/operations.md does not explain the parameter {parameter}");
    }
}

/// A worker without a limit takes the concurrency of the account, and then nobody can send.
#[test]
fn every_worker_of_a_queue_has_a_maximum_concurrency() {
    let template = template();
    for function in functions_with(&template, &["Type: SQS"]) {
        let lines = resource(&template, &function);
        let count = |wanted: &str| lines.iter().filter(|line| line.starts_with(wanted)).count();
        let (queues, limits) = (count("Type: SQS"), count("ScalingConfig: {MaximumConcurrency: "));
        assert_eq!(queues, limits, "{function} has {queues} queues and {limits} limits of its concurrency");
    }
}

/// Lambda stops a loop of queue and function without an error: only its metric tells.
#[test]
fn dropped_loops_of_every_worker_have_an_alarm() {
    let template = template();
    let alarms: Vec<String> = resources(&template, "AWS::CloudWatch::Alarm").into_iter().collect();
    let watches = |function: &str| {
        let dimension = format!(
            "MetricName: RecursiveInvocationsDropped, Dimensions: [{{Name: FunctionName, Value: !Ref {function}}}]}}"
        );
        alarms.iter().any(|alarm| resource(&template, alarm).iter().any(|line| line.ends_with(&dimension)))
    };
    for function in functions_with(&template, &["Type: SQS", "Type: DynamoDB"]) {
        assert!(watches(&function), "{function} has no alarm of `RecursiveInvocationsDropped`");
    }
}

#[test]
fn age_of_every_queue_has_an_alarm() {
    let template = template();
    let mut watched = BTreeSet::new();
    for alarm in resources(&template, "AWS::CloudWatch::Alarm") {
        let lines = resource(&template, &alarm);
        let of_age = |line: &&&str| line.contains("MetricName: ApproximateAgeOfOldestMessage");
        for line in lines.iter().filter(of_age) {
            // A metric of its own has its dimensions on other lines, one of an expression on the same.
            let place = if line.contains("QueueName") { std::slice::from_ref(line) } else { lines.as_slice() };
            watched.extend(queue_of(place, "Name: QueueName"));
        }
    }
    let queues =
        resources(&template, "AWS::SQS::Queue").into_iter().filter(|queue| !queue.ends_with("DeadLetterQueue"));
    assert_eq!(watched, queues.collect(), "every queue has an alarm of its age");
}

#[test]
fn functions_log_to_a_group_with_retention() {
    let template = template();
    let globals = section(&template, "Globals:");
    assert!(globals.contains(&"    LoggingConfig: {LogGroup: !Ref FunctionLogs, LogFormat: JSON}"));
    let groups = resources(&template, "AWS::Logs::LogGroup");
    assert!(groups.contains("FunctionLogs"));
    for group in groups {
        assert!(resource(&template, &group).contains(&"RetentionInDays: !Ref LogRetention"), "{group} keeps for ever");
    }
    for function in resources(&template, FUNCTION) {
        let own = resource(&template, &function).into_iter().find(|line| line.starts_with("LoggingConfig:"));
        assert_eq!(own, None, "{function} has another log group");
    }
}

/// A function is updated once the schema is the one that it expects.
#[test]
fn functions_with_sql_wait_for_the_migrations() {
    let template = template();
    let mut users = 0;
    for function in resources(&template, FUNCTION) {
        let lines = resource(&template, &function);
        let uses_sql = lines.iter().any(|line| line.starts_with("CLUSTER_ARN:"));
        let migrates = template.contains(&format!("ServiceToken: !GetAtt {function}.Arn"));
        if uses_sql && !migrates {
            assert!(lines.contains(&"DependsOn: Migrations"), "{function} does not wait for the migrations");
            users += 1;
        }
    }
    assert!(users > 5, "the layout of the template has changed");
}

/// A first deploy that fails can be repeated: what it made is deleted, and no name is taken.
#[test]
fn a_failed_first_deploy_leaves_nothing_behind() {
    let template = template();
    assert!(!template.contains("DeletionPolicy: Retain\n"), "retains what a failed first deploy has made");
    let fixed = |line: &&str| {
        let (key, value) = line.trim().split_once(": ").unwrap_or_default();
        let names = [
            "BucketName",
            "TableName",
            "QueueName",
            "FunctionName",
            "DBClusterIdentifier",
            "LogGroupName",
            "AlarmName",
        ];
        names.contains(&key) && !value.contains("AWS::StackId") && !value.starts_with("!Ref ")
    };
    let fixed: Vec<&str> = template.lines().filter(fixed).collect();
    assert_eq!(fixed, [] as [&str; 0], "names that a second stack of the account would want as well");
}
