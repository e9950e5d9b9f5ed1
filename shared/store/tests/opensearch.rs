//! The door to OpenSearch against the engine of the local cloud, over a socket.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use domain::period::SeqRange;
use domain::search::{Analysis, Has, MessageQuery, SearchOrder};
use domain::{ConversationId, Seq, Timestamp, UserId};
use local_opensearch::OpenSearch;
use store::opensearch::{Change, Document, DocumentId, Find, Found, INDEX, MessageIndex, READ_ALIAS, Scope, Written};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// An engine that keeps nothing.
struct Engine {
    index: MessageIndex,
    endpoint: String,
    _stop: DropGuard,
}

impl Engine {
    async fn start() -> Self {
        // Fails where another test of this process was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (stop, engine) = (CancellationToken::new(), OpenSearch::open(None).unwrap());
        tokio::spawn(engine.serve(listener, stop.clone()));
        let credentials = Credentials::new("key", "secret", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        let http = SharedHttpConnector::new(Connector::builder().build_http());
        let index = MessageIndex::new(&config, http, &endpoint, "aoss").unwrap();
        Self { index, endpoint, _stop: stop.drop_guard() }
    }

    async fn write(&self, changes: &[Change]) {
        let written = self.index.write(changes).await.unwrap();
        assert!(written.iter().all(|written| *written == Written::Done), "{written:?}");
        self.refresh().await;
    }

    /// Makes everything searchable that was written.
    async fn refresh(&self) {
        let request = reqwest::Client::new().post(format!("{}/{READ_ALIAS}/_refresh", self.endpoint));
        assert_eq!(request.send().await.unwrap().status(), 200);
    }

    async fn find(&self, q: &str, order: SearchOrder, scope: &Scope) -> Vec<Found> {
        let query = MessageQuery::parse(q).unwrap();
        let find = Find { query: query.as_ref(), scope, sender_id: None, after: None, before: None, has: None, order };
        let all = self.index.find(&find, None, 100).await.unwrap();
        // Page by page it is the same.
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let page = self.index.find(&find, after, 2).await.unwrap();
            after = page.last().map(|found| found.position);
            paged.extend_from_slice(&page);
            if page.len() < 2 {
                break;
            }
        }
        assert_eq!(paged, all, "{q}");
        all
    }

    async fn seqs(&self, q: &str, conversation: ConversationId) -> Vec<u64> {
        let scope = Scope { whole: vec![conversation], parts: Vec::new() };
        self.find(q, SearchOrder::Newest, &scope).await.iter().map(|found| found.id.seq.0).collect()
    }
}

fn document(conversation_id: ConversationId, seq: u64, text: &str) -> Document {
    Document {
        conversation_id,
        seq: Seq(seq),
        sender_id: UserId::from_token("issuer", "alice"),
        sent_at: Timestamp::from_epoch_millis(1_764_000_000_000 + i64::try_from(seq).unwrap()),
        version: Seq(seq),
        terms: Analysis::of(text).terms().collect::<Vec<_>>().join(" "),
        files: String::new(),
        has: Vec::new(),
        mentions: Vec::new(),
    }
}

fn put(conversation: ConversationId, seq: u64, text: &str) -> Change {
    Change::Put(document(conversation, seq, text))
}

#[tokio::test]
async fn documents_are_found_by_words_phrases_and_filters() {
    let engine = Engine::start().await;
    let scope = Scope { whole: vec![ConversationId::generate()], parts: Vec::new() };
    assert_eq!(engine.find("word", SearchOrder::Newest, &scope).await, [], "before there is an index");
    engine.index.ensure().await.unwrap();
    engine.index.ensure().await.unwrap();
    let (here, there) = (ConversationId::generate(), ConversationId::generate());
    let with_file = Document {
        files: "budget 2026 xlsx".to_owned(),
        has: vec![Has::File],
        sender_id: UserId::from_token("issuer", "bob"),
        ..document(here, 9, "see attached")
    };
    engine
        .write(&[
            put(here, 1, "The quick brown fox"),
            put(here, 2, "Brown and quick: 東京の写真 🎉"),
            put(here, 3, "call snake_case() now"),
            put(there, 4, "The quick brown fox"),
            Change::Put(with_file),
        ])
        .await;
    for (q, seqs) in [
        ("quick", &[2, 1][..]),
        ("quick brown", &[2, 1]),
        ("\"quick brown\"", &[1]),
        ("\"quick bro", &[1, 2]),
        ("snake_ca", &[3]),
        ("写真", &[2]),
        ("京の写", &[2]),
        ("🎉", &[2]),
        ("budget attached", &[9]),
        ("\"2026 xlsx\"", &[9]),
        ("attached budget2", &[]),
        ("nothing", &[]),
    ] {
        let mut found = engine.seqs(q, here).await;
        found.sort_unstable_by(|one, other| other.cmp(one));
        let mut seqs = seqs.to_vec();
        seqs.sort_unstable_by(|one, other| other.cmp(one));
        assert_eq!(found, seqs, "{q}");
    }
    let both = Scope { whole: vec![there], parts: vec![(here, vec![SeqRange { first: Seq(2), last: Seq(8) }])] };
    let ids = |found: Vec<Found>| found.iter().map(|found| found.id.seq.0).collect::<Vec<_>>();
    assert_eq!(ids(engine.find("quick", SearchOrder::Newest, &both).await), [4, 2]);
    let best = engine.find("brown quick", SearchOrder::Best, &both).await;
    assert!(best.iter().all(|found| found.position.score.is_some_and(|score| score > 0.0)), "{best:?}");
    let whole = Scope { whole: vec![here], parts: Vec::new() };
    let find = Find {
        query: None,
        scope: &whole,
        sender_id: Some(UserId::from_token("issuer", "bob")),
        after: Some(Timestamp::from_epoch_millis(1_764_000_000_008)),
        before: Some(Timestamp::from_epoch_millis(1_764_000_000_010)),
        has: Some(Has::File),
        order: SearchOrder::Newest,
    };
    assert_eq!(ids(engine.index.find(&find, None, 9).await.unwrap()), [9]);
}

#[tokio::test]
async fn late_and_repeated_changes_do_no_harm() {
    let engine = Engine::start().await;
    engine.index.ensure().await.unwrap();
    let here = ConversationId::generate();
    let edited = |version: u64, text: &str| Change::Put(Document { version: Seq(version), ..document(here, 1, text) });
    let id = DocumentId { conversation_id: here, seq: Seq(1) };
    engine.write(&[edited(5, "newer")]).await;
    engine.write(&[edited(1, "older"), edited(5, "newer")]).await;
    assert_eq!((engine.seqs("older", here).await, engine.seqs("newer", here).await), (vec![], vec![1]));
    engine.write(&[Change::Delete { id, version: Seq(4) }]).await;
    assert_eq!(engine.seqs("newer", here).await, [1], "an older deletion");
    engine.write(&[Change::Delete { id, version: Seq(9) }, Change::Delete { id, version: Seq(9) }]).await;
    engine.write(&[edited(5, "newer")]).await;
    assert_eq!(engine.seqs("newer", here).await, [] as [u64; 0], "a late record of a deleted message");
}

#[tokio::test]
async fn a_new_index_takes_over_by_alias() {
    let engine = Engine::start().await;
    engine.index.ensure().await.unwrap();
    let here = ConversationId::generate();
    engine.write(&[put(here, 1, "word"), put(here, 2, "word")]).await;
    engine.index.begin("messages-v2").await.unwrap();
    engine.index.begin("messages-v2").await.unwrap();
    engine.write(&[put(here, 2, "word"), put(here, 3, "word")]).await;
    let scope = Scope { whole: vec![here], parts: Vec::new() };
    let query = MessageQuery::parse("word").unwrap();
    let (query, order) = (query.as_ref(), SearchOrder::Newest);
    let find = Find { query, scope: &scope, sender_id: None, after: None, before: None, has: None, order };
    let found = engine.index.find(&find, None, 9).await.unwrap();
    let seqs: Vec<u64> = found.iter().map(|found| found.id.seq.0).collect();
    assert_eq!(seqs, [3, 2, 2, 1], "both indexes, and both documents of a message side by side");
    let rest = engine.index.find(&find, Some(found[1].position), 9).await.unwrap();
    assert_eq!(rest.len(), 1, "a position comes once");
    let aliases = engine.index.aliases().await.unwrap();
    assert_eq!(
        (aliases.read, aliases.write.as_deref()),
        (vec![INDEX.to_owned(), "messages-v2".to_owned()], Some("messages-v2"))
    );
    let error = engine.index.finish(INDEX, &[]).await.unwrap_err();
    assert!(matches!(error, store::StoreError::Inconsistent(_)), "changes go to the other one: {error:?}");
    let abandoned = ["messages-v1-lost".to_owned()];
    assert_eq!(engine.index.finish("messages-v2", &abandoned).await.unwrap(), [INDEX, "messages-v1-lost"]);
    assert_eq!(engine.index.finish("messages-v2", &[]).await.unwrap(), [] as [&str; 0]);
    assert!(!engine.index.exists(INDEX).await.unwrap());
    assert_eq!(engine.seqs("word", here).await, [3, 2]);
    engine.index.ensure().await.unwrap();
    assert_eq!(engine.index.aliases().await.unwrap().read, ["messages-v2"]);
}

#[tokio::test]
async fn what_the_index_does_not_take_is_refused_alone() {
    let engine = Engine::start().await;
    engine.index.ensure().await.unwrap();
    let here = ConversationId::generate();
    let mut wrong = document(here, 2, "wrong");
    // Beyond the largest `long`.
    wrong.seq = Seq(u64::MAX);
    let written = engine.index.write(&[put(here, 1, "right"), Change::Put(wrong)]).await.unwrap();
    assert_eq!(written, [Written::Done, Written::Refused("mapper_parsing_exception".to_owned())]);
    engine.refresh().await;
    assert_eq!(engine.seqs("right", here).await, [1]);
}

#[tokio::test]
async fn an_engine_that_is_away_is_busy() {
    let engine = Engine::start().await;
    let Engine { index, _stop: stop, .. } = engine;
    drop(stop);
    let error = loop {
        // It still answers for a moment.
        if let Err(error) = index.ensure().await {
            break error;
        }
    };
    assert!(matches!(error, store::StoreError::Busy { .. }), "{error:?}");
}
