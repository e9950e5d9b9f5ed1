//! Functions that run elsewhere: `--lambda-endpoint`, and the environment that they are given.

use axum::Router;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::{Running, application, command, public, until};

#[tokio::test]
async fn the_command_waits_for_functions_and_says_what_they_need() {
    let application = application();
    let (template, _) = include_str!("template.yaml").split_once("  Thing:\n").unwrap();
    let template = template.replace(r#"!Sub "${Thing} is ${Thing.Colour}""#, "hello");
    std::fs::write(application.path().join("template.yaml"), template).unwrap();
    // An address that no other test listens on, so that the port stays free.
    let address = TcpListener::bind("127.0.0.2:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://{address}");
    let mut waiting = command(application.path());
    waiting.args(["--ephemeral", "--lambda-endpoint", &url]);
    let environment = application.path().join("target/local/endpoints.env");
    let start = Running::of(application.path(), &mut waiting);

    let serve_functions = async {
        until("the environment is there", async || environment.exists()).await;
        assert!(!environment.with_extension("json").exists(), "it is not ready without functions");
        let reply = r#"{"statusCode":200,"body":"from elsewhere"}"#;
        let router = Router::new().fallback(post(async move || reply));
        let listener = TcpListener::bind(address).await.unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    };
    let (cloud, ()) = tokio::join!(start, serve_functions);
    assert_eq!(public(&cloud).await, "from elsewhere");

    let script = format!(". {}; echo $GREETING $AWS_ENDPOINT_URL_SQS", environment.display());
    let shell = Command::new("sh").args(["-c", &script]).output().await.unwrap();
    assert_eq!(String::from_utf8(shell.stdout).unwrap(), format!("hello {}\n", cloud.url("/aws/sqs")));
    cloud.stop().await;
    assert!(!environment.exists(), "it goes when the cloud stops");
}
