//! A function that lacks a permission: what the harness watches for in all other tests.

use std::path::Path;

use end_to_end::cloud::{Setup, root};
use end_to_end::{Cloud, TestUser};
use serde_json::json;
use uuid::Uuid;

/// Writes a template in which `HttpConversations` may not append to the log.
fn write_template(folder: &Path) {
    let template = std::fs::read_to_string(root().join("template.yaml")).expect("template.yaml");
    let code = format!("    CodeUri: {}\n", root().display());
    let template = template.replacen("    CodeUri: .\n", &code, 1);
    let log = "]\n              Resource: !GetAtt MessagesTable.Arn";
    let narrowed = template.replace(&format!(", dynamodb:PutItem{log}"), log);
    assert_ne!(template, narrowed, "the policies of the template have changed");
    std::fs::write(folder.join("template.yaml"), narrowed).expect("a copy of the template");
}

#[tokio::test]
async fn a_function_without_a_permission_is_denied() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_template(folder.path());
    let template = folder.path().join("template.yaml").to_str().expect("UTF-8").to_owned();
    let start = move || Cloud::with(Setup { template: Some(&template), with_denials: true, ..Setup::default() });
    let cloud = tokio::task::spawn_blocking(start).await.expect("a cloud");
    let alice = TestUser::of(&cloud, "alice").await;
    assert_eq!(cloud.denials().await, json!([]));

    let group = json!({"type": "group", "title": "A", "member_ids": []});
    let (status, _) = alice.post_with_key("/v1/conversations", &Uuid::new_v4().to_string(), &group).await;
    assert!(status >= 500, "{status}");
    let denials = cloud.denials().await;
    let [denial, ..] = denials.as_array().expect("a list").as_slice() else { panic!("nothing was denied") };
    let resource = "arn:aws:dynamodb:us-east-1:000000000000:table/local-MessagesTable";
    assert_eq!(
        (&denial["function"], &denial["action"], &denial["resource"]),
        (&json!("HttpConversations"), &json!("dynamodb:PutItem"), &json!(resource))
    );
    assert!(cloud.log().contains("no policy of `HttpConversations` allows it"), "{}", cloud.log());
}
