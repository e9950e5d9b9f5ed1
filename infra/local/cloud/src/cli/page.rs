//! The page for browsers that the workspace names: `web` in `[workspace.metadata.local-cloud]`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

use super::workspace::{self, PageSettings};
use crate::Endpoints;
use crate::web::{self, Build, Deployment, Source, State};

/// The port unless a flag names one, or something else has it.
const DEFAULT_PORT: u16 = 3003;

/// The line in the place of a URL.
const MISSING: &str = "missing: see the warning";

/// A page that is being built, if the workspace has one.
pub(super) struct Page(AbortOnDropHandle<Option<Build>>);

impl Page {
    /// Begins with the page of the workspace in which `template` is; `local` is the folder for what is built.
    pub(super) fn begin(template: &Path, local: &Path) -> Self {
        let (folder, output) = (template.parent().map(Path::to_owned).unwrap_or_default(), local.join("web"));
        Self(AbortOnDropHandle::new(tokio::spawn(async move {
            // A template outside of a workspace has no page; what is wrong with a manifest, cargo says when it builds.
            let workspace = tokio::task::spawn_blocking(move || workspace::of(&folder)).await.ok()?.ok()?;
            let PageSettings { package, sources } = workspace.settings.web?;
            let package = workspace.root.join(package);
            let folders = sources.iter().map(|folder| workspace.root.join(folder));
            let folders = [package.clone()].into_iter().chain(folders).collect();
            Some(Build::begin(Source { package, folders, output }, "npm"))
        })))
    }

    /// Serves the page; logs when it is there, and why it is not. `None`: the workspace has no page.
    pub(super) async fn serve(self, port: Option<u16>, endpoints: &Endpoints) -> Option<ServedPage> {
        let build = self.0.await.ok()??;
        let (listener, address) = match listen(port).await {
            Ok(bound) => bound,
            Err(reason) => {
                tracing::warn!("the page for browsers is missing: {reason}");
                return Some(ServedPage { line: MISSING.to_owned(), _running: None });
            }
        };
        let (url, state, shutdown) = (format!("http://{address}"), build.state.clone(), CancellationToken::new());
        let deployment = Deployment {
            http: endpoints.http.clone(),
            websocket: endpoints.websocket.clone(),
            local_issuer: endpoints.oidc_token.clone(),
            files: endpoints.aws.get("s3").cloned(),
        };
        let (token, page) = (shutdown.clone(), state.clone());
        tokio::spawn(async move {
            if let Err(error) = web::serve(listener, page, deployment, token).await {
                tracing::warn!(%error, "the page for browsers is not served any more");
            }
        });
        let line = match &*state.borrow() {
            State::Building => format!("{url} (being built)"),
            State::Built(_) => url.clone(),
            State::Missing(_) => MISSING.to_owned(),
        };
        tokio::spawn(report(state, url));
        Some(ServedPage { line, _running: Some((build, shutdown.drop_guard())) })
    }
}

/// A page that is served until this is dropped.
pub(super) struct ServedPage {
    /// The line for people: the URL, or that there is none.
    pub(super) line: String,
    _running: Option<(Build, DropGuard)>,
}

/// Logs the end of a build.
async fn report(mut state: watch::Receiver<State>, url: String) {
    let was_built = matches!(*state.borrow(), State::Built(_));
    let Ok(state) = state.wait_for(|state| !matches!(state, State::Building)).await.map(|state| state.clone()) else {
        // The cloud has stopped.
        return;
    };
    match state {
        State::Missing(reason) => tracing::warn!("the page for browsers is missing: {reason}"),
        // The output has named it.
        _ if was_built => {}
        _ => tracing::info!("the page for browsers is built: {url}"),
    }
}

async fn listen(port: Option<u16>) -> Result<(TcpListener, SocketAddr), String> {
    let on = |port| async move {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        let address = listener.local_addr()?;
        Ok::<_, std::io::Error>((listener, address))
    };
    match port {
        Some(port) => on(port).await.map_err(|error| {
            format!("port {port}: {error}; choose another one with `--web-port` (0 takes any that is free)")
        }),
        None => match on(DEFAULT_PORT).await {
            Ok(bound) => Ok(bound),
            Err(_) => on(0).await.map_err(|error| error.to_string()),
        },
    }
}
