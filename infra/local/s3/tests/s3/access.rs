//! What the policies of a signer allow, for requests, URLs and forms that it has signed.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use local_aws::policy::{Effect, Statement};
use local_aws::{Access, Credentials, Keys, Principal};

use crate::uploads::{minutes, refused, send};
use crate::{Client, Service};

/// A bucket for the function `Keep` that may read all, and write and delete below `in/`; `with_list` to list it, too.
async fn start(with_list: bool) -> Service {
    let statement = |action: &str, resource: &str| {
        Statement::new(Effect::Allow, &[action.to_owned()], vec![format!("arn:aws:s3:::{resource}")])
    };
    let mut statements = vec![
        statement("s3:GetObject", "photos/*"),
        statement("s3:PutObject", "photos/in/*"),
        statement("s3:DeleteObject", "photos/in/*"),
    ];
    statements.extend(with_list.then(|| statement("s3:ListBucket", "photos")));
    let principal = Principal {
        function: "Keep".to_owned(),
        session: "local-Keep".to_owned(),
        role: "local-KeepRole".to_owned(),
        policy: statements.into_iter().collect(),
        ..Principal::default()
    };
    let access = Access::new(Keys::default(), [principal], None, None);
    let credentials = access.keys().of_instance("Keep", "instance");
    Service::start_for(access, credentials).await
}

fn sentence(action: &str, resource: &str) -> String {
    let user = "arn:aws:sts::000000000000:assumed-role/local-KeepRole/local-Keep";
    format!(
        "User: {user} is not authorized to perform: {action} on resource: \"arn:aws:s3:::{resource}\" because no identity-based \
         policy allows the {action} action"
    )
}

#[tokio::test]
async fn a_request_needs_the_rights_of_its_signer() {
    let service = start(true).await;
    service.put("in/p.jpg", "hello").await;
    assert_eq!(service.text("in/p.jpg").await, "hello");
    let refused = service.client.put_object().bucket("photos").key("out/p.jpg").send().await.unwrap_err();
    assert_eq!(refused.raw_response().unwrap().status().as_u16(), 403);
    assert_eq!(
        (refused.code(), refused.message()),
        (Some("AccessDenied"), Some(&*sentence("s3:PutObject", "photos/out/p.jpg")))
    );
    let copy = service.client.copy_object().bucket("photos").key("out/p.jpg").copy_source("photos/in/p.jpg");
    assert_eq!(copy.send().await.unwrap_err().code(), Some("AccessDenied"));

    let object = |key: &str| ObjectIdentifier::builder().key(key).build().unwrap();
    let both = Delete::builder().objects(object("in/p.jpg")).objects(object("out/p.jpg")).build().unwrap();
    let answer = service.client.delete_objects().bucket("photos").delete(both).send().await.unwrap();
    let errors = answer.errors();
    assert_eq!((errors.len(), errors[0].key(), errors[0].code()), (1, Some("out/p.jpg"), Some("AccessDenied")));
    assert!(
        service
            .client
            .head_object()
            .bucket("photos")
            .key("in/p.jpg")
            .send()
            .await
            .unwrap_err()
            .into_service_error()
            .is_not_found()
    );
}

#[tokio::test]
async fn a_url_has_the_rights_of_its_signer_when_it_is_used() {
    let service = start(true).await;
    let put = service.client.put_object().bucket("photos").key("out/p.jpg").presigned(minutes(1)).await.unwrap();
    assert_eq!(send(&put, &[], "hello").await, refused(403, "AccessDenied"));
    let put = service.client.put_object().bucket("photos").key("in/p.jpg").presigned(minutes(1)).await.unwrap();
    assert_eq!(send(&put, &[], "hello").await.0, 200);
}

#[tokio::test]
async fn only_who_may_list_a_bucket_learns_that_an_object_is_missing() {
    let code = async |service: &Service| {
        let error = service.client.get_object().bucket("photos").key("in/none.jpg").send().await.unwrap_err();
        let status = error.raw_response().unwrap().status().as_u16();
        (status, error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned())
    };
    let (status, missing, _) = code(&start(true).await).await;
    assert_eq!((status, &*missing), (404, "NoSuchKey"));
    let hidden = (403, "AccessDenied".to_owned(), sentence("s3:ListBucket", "photos"));
    assert_eq!(code(&start(false).await).await, hidden);
}

#[tokio::test]
async fn keys_and_tokens_have_to_be_known() {
    let service = start(true).await;
    let code = async |credentials: Credentials| {
        let client = Client::new(&local_testing::sdk_as(&service.address, credentials));
        let error = client.list_objects_v2().bucket("photos").send().await.unwrap_err();
        error.code().unwrap_or_default().to_owned()
    };
    let stranger = Credentials { access_key: "stranger".to_owned(), ..Credentials::developer() };
    assert_eq!(code(stranger).await, "InvalidAccessKeyId");
    let wrong = Credentials { secret_key: "wrong".to_owned(), ..Credentials::developer() };
    assert_eq!(code(wrong).await, "SignatureDoesNotMatch");
}
