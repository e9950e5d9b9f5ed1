//! `endpoints.json`: where a running cloud's services are, for programs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use local_template::model::Stack;
use serde::Serialize;

use crate::listeners::ServiceAddresses;

/// The service of collections.
const OPENSEARCH: &str = "opensearch";

/// The URLs of a running cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Endpoints {
    /// The first HTTP API: `http://127.0.0.1:3000`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// The first WebSocket API with its stage: `ws://127.0.0.1:3001/default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub websocket: Option<String>,
    /// Every API by logical id.
    pub apis: BTreeMap<String, String>,
    /// `POST {"username": …}` gives `{"access_token": …}`.
    pub oidc_token: String,
    /// `POST` with `grant_type=client_credentials` gives a program its token.
    pub oauth_token: String,
    /// Clients of user pools whose secrets programs know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<ProgramClient>,
    /// The meter, faults and kill switches: `GET /meter`, `POST /meter/reset`, `POST /faults`, `DELETE /faults`,
    /// `POST /functions/{logical id}/kill`, `POST /schedules/run`.
    pub control: String,
    /// AWS's APIs by service id, as the SDKs' `endpoint_url` takes them.
    pub aws: BTreeMap<String, String>,
}

/// A client with the flow `client_credentials`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProgramClient {
    pub client_id: String,
    pub client_secret: String,
    pub scopes: Vec<String>,
}

impl Endpoints {
    /// Of the services that this stack has.
    pub(crate) fn of(stack: &Stack, addresses: &ServiceAddresses) -> Self {
        let url = |address| format!("http://{address}");
        let address = |id: &str| addresses.apis.get(id);
        let http =
            stack.http_apis.iter().filter_map(|api| Some((api.logical_id.clone(), url(address(&api.logical_id)?))));
        let websocket = stack.websocket_apis.iter().filter_map(|api| {
            Some((api.logical_id.clone(), format!("ws://{}/{}", address(&api.logical_id)?, api.stage)))
        });
        let (http, websocket): (Vec<_>, Vec<_>) = (http.collect(), websocket.collect());
        let first = |apis: &[(String, String)]| apis.first().map(|(_, url)| url.clone());
        let mut aws = BTreeMap::from([
            ("dynamodb".to_owned(), url(&addresses.dynamodb)),
            ("lambda".to_owned(), url(&addresses.lambda)),
            ("sqs".to_owned(), url(&addresses.sqs)),
        ]);
        if !stack.clusters.is_empty() {
            aws.insert("rds-data".to_owned(), url(&addresses.rds_data));
        }
        if !stack.secrets.is_empty() {
            aws.insert("secretsmanager".to_owned(), url(&addresses.secrets));
        }
        if !stack.schedule_groups.is_empty() {
            aws.insert("scheduler".to_owned(), url(&addresses.scheduler));
        }
        if !stack.collections.is_empty() {
            aws.insert(OPENSEARCH.to_owned(), url(&addresses.opensearch));
        }
        if !stack.buckets.is_empty() {
            aws.insert("s3".to_owned(), url(&addresses.s3));
        }
        if let Some(websocket) = first(&websocket) {
            aws.insert("apigatewaymanagementapi".to_owned(), websocket.replacen("ws://", "http://", 1));
        }
        Self {
            http: first(&http),
            websocket: first(&websocket),
            apis: http.into_iter().chain(websocket).collect(),
            oidc_token: format!("{}/token", url(&addresses.oidc)),
            oauth_token: format!("{}/oauth2/token", url(&addresses.oidc)),
            programs: programs(stack),
            control: url(&addresses.control),
            aws,
        }
    }

    /// The variables by which AWS's SDKs find the services, the issuer in the place of Cognito's API included:
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/ss-endpoints-table.html>.
    pub(crate) fn variables(&self, addresses: &ServiceAddresses) -> BTreeMap<String, String> {
        let variable = |service: &str| {
            // The id of this service in the SDKs has a space.
            let id = if service == "secretsmanager" { "secrets_manager" } else { service };
            format!("AWS_ENDPOINT_URL_{}", id.to_uppercase().replace('-', "_"))
        };
        // A collection has no endpoint in the SDKs: the template hands it on.
        let services = self.aws.iter().filter(|(service, _)| *service != OPENSEARCH);
        let services = services.map(|(service, url)| (variable(service), url.clone()));
        let issuer = (variable("cognito-identity-provider"), format!("http://{}", addresses.oidc));
        services.chain([issuer]).collect()
    }
}

fn programs(stack: &Stack) -> Vec<ProgramClient> {
    let clients = stack.user_pools.iter().flat_map(|pool| &pool.clients);
    let programs = clients.filter_map(|client| Some((client, client.credentials.clone()?)));
    programs
        .map(|(client, credentials)| ProgramClient {
            client_id: client.id.clone(),
            client_secret: credentials.secret,
            scopes: credentials.scopes,
        })
        .collect()
}

/// The file of a running cloud. It is there while the cloud is ready, and goes when this is dropped.
#[derive(Debug)]
pub(crate) struct EndpointsFile {
    file: PathBuf,
    /// The operating system releases the lock when the process ends, however it ends.
    _lock: File,
}

impl EndpointsFile {
    /// Takes the file for this cloud, and removes what one that was killed left behind.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] where another cloud has the file.
    pub(crate) fn claim(file: &Path) -> io::Result<Self> {
        let file = std::path::absolute(file)?;
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut lock = file.clone().into_os_string();
        lock.push(".lock");
        let lock = File::create(lock)?;
        lock.try_lock()?;
        remove(&file)?;
        Ok(Self { file, _lock: lock })
    }

    /// The file beside this one that has the environment of functions. It goes with it.
    pub(crate) fn environment(&self) -> PathBuf {
        self.file.with_extension("env")
    }

    /// Writes the file at once or not at all: a reader that finds it finds all of it, and the cloud ready.
    pub(crate) fn write(&self, endpoints: &Endpoints) -> io::Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("/"));
        let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut temporary, endpoints)?;
        temporary.persist(&self.file)?;
        Ok(())
    }
}

impl Drop for EndpointsFile {
    fn drop(&mut self) {
        for file in [self.file.clone(), self.environment()] {
            if let Err(error) = remove(&file) {
                tracing::warn!(%error, "cannot remove {}", file.display());
            }
        }
    }
}

fn remove(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use local_template::model::Collection;

    use super::*;

    #[test]
    fn the_file_has_what_exists_while_it_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/endpoints.json");
        let endpoints = Endpoints {
            http: None,
            websocket: Some("ws://127.0.0.1:1/default".to_owned()),
            apis: [("Ws".to_owned(), "ws://127.0.0.1:1/default".to_owned())].into(),
            oidc_token: "http://127.0.0.1:2/token".to_owned(),
            oauth_token: "http://127.0.0.1:2/oauth2/token".to_owned(),
            programs: Vec::new(),
            control: "http://127.0.0.1:4".to_owned(),
            aws: [("sqs".to_owned(), "http://127.0.0.1:3".to_owned())].into(),
        };
        let file = EndpointsFile::claim(&path).unwrap();
        assert!(!path.exists());
        file.write(&endpoints).unwrap();
        let read: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let expected = serde_json::json!({
            "websocket": "ws://127.0.0.1:1/default",
            "apis": {"Ws": "ws://127.0.0.1:1/default"},
            "oidc_token": "http://127.0.0.1:2/token",
            "oauth_token": "http://127.0.0.1:2/oauth2/token",
            "control": "http://127.0.0.1:4",
            "aws": {"sqs": "http://127.0.0.1:3"},
        });
        assert_eq!(read, expected);
        assert_eq!(EndpointsFile::claim(&path).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert!(path.exists(), "another cloud's file stays");
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn functions_find_every_service_by_the_sdks_own_variables() {
        let address = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
        let (dynamodb, sqs, rds_data, lambda, oidc) = (address(1), address(2), address(3), address(4), address(5));
        let (s3, control, scheduler, secrets, opensearch) =
            (address(6), address(7), address(8), address(9), address(10));
        let addresses = ServiceAddresses {
            dynamodb,
            s3,
            sqs,
            rds_data,
            scheduler,
            secrets,
            opensearch,
            lambda,
            control,
            oidc,
            apis: BTreeMap::new(),
        };
        let (id, name, arn) = ("id".to_owned(), "texts".to_owned(), "arn".to_owned());
        let collection = Collection { logical_id: "Texts".to_owned(), id, name, arn };
        let stack = Stack { collections: vec![collection], ..Stack::default() };
        let endpoints = Endpoints::of(&stack, &addresses);
        assert_eq!(endpoints.aws["opensearch"], "http://127.0.0.1:10");
        let variables = endpoints.variables(&addresses);
        let expected = [("DYNAMODB", 1), ("SQS", 2), ("LAMBDA", 4), ("COGNITO_IDENTITY_PROVIDER", 5)];
        let expected =
            expected.map(|(name, port)| (format!("AWS_ENDPOINT_URL_{name}"), format!("http://127.0.0.1:{port}")));
        assert_eq!(variables, expected.into());
    }

    #[test]
    fn a_file_that_a_killed_cloud_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("endpoints.json");
        std::fs::write(&path, "{}").unwrap();
        let _file = EndpointsFile::claim(&path).unwrap();
        assert!(!path.exists());
    }
}
