//! The sandbox of a function, and its log.

use local_testing::echo;
use serde_json::{Value, json};

use crate::bench::Bench;

#[tokio::test]
async fn the_environment_is_lambdas_and_not_the_shells() {
    let mut setup = echo(env!("CARGO_PKG_NAME"));
    setup.function.environment.insert("TABLE".to_owned(), "things".to_owned());
    setup.function.environment.insert("AWS_REGION".to_owned(), "the-moon".to_owned());
    let bench = Bench::new(setup);
    let env = bench.ok(json!({"do": "env"})).await;
    for (name, value) in [
        ("TABLE", "things"),
        ("AWS_REGION", "eu-north-1"),
        ("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:1"),
        ("AWS_LAMBDA_FUNCTION_NAME", "local-Echo"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/local-Echo"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("TZ", ":UTC"),
    ] {
        assert_eq!(env[name], value, "{name}");
    }
    // cargo sets this one for its tests.
    assert!(std::env::var("CARGO_MANIFEST_DIR").is_ok());
    assert_eq!(env["CARGO_MANIFEST_DIR"], Value::Null);
    assert_eq!(env["HOME"], Value::Null);
}

#[tokio::test]
async fn output_is_logged_with_its_request_id_before_the_invocation_ends() {
    let bench = Bench::new(echo(env!("CARGO_PKG_NAME")));
    let id = bench.ok(json!({"do": "log"})).await["request_id"].as_str().unwrap().to_owned();
    bench.ok(json!({})).await;
    let lines = bench.log.lines();
    assert_eq!(lines[0], "Echo INIT starting");
    let position = |text: &str| {
        let line = format!("Echo {id} {text}");
        lines.iter().position(|l| l.starts_with(&line)).unwrap_or_else(|| panic!("no {line:?} in {lines:#?}"))
    };
    let (start, end) = (position("START RequestId"), position("END RequestId"));
    assert!((start..end).contains(&position("to stdout")));
    assert!((start..end).contains(&position("to stderr")));
    assert!((start..end).contains(&position("no newline \u{fffd}")));
    let report = &lines[position("REPORT RequestId")];
    for part in ["Duration: ", "Billed Duration: ", "Memory Size: 128 MB", "Init Duration: "] {
        assert!(report.contains(part), "{report}");
    }
    #[cfg(target_os = "linux")]
    assert!(report.contains("Max Memory Used: "), "{report}");
    assert_eq!(lines.iter().filter(|line| line.contains("Init Duration")).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_line_is_logged_with_the_id_of_the_next_invocation() {
    let bench = Bench::new(echo(env!("CARGO_PKG_NAME")));
    for _ in 0..100 {
        let id = bench.ok(json!({"do": "log"})).await["request_id"].as_str().unwrap().to_owned();
        let lines = bench.log.lines();
        let of_this = lines.iter().filter(|line| line.starts_with(&format!("Echo {id} ")));
        // START, three lines, END and REPORT.
        assert_eq!(of_this.count(), 6, "{:#?}", &lines[lines.len() - 6..]);
    }
}

#[tokio::test]
async fn the_runtime_api_refuses_what_the_real_one_refuses() {
    let bench = Bench::new(echo(env!("CARGO_PKG_NAME")));
    let answers = bench.ok(json!({"do": "wrong-id"})).await;
    let refusal = |answer: &Value| {
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap_or_default();
        (answer["status"].as_u64().unwrap(), body["errorType"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(refusal(&answers[0]), (400, "InvalidRequestID".to_owned()));
    assert_eq!(refusal(&answers[1]), (400, "InvalidRequestID".to_owned()));
    assert_eq!(refusal(&answers[2]), (403, "InvalidStateTransition".to_owned()));
    assert_eq!(refusal(&answers[3]).0, 404);
}
