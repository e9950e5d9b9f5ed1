//! OpenSearch Serverless: what a request needs of the policies of data access, and the service's own words.
//!
//! <https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-genref.html>

use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use local_aws::call::Owner;
use local_aws::signature::Claim;
use local_aws::{Call, Permission};
use serde_json::json;

/// The header with the hash of the body, which the service asks for, and one that it does not take among the signed.
const HASH: &str = "x-amz-content-sha256";
const LENGTH: &str = "content-length";

/// The name for which requests to a collection are signed; those to a domain are signed for another.
const COLLECTION: &str = "aoss";

/// Returns what the policies of data access have to allow.
pub(crate) fn needed(call: &Call) -> Vec<Permission> {
    let Some(Owner::Collection { name, .. }) = &call.owner else { return Vec::new() };
    let of_collection = |action: &str| vec![Permission::new(format!("aoss:{action}"), format!("collection/{name}"))];
    let of_indices = |action: &str| {
        let all = ["*".to_owned()];
        let indices = if call.resources.is_empty() { &all[..] } else { &call.resources };
        let resources = indices.iter().map(|index| format!("index/{name}/{index}"));
        resources.map(|resource| Permission::new(format!("aoss:{action}"), resource)).collect()
    };
    match call.operation.as_str() {
        "CreateIndex" => of_indices("CreateIndex"),
        "DeleteIndex" => of_indices("DeleteIndex"),
        "PutMapping" => of_indices("UpdateIndex"),
        "CatIndices" | "GetIndex" | "GetMapping" => of_indices("DescribeIndex"),
        "Bulk" | "Refresh" => of_indices("WriteDocument"),
        "Count" | "GetDocument" | "Search" => of_indices("ReadDocument"),
        "GetAlias" => of_collection("DescribeCollectionItems"),
        // Adding is creating, and removing is deleting.
        "UpdateAliases" => {
            let actions = call.input["actions"].as_array().into_iter().flatten();
            let removes = actions.clone().any(|action| action.get("remove").is_some());
            let adds = actions.clone().any(|action| action.get("add").is_some());
            let mut needed = Vec::new();
            if adds || !removes {
                needed.extend(of_collection("CreateCollectionItems"));
            }
            if removes {
                needed.extend(of_collection("UpdateCollectionItems"));
            }
            needed
        }
        _ => Vec::new(),
    }
}

/// Finds what keeps the service from taking a signature that is right otherwise.
pub(crate) fn check_signed_headers(head: &Parts) -> Result<(), &'static str> {
    let Ok(claim) = Claim::read(&head.uri, &head.headers) else { return Ok(()) };
    if !claim.is_for(COLLECTION) {
        return Ok(());
    }
    if !head.headers.contains_key(HASH) {
        return Err("requests to OpenSearch Serverless need the header `x-amz-content-sha256`");
    }
    if claim.signs(LENGTH) {
        return Err("requests to OpenSearch Serverless must not sign the header `content-length`");
    }
    Ok(())
}

/// The answer to a request that is not let through. It does not say why.
pub(crate) fn forbidden() -> Response {
    let id = format!("{:032x}", rand::random::<u128>());
    let body = json!({
        "status": 403,
        "request-id": id,
        "error": { "reason": "403 Forbidden", "type": "Forbidden" },
    });
    (StatusCode::FORBIDDEN, [("x-aoss-response-hint", "X01:gw-helper-deny")], axum::Json(body)).into_response()
}

/// An error in OpenSearch's form.
pub(crate) fn failed(status: StatusCode, kind: &str, reason: &str) -> Response {
    let cause = json!({ "type": kind, "reason": reason });
    let error = json!({ "root_cause": [cause], "type": kind, "reason": reason });
    (status, axum::Json(json!({ "error": error, "status": status.as_u16() }))).into_response()
}

#[cfg(test)]
mod tests {
    use local_aws::Caller;
    use local_aws::Service;

    use super::*;

    fn head(service: &str, signed: &str, with_hash: bool) -> Parts {
        let authorization = local_aws::admission::authorization(service).replace("SignedHeaders=host", signed);
        let request = axum::http::Request::post("/notes/_search").header("authorization", authorization);
        let request = if with_hash { request.header(HASH, "0") } else { request };
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_collection_asks_for_the_hash_of_the_body_and_no_signed_length() {
        let host = "SignedHeaders=host";
        assert_eq!(check_signed_headers(&head("aoss", host, true)), Ok(()));
        assert!(check_signed_headers(&head("aoss", host, false)).unwrap_err().contains(HASH));
        let with_length = "SignedHeaders=content-length;host";
        assert!(check_signed_headers(&head("aoss", with_length, true)).unwrap_err().contains(LENGTH));
        assert_eq!(check_signed_headers(&head("es", with_length, false)), Ok(()), "a domain");
    }

    #[test]
    fn changes_of_aliases_need_what_they_do() {
        let needed = |body: &str| {
            let head = axum::http::Request::post("/_aliases").body(()).unwrap().into_parts().0;
            let caller = Caller::Developer { name: String::new() };
            let owner = Some(Owner::Collection { arn: String::new(), name: "texts".to_owned() });
            let call = Call { owner, ..Call::read(Service::Opensearch, &head, body.as_bytes(), &caller) };
            super::needed(&call).into_iter().map(|permission| permission.action).collect::<Vec<_>>()
        };
        assert_eq!(needed(r#"{"actions": [{"add": {}}]}"#), ["aoss:CreateCollectionItems"]);
        assert_eq!(needed(r#"{"actions": [{"remove": {}}]}"#), ["aoss:UpdateCollectionItems"]);
        let both = ["aoss:CreateCollectionItems", "aoss:UpdateCollectionItems"];
        assert_eq!(needed(r#"{"actions": [{"remove": {}}, {"add": {}}]}"#), both);
    }
}
