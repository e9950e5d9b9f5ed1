//! Secrets by AWS's own client.

use std::net::Ipv4Addr;
use std::path::Path;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use local_aws::policy::{Effect, Statement};
use local_aws::{Access, Keys, Principal};
use local_secrets::Secrets;
use local_template::model::{GeneratedPassword, Secret, SecretContent};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

const ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:login-local0";

fn secret() -> Secret {
    let within = Some(("{\"username\":\"app\"}".to_owned(), "password".to_owned()));
    let password = GeneratedPassword { within, length: 20, alphabet: vec!['x', 'y'] };
    let content = SecretContent::Generated(password);
    Secret { logical_id: "Login".to_owned(), name: "login".to_owned(), arn: ARN.to_owned(), content }
}

async fn serve(file: Option<&Path>) -> (Client, Secrets, DropGuard) {
    let client = |url| Client::new(&local_testing::sdk_without_retries(url, "local"));
    serve_for(Access::default(), client, file).await
}

async fn serve_for(
    access: Access,
    client: impl FnOnce(String) -> Client,
    file: Option<&Path>,
) -> (Client, Secrets, DropGuard) {
    let secrets = Secrets::open(file, &[secret()]).unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    tokio::spawn(secrets.clone().serve(access, listener, shutdown.clone()));
    (client(endpoint), secrets, shutdown.drop_guard())
}

async fn value(client: &Client, id: &str) -> String {
    let found = client.get_secret_value().secret_id(id).send().await.unwrap();
    assert_eq!(found.arn(), Some(ARN));
    found.secret_string().unwrap().to_owned()
}

#[tokio::test]
async fn a_generated_value_is_kept_and_can_be_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secrets.json");
    let first = {
        let (client, _secrets, _shutdown) = serve(Some(&file)).await;
        let first = value(&client, ARN).await;
        assert_eq!(first, value(&client, "login").await, "by its name");
        first
    };
    let (client, secrets, _shutdown) = serve(Some(&file)).await;
    assert_eq!(value(&client, ARN).await, first, "after a restart");
    client.put_secret_value().secret_id(ARN).secret_string("other").send().await.unwrap();
    assert_eq!(value(&client, ARN).await, "other");
    assert_eq!(secrets.value(ARN).as_deref(), Some("other"));
}

#[tokio::test]
async fn an_unknown_secret_is_refused() {
    let (client, _secrets, _shutdown) = serve(None).await;
    let refused = client.get_secret_value().secret_id("other").send().await.unwrap_err();
    assert_eq!(refused.code(), Some("ResourceNotFoundException"));
    assert_eq!(refused.message(), Some("Secrets Manager can't find the specified secret."));
}

#[tokio::test]
async fn a_function_reads_what_its_policies_allow() {
    let statement = |action: &str| Statement::new(Effect::Allow, &[action.to_owned()], vec![ARN.to_owned()]);
    let principal = Principal {
        function: "Caller".to_owned(),
        session: "local-Caller".to_owned(),
        role: "local-CallerRole".to_owned(),
        policy: [statement("secretsmanager:GetSecretValue")].into_iter().collect(),
        ..Principal::default()
    };
    let access = Access::new(Keys::default(), [principal], None, None);
    let credentials = access.keys().of_instance("Caller", "instance");
    let (client, _secrets, _shutdown) =
        serve_for(access.clone(), |url| Client::new(&local_testing::sdk_as(url, credentials)), None).await;
    assert_eq!(value(&client, ARN).await.len(), value(&client, "login").await.len());
    let denied = client.put_secret_value().secret_id(ARN).secret_string("other").send().await.unwrap_err();
    assert_eq!(denied.code(), Some("AccessDeniedException"));
    let denied = client.get_secret_value().secret_id("unknown").send().await.unwrap_err();
    assert_eq!(denied.code(), Some("AccessDeniedException"));
    assert_eq!(access.denials().len(), 2);

    let credentials = local_aws::Credentials { secret_key: "wrong".to_owned(), ..local_aws::Credentials::developer() };
    let (client, _secrets, _shutdown) =
        serve_for(Access::default(), |url| Client::new(&local_testing::sdk_as(url, credentials)), None).await;
    let refused = client.get_secret_value().secret_id(ARN).send().await.unwrap_err();
    assert_eq!(refused.code(), Some("InvalidSignatureException"));
}
