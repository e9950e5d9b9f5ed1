//! `--ui`: the page, and the events that it shows.

use reqwest::header::{HOST, ORIGIN};
use serde_json::Value;
use tokio::time::timeout;

use crate::{Running, TIMEOUT, application, client, public};

/// A stream of server-sent events.
struct Events {
    response: reqwest::Response,
    read: String,
}

impl Events {
    async fn open(cloud: &Running) -> Self {
        let response = client().get(format!("{}/ui/events", cloud.url("/control"))).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, read: String::new() }
    }

    /// The first event of this name whose data is as it should be.
    async fn until(&mut self, name: &str, condition: impl Fn(&Value) -> bool) {
        let found = async {
            loop {
                while let Some((event, rest)) = self.read.split_once("\n\n") {
                    let data = event.strip_prefix(&format!("event: {name}\ndata: ")).map(str::to_owned);
                    self.read = self.read.split_off(self.read.len() - rest.len());
                    if data.is_some_and(|data| condition(&serde_json::from_str(&data).unwrap())) {
                        return;
                    }
                }
                let chunk = self.response.chunk().await.unwrap().expect("the stream goes on");
                self.read.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        };
        timeout(TIMEOUT, found).await.unwrap_or_else(|_| panic!("no such event `{name}`"));
    }
}

#[tokio::test]
async fn the_page_gets_figures_and_the_log_of_an_invocation() {
    let application = application();
    let cloud = Running::start(application.path(), &["--ephemeral", "--ui"]).await;
    let page = client().get(format!("{}/ui", cloud.url("/control"))).send().await.unwrap();
    assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    assert!(page.text().await.unwrap().contains("<title>Local cloud</title>"));

    let mut events = Events::open(&cloud).await;
    events.until("lines", |lines| lines.to_string().contains("building the functions")).await;
    public(&cloud).await;
    // The custom resource was the first.
    events.until("figures", |reading| reading["functions"]["Function"]["invocations"] == 2).await;
    let mut others = Events::open(&cloud).await;
    let has_report = |lines: &Value| {
        let lines = lines.as_array().unwrap();
        lines.iter().any(|line| line["origin"] == "Function" && line["text"].as_str().unwrap().contains(" ms"))
    };
    // A later reader gets the lines that are kept.
    others.until("lines", has_report).await;
    public(&cloud).await;
    others.until("lines", has_report).await;
    others.until("figures", |reading| reading["functions"]["Function"]["invocations"] == 3).await;
    // With two streams open.
    cloud.stop().await;
}

#[tokio::test]
async fn the_page_is_refused_to_other_origins_and_without_the_flag() {
    let application = application();
    let cloud = Running::start(application.path(), &["--ephemeral"]).await;
    let control = cloud.url("/control");
    for path in ["/ui", "/ui/events"] {
        assert_eq!(client().get(format!("{control}{path}")).send().await.unwrap().status(), 404);
    }
    let reset = || client().post(format!("{control}/meter/reset"));
    assert_eq!(reset().send().await.unwrap().status(), 204);
    assert_eq!(reset().header(HOST, "rebound.example:80").send().await.unwrap().status(), 403);
    assert_eq!(reset().header(ORIGIN, "https://elsewhere.example").send().await.unwrap().status(), 403);
    assert_eq!(reset().header(ORIGIN, control).send().await.unwrap().status(), 204);
    cloud.stop().await;
}
