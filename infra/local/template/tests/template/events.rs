//! Events of functions other than those of type `HttpApi` and `SQS`.

use std::time::Duration;

use local_aws::ScheduleExpression;
use local_template::model::StartingPosition;
use serde_json::json;

use crate::Sample;
use crate::resources::{function, sample};

const TABLE: &str = "  T:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      KeySchema: [{ AttributeName: pk, KeyType: HASH }]
      AttributeDefinitions: [{ AttributeName: pk, AttributeType: S }]
      StreamSpecification: { StreamViewType: NEW_IMAGE }
  Dead: { Type: AWS::SQS::Queue }
  Fifo: { Type: AWS::SQS::Queue, Properties: { FifoQueue: true } }
";

/// A function `F` with the event `E`, on line 14.
fn event(event: &str) -> Sample {
    sample(&[function("F", &format!("        E: {event}\n")), TABLE.to_owned()])
}

fn stream(properties: &str) -> Sample {
    event(&format!("{{ Type: DynamoDB, Properties: {{ Stream: !GetAtt T.StreamArn, {properties} }} }}"))
}

#[test]
fn a_stream_with_everything() {
    let sample = stream(
        "StartingPosition: LATEST, BatchSize: 5, MaximumBatchingWindowInSeconds: 2, MaximumRetryAttempts: 3, \
         MaximumRecordAgeInSeconds: 60, BisectBatchOnFunctionError: true, ParallelizationFactor: 4, \
         FunctionResponseTypes: [ReportBatchItemFailures], \
         DestinationConfig: { OnFailure: { Type: SQS, Destination: !GetAtt Dead.Arn } }",
    );
    let stack = sample.resolve().unwrap();
    let [event] = stack.functions[0].stream_events.as_slice() else { panic!("one event") };
    assert_eq!((&*event.logical_id, &*event.table, event.starting_position), ("FE", "T", StartingPosition::Latest));
    assert_eq!(
        event.stream_arn,
        "arn:aws:dynamodb:us-east-1:000000000000:table/local-T/stream/2026-01-01T00:00:00.000"
    );
    assert_eq!((event.batch_size, event.batching_window), (5, Duration::from_secs(2)));
    assert_eq!((event.maximum_retry_attempts, event.maximum_record_age), (Some(3), Some(Duration::from_mins(1))));
    assert_eq!((event.bisect_batch_on_function_error, event.report_batch_item_failures), (true, true));
    assert_eq!((event.parallelization_factor, event.on_failure.as_deref()), (4, Some("Dead")));
}

#[test]
fn a_stream_with_nothing_and_with_no_limits() {
    for properties in ["", ", MaximumRetryAttempts: -1, MaximumRecordAgeInSeconds: -1"] {
        let stack = stream(&format!("StartingPosition: TRIM_HORIZON{properties}")).resolve().unwrap();
        let event = &stack.functions[0].stream_events[0];
        assert_eq!((event.batch_size, event.parallelization_factor), (100, 1));
        assert_eq!((event.maximum_retry_attempts, event.maximum_record_age), (None, None));
    }
    let off = stream("StartingPosition: LATEST, Enabled: false").resolve().unwrap();
    assert!(off.functions[0].stream_events.is_empty());
}

#[test]
fn invalid_stream_events_are_refused() {
    for (properties, sentence) in [
        ("BatchSize: 1", "an event of type DynamoDB needs `StartingPosition`"),
        ("StartingPosition: AT_TIMESTAMP", "`StartingPosition` `AT_TIMESTAMP` is not supported"),
        ("StartingPosition: LATEST, MaximumRecordAgeInSeconds: 59", "is -1, for no limit, or at least 60"),
        ("StartingPosition: LATEST, ParallelizationFactor: 11", "a whole number from 1 to 10"),
        (
            "StartingPosition: LATEST, FilterCriteria: { Filters: [{ Pattern: '{\"a\": 1}' }] }",
            "the pattern is not valid: `a` is neither an object nor a list, but 1",
        ),
        ("StartingPosition: LATEST, TumblingWindowInSeconds: 9", "with `TumblingWindowInSeconds` is not supported"),
        (
            "StartingPosition: LATEST, DestinationConfig: { OnFailure: { Destination: 'arn:aws:sns:a:b:c' } }",
            "only an SQS queue can be a destination locally",
        ),
        (
            "StartingPosition: LATEST, DestinationConfig: { OnFailure: { Destination: !GetAtt Fifo.Arn } }",
            "to standard queues only",
        ),
    ] {
        let fault = stream(properties).fault();
        assert!(fault.starts_with("template.yaml:14: ") && fault.contains(sentence), "{fault}");
    }
    let without = TABLE.replace("      StreamSpecification: { StreamViewType: NEW_IMAGE }\n", "");
    let events =
        "        E: { Type: DynamoDB, Properties: { Stream: !GetAtt T.StreamArn, StartingPosition: LATEST } }\n";
    let fault = sample(&[function("F", events), without]).fault();
    assert_eq!(fault, "template.yaml:14: `T` has no stream: it needs a `StreamSpecification`");
}

#[test]
fn filters_of_streams_and_queues() {
    let filters = "FilterCriteria: { Filters: [{ Pattern: '{\"eventName\": [\"REMOVE\"]}' }] }";
    let stack = stream(&format!("StartingPosition: LATEST, {filters}")).resolve().unwrap();
    let filter = &stack.functions[0].stream_events[0].filter;
    assert!(filter.matches(&json!({"eventName": "REMOVE"})) && !filter.matches(&json!({"eventName": "INSERT"})));
    let queue = "  Q: { Type: AWS::SQS::Queue }\n";
    let event = format!("        E: {{ Type: SQS, Properties: {{ Queue: !GetAtt Q.Arn, {filters} }} }}\n");
    let stack = sample(&[function("F", &event), queue.to_owned()]).resolve().unwrap();
    let filter = &stack.functions[0].queue_events[0].filter;
    assert!(!filter.matches(&json!({"eventName": "INSERT"})));
    let many = (0..6).map(|_| "{ Pattern: '{\"a\": [1]}' }").collect::<Vec<_>>().join(", ");
    let fault = stream(&format!("StartingPosition: LATEST, FilterCriteria: {{ Filters: [{many}] }}")).fault();
    assert_eq!(fault, "template.yaml:14: an event source mapping has at most 5 filters");
}

#[test]
fn a_buckets_cors_rules() {
    let rule = |rule: &str| format!("{BUCKET}      CorsConfiguration: {{ CorsRules: [{{ {rule} }}] }}\n");
    let upload = |rule: String| sample(&[function("F", "        {}\n"), rule]);
    let good = "Id: a, AllowedOrigins: ['https://*.example'], AllowedMethods: [PUT], AllowedHeaders: ['*'], MaxAge: 60";
    let stack = upload(rule(good)).resolve().unwrap();
    let [cors] = stack.buckets[0].cors.as_slice() else { panic!("one rule") };
    assert_eq!(
        (&*cors.allowed_origins[0], &*cors.allowed_methods[0], cors.max_age),
        ("https://*.example", "PUT", Some(60))
    );
    for (wrong, sentence) in [
        ("AllowedOrigins: ['*']", "a CORS rule needs `AllowedMethods`"),
        ("AllowedOrigins: ['*'], AllowedMethods: [PATCH]", "the method `PATCH` is not supported"),
        ("AllowedOrigins: ['*.*'], AllowedMethods: [GET]", "S3 takes one `*` at most, and `*.*` has more"),
    ] {
        let fault = upload(rule(wrong)).fault();
        assert!(fault.contains(sentence), "{fault}");
    }
}

#[test]
fn schedules_of_both_services() {
    let stack =
        event("{ Type: Schedule, Properties: { Schedule: rate(5 minutes), Input: '{\"a\": 1}' } }").resolve().unwrap();
    let schedule = &stack.functions[0].schedule_events[0];
    assert!(matches!(schedule.expression, ScheduleExpression::Rate(rate) if rate == Duration::from_mins(5)));
    assert_eq!(schedule.input.as_deref(), Some("{\"a\": 1}"));
    assert_eq!(schedule.arn, "arn:aws:events:us-east-1:000000000000:rule/local-FE");
    let second = "{ Type: ScheduleV2, Properties: { ScheduleExpression: cron(0 10 * * ? *), Name: daily, \
                  FlexibleTimeWindow: { Mode: 'OFF' } } }";
    let stack = event(second).resolve().unwrap();
    let schedule = &stack.functions[0].schedule_events[0];
    assert!(matches!(schedule.expression, ScheduleExpression::Cron(_)));
    assert_eq!(schedule.arn, "arn:aws:scheduler:us-east-1:000000000000:schedule/default/daily");
    for off in [
        "{ Type: Schedule, Properties: { Schedule: rate(1 day), Enabled: false } }",
        "{ Type: Schedule, Properties: { Schedule: rate(1 day), State: DISABLED } }",
        "{ Type: ScheduleV2, Properties: { ScheduleExpression: rate(1 day), State: DISABLED } }",
    ] {
        assert!(event(off).resolve().unwrap().functions[0].schedule_events.is_empty(), "{off}");
    }
}

#[test]
fn invalid_schedules_are_refused() {
    for (properties, sentence) in [
        ("Schedule, Properties: { Schedule: rate(1 minutes) }", "a rate is a number of `minutes`"),
        ("Schedule, Properties: { Schedule: rate(1 day), Input: oops }", "`Input` is not JSON"),
        ("Schedule", "an event of type Schedule needs `Properties`"),
        (
            "ScheduleV2, Properties: { ScheduleExpression: 'at(2026-01-01T00:00:00)' }",
            "a schedule is `rate(…)` or `cron(…)`, not `at(",
        ),
        (
            "ScheduleV2, Properties: { ScheduleExpression: rate(1 day), ScheduleExpressionTimezone: Europe/Rome }",
            "`ScheduleExpressionTimezone` `Europe/Rome` is not supported",
        ),
        ("ScheduleV2, Properties: { ScheduleExpression: rate(1 day), EndDate: 1 }", "with `EndDate` is not supported"),
    ] {
        let fault = event(&format!("{{ Type: {properties} }}")).fault();
        assert!(fault.starts_with("template.yaml:14: ") && fault.contains(sentence), "{fault}");
    }
}

const BUCKET: &str = "  B:
    Type: AWS::S3::Bucket
    Properties:
      PublicAccessBlockConfiguration: { BlockPublicAcls: true }
      VersioningConfiguration: { Status: Enabled }
      NotificationConfiguration:
        LambdaConfigurations: [{ Event: 's3:ObjectRemoved:*', Function: !GetAtt F.Arn }]
";

fn upload(properties: &str) -> Sample {
    let events = format!("        E: {{ Type: S3, Properties: {{ Bucket: !Ref B, {properties} }} }}\n");
    sample(&[function("F", &events), BUCKET.to_owned()])
}

#[test]
fn a_bucket_notifies_functions_of_its_own_and_of_their_events() {
    let rules = "Filter: { S3Key: { Rules: [{ Name: prefix, Value: in/ }, { Name: Suffix, Value: .jpg }] } }";
    let stack = upload(&format!("Events: s3:ObjectCreated:*, {rules}")).resolve().unwrap();
    let [bucket] = stack.buckets.as_slice() else { panic!("one bucket") };
    assert_eq!((&*bucket.name, &*bucket.arn), ("local-b", "arn:aws:s3:::local-b"));
    let [own, event] = bucket.notifications.as_slice() else { panic!("two notifications") };
    assert_eq!((&*own.function, &*own.prefix, &*own.events[0]), ("F", "", "s3:ObjectRemoved:*"));
    assert_eq!((&*event.id, &*event.function, &*event.events[0]), ("FE", "F", "s3:ObjectCreated:*"));
    assert_eq!((&*event.prefix, &*event.suffix), ("in/", ".jpg"));
}

#[test]
fn invalid_bucket_events_are_refused() {
    for (properties, sentence) in [
        ("Events: s3:ObjectRestore:*", "the event `s3:ObjectRestore:*` is not supported"),
        ("Filter: {}", "an event of type S3 needs `Events`"),
        (
            "Events: s3:ObjectCreated:*, Filter: { S3Key: { Rules: [{ Name: infix, Value: a }] } }",
            "`Name` `infix` is not supported",
        ),
    ] {
        let fault = upload(properties).fault();
        assert!(fault.starts_with("template.yaml:14: ") && fault.contains(sentence), "{fault}");
    }
    let replicated = format!("{BUCKET}      ReplicationConfiguration: {{ Rules: [] }}\n");
    let fault = sample(&[function("F", "        {}\n"), replicated]).fault();
    assert!(fault.contains("AWS::S3::Bucket with `ReplicationConfiguration` is not supported"), "{fault}");
}
