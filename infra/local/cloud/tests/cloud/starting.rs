//! The beginning of a start: the template, everything that is in the way, and what stays the same from run to run.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use local_aurora::postgres::Postgres;
use tempfile::TempDir;
use tokio::process::Command;

use crate::{FREE_PORTS, Running, application, client, command, public, refusal};

/// An application with a cluster besides.
fn application_with_cluster() -> TempDir {
    let application = application();
    let cluster = "  Cluster:\n    Type: AWS::RDS::DBCluster\n    Properties: \
                   { Engine: aurora-postgresql, EnableHttpEndpoint: true, ManageMasterUserPassword: true }\n";
    let template = format!("{}{cluster}", include_str!("template.yaml"));
    std::fs::write(application.path().join("template.yaml"), template).unwrap();
    application
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn a_folder_below_the_template_will_do_and_stays_as_it_is() {
    let application = application();
    let below = application.path().join("src");
    let mut start = command(application.path());
    start.current_dir(&below).arg("--ephemeral");
    let cloud = Running::of(application.path(), &mut start).await;
    assert_eq!(public(&cloud).await, "hello from us-east-1");
    cloud.stop().await;
    assert_eq!(entries(&below), ["main.rs"]);
}

#[tokio::test]
async fn without_a_template_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&[][..], &["--ephemeral"], &["--watch"], &["token", "alice"]] {
        let error = refusal(folder.path(), arguments).await;
        assert!(error.starts_with("error: there is no template.yaml in "), "{error}");
    }
    let error = refusal(folder.path(), &["--template", "absent.yaml"]).await;
    assert!(error.starts_with("error: cannot read the template absent.yaml: "), "{error}");
    let error = refusal(folder.path(), &["bench"]).await;
    assert!(error.starts_with("error: no bench: "), "{error}");
    assert!(entries(folder.path()).is_empty());
}

#[tokio::test]
async fn everything_in_the_way_is_said_at_once() {
    let application = application_with_cluster();
    // Data of a version that is not installed stands in for PostgreSQL itself, which the test cannot hide.
    let postgres = application.path().join("data/postgres");
    std::fs::create_dir_all(&postgres).unwrap();
    std::fs::write(postgres.join("PG_VERSION"), "7\n").unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    // Sources that do not compile: nothing may be built before.
    std::fs::write(application.path().join("src/main.rs"), "fn main() { missing }").unwrap();

    let mut start = Command::new(env!("CARGO_BIN_EXE_local-cloud"));
    start.current_dir(application.path()).args(["--http-port", &port, "--s3-port", &port, "--data-dir", "data"]);
    start.args(&FREE_PORTS[2..]).args(["--meter", "--per", "Nobody"]);
    let output = start.output().await.unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("error: 4 things are in the way:\n  - "), "{log}");
    for sentence in [
        format!("port {port} is in use: choose another one with `--http-port`"),
        format!("port {port} is asked for twice: choose another one with `--http-port` or `--s3-port`"),
        "holds data of PostgreSQL 7, but only ".to_owned(),
        "the template has no function `Nobody`".to_owned(),
    ] {
        assert!(log.lines().any(|line| line.starts_with("  - ") && line.contains(&sentence)), "{sentence}: {log}");
    }
    assert!(!log.contains("Compiling"), "{log}");
}

#[tokio::test]
async fn an_unusable_data_folder_is_named() {
    let application = application();
    std::fs::write(application.path().join("file"), "").unwrap();
    let error = refusal(application.path(), &["--data-dir", "file"]).await;
    assert!(error.starts_with("error: cannot use the data folder file: "), "{error}");
}

#[tokio::test]
async fn an_unusable_database_is_named_with_what_to_do_and_without_its_password() {
    let application = application_with_cluster();
    let postgres = Postgres::start(None).await.unwrap();
    let socket = postgres.data_dir().display();
    let database = format!("host={socket} user=postgres dbname=absent password=hunter2");
    let error = refusal(application.path(), &["--ephemeral", "--database-url", &database]).await;
    let expected = format!(
        "error: cannot use the database `absent` of {socket}, as user `postgres` (`--database-url`): PostgreSQL says: \
         database \"absent\" does not exist; create it with `createdb`, or name one that exists, such as `postgres`"
    );
    assert_eq!(error, expected);
    let database = format!("host={socket} user=stranger dbname=postgres password=hunter2");
    let error = refusal(application.path(), &["--ephemeral", "--database-url", &database]).await;
    assert!(
        error.contains("authentication failed for user \"stranger\"; correct the user and the password"),
        "{error}"
    );
    postgres.stop().await.unwrap();

    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let database = format!("postgres://app:hunter2@{free}/shop");
    let error = refusal(application.path(), &["--ephemeral", "--database-url", &database]).await;
    assert!(error.starts_with(&format!("error: cannot use the database `shop` of {free}, as user `app`")), "{error}");
    assert!(error.contains("refused") && !error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_presigned_link_outlives_a_restart() {
    let application = application();
    let cloud = Running::start(application.path(), &[]).await;
    let s3 = aws_sdk_s3::Client::new(&local_testing::sdk(cloud.url("/aws/s3"), "local"));
    s3.put_object().bucket("local-bucket").key("a").body(b"kept".to_vec().into()).send().await.unwrap();
    let minutes = PresigningConfig::expires_in(Duration::from_mins(10)).unwrap();
    let link = s3.get_object().bucket("local-bucket").key("a").presigned(minutes).await.unwrap().uri().to_owned();
    let before = cloud.endpoints.clone();
    cloud.stop().await;

    let cloud = Running::start(application.path(), &[]).await;
    assert_eq!(cloud.endpoints, before);
    assert_eq!(client().get(&link).send().await.unwrap().text().await.unwrap(), "kept");
    cloud.stop().await;

    // A port that something else has taken meanwhile is no obstacle.
    let address = before["aws"]["s3"].as_str().unwrap().strip_prefix("http://").unwrap();
    let _taken = TcpListener::bind(address).unwrap();
    let cloud = Running::start(application.path(), &[]).await;
    assert_ne!(cloud.endpoints["aws"]["s3"], before["aws"]["s3"]);
    assert_eq!(cloud.endpoints["http"], before["http"]);
    cloud.stop().await;
}

#[tokio::test]
async fn a_token_is_printed_on_request() {
    let application = application();
    let error = refusal(application.path(), &["token", "alice"]).await;
    assert!(
        error.starts_with("error: no local cloud is running here: there is no target/local/endpoints.json"),
        "{error}"
    );
    assert!(!application.path().join("target").exists());

    let cloud = Running::start(application.path(), &["--ephemeral", "--token-lifetime", "120"]).await;
    let token = async |arguments: &[&str]| {
        let output = command(application.path()).arg("token").args(arguments).output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    };
    let status = async |token: String| {
        let private = client().get(format!("{}/private", cloud.url("/http"))).bearer_auth(token);
        private.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(token(&["alice"]).await).await, 200);
    assert_eq!(status(token(&["alice", "--expires-in", "-60"]).await).await, 401);
    let request = client().post(cloud.url("/oidc_token")).json(&serde_json::json!({"username": "alice"}));
    let answer: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["expires_in"], 120);
    // The page says how to turn it on.
    let page = client().get(format!("{}/ui", cloud.url("/control"))).send().await.unwrap();
    assert_eq!(page.status(), 404);
    assert!(page.text().await.unwrap().contains("`--ui`"));
    cloud.stop().await;
}
