//! Serves a page: its files, its addresses, and while it is built a page that waits.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, REFRESH, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};
use bytes::Bytes;
use local_aws::Admission;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Deployment, State};

/// The address of the page.
const INDEX: &str = "/index.html";

/// The file of the addresses.
const DEPLOYMENT: &str = "/deployment.json";

/// Names of files below it contain their hash.
const ASSETS: &str = "/assets/";

/// The files of a page by their paths, all in memory.
#[derive(Debug, Default)]
pub(crate) struct Files(BTreeMap<String, Bytes>);

impl Files {
    /// Reads all files below a folder.
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        let mut files = Self::default();
        files.add(folder, "")?;
        if files.0.contains_key(INDEX) {
            return Ok(files);
        }
        Err(io::Error::new(io::ErrorKind::NotFound, "there is no index.html"))
    }

    fn add(&mut self, folder: &Path, path: &str) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = format!("{path}/{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                self.add(&entry.path(), &path)?;
            } else {
                self.0.insert(path, fs::read(entry.path())?.into());
            }
        }
        Ok(())
    }
}

/// Serves a page until `shutdown` fires.
pub(crate) async fn serve(
    listener: TcpListener,
    page: watch::Receiver<State>,
    deployment: Deployment,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let served = Arc::new(Served { page, policy: policy(&deployment), deployment });
    let answer = move |method: Method, uri: Uri| {
        let served = served.clone();
        async move { served.answer(&method, uri.path()) }
    };
    let router = Router::new()
        .fallback(answer)
        .layer(middleware::from_fn(|request, next| Admission::local().layer(request, next)));
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

struct Served {
    page: watch::Receiver<State>,
    policy: HeaderValue,
    deployment: Deployment,
}

impl Served {
    fn answer(&self, method: &Method, path: &str) -> Response {
        if method != Method::GET && method != Method::HEAD {
            return StatusCode::METHOD_NOT_ALLOWED.into_response();
        }
        let state = self.page.borrow().clone();
        let mut response = match (path, state) {
            (DEPLOYMENT, _) => axum::Json(&self.deployment).into_response(),
            (path, State::Built(files)) => file(&files, if path == "/" { INDEX } else { path }),
            (_, State::Building) => waiting("The page is being built. It appears here by itself.", true),
            (_, State::Missing(reason)) => waiting(&format!("The page is missing: {reason}"), false),
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, self.policy.clone());
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        let cache = if path.starts_with(ASSETS) { "public, max-age=31536000, immutable" } else { "no-cache" };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
        response
    }
}

fn file(files: &Files, path: &str) -> Response {
    match files.0.get(path) {
        Some(bytes) => ([(CONTENT_TYPE, content_type(path))], Body::from(bytes.clone())).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn waiting(text: &str, again: bool) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if again {
        headers.insert(REFRESH, HeaderValue::from_static("1"));
    }
    (StatusCode::SERVICE_UNAVAILABLE, headers, text.to_owned()).into_response()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "json" | "map" | "webmanifest" => "application/json",
        _ => "application/octet-stream",
    }
}

/// The policy of a deployed page, with the addresses of this cloud: scripts and styles of its own files only.
fn policy(deployment: &Deployment) -> HeaderValue {
    let Deployment { http, websocket, local_issuer, files } = deployment;
    let addresses = [http.as_deref(), websocket.as_deref(), Some(local_issuer), files.as_deref()];
    let connect = addresses.into_iter().flatten().filter_map(origin).collect::<Vec<_>>().join(" ");
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self' {connect}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    // Addresses of loopback are visible ASCII; without a policy a page may do nothing.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// The beginning of a URL, up to its path.
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    Some(format!("{scheme}://{}", rest.split('/').next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_admits_the_addresses_of_this_cloud_only() {
        let deployment = Deployment {
            http: Some("http://127.0.0.1:1".to_owned()),
            websocket: Some("ws://127.0.0.1:2/default".to_owned()),
            local_issuer: "http://127.0.0.1:3/token".to_owned(),
            files: None,
        };
        let policy = policy(&deployment);
        let policy = policy.to_str().unwrap();
        let connect = "connect-src 'self' http://127.0.0.1:1 ws://127.0.0.1:2 http://127.0.0.1:3;";
        assert!(policy.contains(connect) && !policy.contains("unsafe"), "{policy}");
    }
}
