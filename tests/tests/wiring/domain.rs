//! A domain of OpenSearch Service in place of a collection: each function reaches the indices and aliases that it uses, and no others.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use domain::search::{MessageQuery, SearchOrder};
use domain::{ConversationId, Seq};
use end_to_end::aws;
use end_to_end::cloud::root;
use http::Method;
use lambda_kit::config::http_connector;
use local_aws::call::Owner;
use local_aws::{Access, Keys, Principal};
use local_gate::Gate;
use local_lambda::{Lambda, LogSink, Services};
use local_opensearch::OpenSearch;
use local_template::{Addresses, Template};
use store::opensearch::{Change, DocumentId, Find, INDEX, MessageIndex, Scope};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

const ARN: &str = "arn:aws:es:us-east-1:000000000000:domain/texts";

/// The functions with the policies of the template, and the domain behind the gate.
struct Domain {
    gate: Gate,
    endpoint: String,
    _stop: DropGuard,
}

/// Reads the roles of the functions of a stack that searches in the domain `texts`.
fn principals() -> Vec<Principal> {
    let template = Template::read(&root().join("template.yaml")).expect("the template");
    let address = "127.0.0.1:1".parse().expect("an address");
    let (http_apis, websocket_apis) = template.api_ids();
    let addresses = Addresses {
        region: "us-east-1".to_owned(),
        account: "000000000000".to_owned(),
        stack: "local".to_owned(),
        sqs: address,
        opensearch: address,
        apis: http_apis.into_iter().chain(websocket_apis).map(|id| (id, address)).collect(),
    };
    let parameters = [("Search", "off"), ("SearchEndpoint", "https://texts.example"), ("SearchDomain", "texts")];
    let parameters: BTreeMap<_, _> =
        parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    let stack = template.resolve(&addresses, &parameters).expect("a stack");
    let principal = |function: local_template::model::Function| Principal {
        function: function.logical_id,
        session: function.name,
        role: function.role,
        policy: function.policy,
        ..Principal::default()
    };
    stack.functions.into_iter().map(principal).collect()
}

impl Domain {
    async fn start() -> Self {
        // Fails where another test of this process was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let stop = CancellationToken::new();
        let lambda = Lambda::new(Vec::new(), &Services::default(), &LogSink::new(std::io::sink()), stop.clone());
        let gate = Gate::with_access(lambda, None, Access::new(Keys::default(), principals(), None, None));
        let (front, back) = (TcpListener::bind("127.0.0.1:0").await, TcpListener::bind("127.0.0.1:0").await);
        let (front, back) = (front.expect("a port"), back.expect("a port"));
        let endpoint = format!("http://{}", front.local_addr().expect("an address"));
        let upstream = back.local_addr().expect("an address");
        tokio::spawn(OpenSearch::open(None).expect("an engine").serve(back, stop.clone()));
        let owner = Owner::Domain { arn: ARN.to_owned() };
        tokio::spawn(local_gate::serve_opensearch(front, owner, upstream, gate.clone(), stop.clone()));
        Self { gate, endpoint, _stop: stop.drop_guard() }
    }

    /// The index as a function reaches it.
    fn index(&self, function: &str) -> MessageIndex {
        let keys = self.gate.access().keys().of_instance(function, "instance");
        let credentials = Credentials::new(keys.access_key, keys.secret_key, keys.session_token, None, "tests");
        let config = aws::config().to_builder();
        let config = config.credentials_provider(SharedCredentialsProvider::new(credentials)).build();
        MessageIndex::new(&config, http_connector(), &self.endpoint, "es").expect("a region and credentials")
    }

    /// Returns the status of a request that a function makes.
    async fn status(&self, function: &str, method: Method, path: &str) -> u16 {
        let credentials = self.gate.access().keys().of_instance(function, "instance");
        let uri = format!("{}{path}", self.endpoint);
        let mut request = http::Request::builder().method(method).uri(uri).body(Vec::new()).expect("a request");
        local_aws::signature::sign(&credentials, "es", &mut request);
        let request = reqwest::Request::try_from(request).expect("a request");
        reqwest::Client::new().execute(request).await.expect("an answer").status().as_u16()
    }
}

#[tokio::test]
async fn each_function_reaches_its_indices_of_a_domain() {
    let domain = Domain::start().await;
    let changes = [Change::Delete {
        id: DocumentId { conversation_id: ConversationId::generate(), seq: Seq(1) },
        version: Seq(2),
    }];
    let query = MessageQuery::parse("word").expect("a query");
    let scope = Scope { whole: vec![ConversationId::generate()], parts: Vec::new() };
    let find = Find {
        query: query.as_ref(),
        scope: &scope,
        sender_id: None,
        after: None,
        before: None,
        has: None,
        order: SearchOrder::Best,
    };
    let [index, reindex, search] =
        ["SearchIndex", "SearchReindex", "HttpSearch"].map(|function| domain.index(function));
    search.find(&find, None, 9).await.expect("before there is an index");
    index.ensure().await.expect("a new index");
    index.write(&changes).await.expect("a change");
    search.find(&find, None, 9).await.expect("a search");
    reindex.ensure().await.expect("an index");
    assert!(!reindex.exists("messages-v2").await.expect("an answer"));
    reindex.begin("messages-v2").await.expect("a second index");
    reindex.write(&changes).await.expect("a change");
    assert_eq!(reindex.finish("messages-v2", &[]).await.expect("one index"), [INDEX]);
    assert!(!reindex.delete("messages-v3").await.expect("an answer"));
    assert!(domain.gate.access().denials().is_empty(), "{:?}", domain.gate.access().denials());

    index.begin("messages-v4").await.expect_err("operators alone begin an index");
    index.find(&find, None, 9).await.expect_err("it does not search");
    search.write(&changes).await.expect_err("it does not write");
    reindex.find(&find, None, 9).await.expect_err("it does not search");
}

#[tokio::test]
async fn no_function_reaches_other_indices_of_a_domain() {
    let domain = Domain::start().await;
    for (function, method, path) in [
        ("SearchIndex", Method::PUT, "/other"),
        ("SearchIndex", Method::DELETE, "/messages-v1"),
        ("SearchIndex", Method::POST, "/_bulk"),
        ("SearchIndex", Method::POST, "/_aliases"),
        ("SearchIndex", Method::POST, "/messages-v1/_search"),
        ("SearchReindex", Method::PUT, "/other"),
        ("SearchReindex", Method::DELETE, "/other"),
        ("SearchReindex", Method::POST, "/other/_bulk"),
        ("SearchReindex", Method::GET, "/_cat/indices"),
        ("HttpSearch", Method::POST, "/_search"),
        ("HttpSearch", Method::POST, "/other/_search"),
        ("HttpSearch", Method::GET, "/messages-v1"),
        ("WsSend", Method::POST, "/messages-read/_search"),
    ] {
        assert_eq!(domain.status(function, method.clone(), path).await, 403, "{function} {method} {path}");
    }
    let denials = domain.gate.access().denials();
    assert!(denials.iter().all(|denial| denial.permission.action.starts_with("es:ESHttp")), "{denials:?}");
}
