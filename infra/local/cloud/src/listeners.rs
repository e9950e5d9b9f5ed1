//! The sockets of a cloud: bound before anything starts, so that every address is known and every conflict shows early.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use local_template::{Addresses, Template};
use tokio::net::{TcpListener, TcpSocket};

use crate::remembered_ports::RememberedPorts;

/// Backlog of listeners, as far as the system allows (`net.core.somaxconn`). A client that meets a full one retries a second
/// later, so it takes all that may connect at once.
const BACKLOG: u32 = 16 * 1024;

/// The port of each service. 0 is the one of the last run with the same data, or any free one; so is the port of a second API
/// of a kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ports {
    /// The first HTTP API.
    pub http: u16,
    /// The first WebSocket API.
    pub websocket: u16,
    /// The issuer of tokens.
    pub oidc: u16,
    /// Port of DynamoDB's API.
    pub dynamodb: u16,
    /// Port of SQS's API.
    pub sqs: u16,
    /// Port of S3's API.
    pub s3: u16,
    /// The RDS Data API.
    pub data_api: u16,
    /// Port of EventBridge Scheduler's API.
    pub scheduler: u16,
    /// Port of Secrets Manager's API.
    pub secrets: u16,
    /// Port of the gate before OpenSearch; 0 for any that is free.
    pub opensearch: u16,
    /// Port of Lambda's Invoke API.
    pub lambda: u16,
    /// Port of the control endpoint.
    pub control: u16,
}

/// A port cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Something else has it.
    #[error("port {port} is in use: choose another one with `{flag}` (0 takes any that is free)")]
    InUse {
        port: u16,
        /// The flag that asked for it.
        flag: &'static str,
    },
    /// Another flag has asked for it.
    #[error("port {port} is asked for twice: choose another one with `{first}` or `{flag}` (0 takes any that is free)")]
    Twice { port: u16, first: &'static str, flag: &'static str },
    /// The operating system refuses for another reason.
    #[error(
        "cannot listen on port {port} of 127.0.0.1: {source}; choose another one with `{flag}` (0 takes any that is free)"
    )]
    Refused { port: u16, flag: &'static str, source: io::Error },
    /// Not even a free port can be had.
    #[error("cannot listen on 127.0.0.1: {0}")]
    NoPort(io::Error),
}

/// One listener per service, all on loopback.
pub(crate) struct Listeners {
    pub(crate) dynamodb: Gated,
    pub(crate) s3: TcpListener,
    pub(crate) sqs: Gated,
    pub(crate) rds_data: Gated,
    pub(crate) scheduler: Gated,
    pub(crate) secrets: TcpListener,
    pub(crate) opensearch: Gated,
    pub(crate) lambda: TcpListener,
    pub(crate) control: TcpListener,
    pub(crate) oidc: TcpListener,
    pub(crate) apis: BTreeMap<String, TcpListener>,
    pub(crate) addresses: ServiceAddresses,
}

/// A service behind the gate.
pub(crate) struct Gated {
    /// The listener for clients.
    pub(crate) front: TcpListener,
    /// The listener of the service itself.
    pub(crate) back: TcpListener,
    pub(crate) back_address: SocketAddr,
}

/// Addresses of all services for clients.
#[derive(Debug, Clone)]
pub(crate) struct ServiceAddresses {
    pub(crate) dynamodb: SocketAddr,
    pub(crate) s3: SocketAddr,
    pub(crate) sqs: SocketAddr,
    pub(crate) rds_data: SocketAddr,
    pub(crate) scheduler: SocketAddr,
    pub(crate) secrets: SocketAddr,
    pub(crate) opensearch: SocketAddr,
    pub(crate) lambda: SocketAddr,
    pub(crate) control: SocketAddr,
    pub(crate) oidc: SocketAddr,
    pub(crate) apis: BTreeMap<String, SocketAddr>,
}

impl ServiceAddresses {
    /// Returns the ports by the names under which [`Listeners::bind`] asks for them.
    pub(crate) fn ports(&self) -> RememberedPorts {
        let Self { dynamodb, s3, sqs, rds_data, secrets, scheduler, opensearch, lambda, control, oidc, apis } = self;
        let services = [
            ("dynamodb", dynamodb),
            ("s3", s3),
            ("sqs", sqs),
            ("rds-data", rds_data),
            ("scheduler", scheduler),
            ("secretsmanager", secrets),
            ("opensearch", opensearch),
            ("lambda", lambda),
            ("control", control),
            ("oidc", oidc),
        ];
        let services = services.into_iter().map(|(name, address)| (name.to_owned(), address.port()));
        services.chain(apis.iter().map(|(id, address)| (RememberedPorts::name_of_api(id), address.port()))).collect()
    }
}

impl Listeners {
    /// Binds all ports. In the place of one that cannot be had, a free one is bound and the reason returned, so that a caller
    /// learns all of them at once. `earlier` are the ports of the last run. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// Not even a free port can be had.
    pub(crate) fn bind(
        template: &Template,
        ports: Ports,
        earlier: &RememberedPorts,
    ) -> Result<(Self, Vec<BindError>), BindError> {
        let mut binder = Binder { earlier, asked: BTreeMap::new(), refused: Vec::new() };
        let (http, websocket) = template.api_ids();
        let http = http.into_iter().zip(first_then_free(ports.http, "--http-port"));
        let websocket = websocket.into_iter().zip(first_then_free(ports.websocket, "--websocket-port"));
        let mut apis = BTreeMap::new();
        let mut api_addresses = BTreeMap::new();
        for (id, (port, flag)) in http.chain(websocket) {
            let (listener, address) = binder.bind(&RememberedPorts::name_of_api(&id), port, flag)?;
            api_addresses.insert(id.clone(), address);
            apis.insert(id, listener);
        }
        let (oidc, oidc_address) = binder.bind("oidc", ports.oidc, "--oidc-port")?;
        let (dynamodb, dynamodb_address) = binder.bind_gated("dynamodb", ports.dynamodb, "--dynamodb-port")?;
        let (s3, s3_address) = binder.bind("s3", ports.s3, "--s3-port")?;
        let (sqs, sqs_address) = binder.bind_gated("sqs", ports.sqs, "--sqs-port")?;
        let (rds_data, rds_data_address) = binder.bind_gated("rds-data", ports.data_api, "--data-api-port")?;
        let (scheduler, scheduler_address) = binder.bind_gated("scheduler", ports.scheduler, "--scheduler-port")?;
        let (secrets, secrets_address) = binder.bind("secretsmanager", ports.secrets, "--secrets-port")?;
        let (opensearch, opensearch_address) =
            binder.bind_gated("opensearch", ports.opensearch, "--opensearch-port")?;
        let (lambda, lambda_address) = binder.bind("lambda", ports.lambda, "--lambda-port")?;
        let (control, control_address) = binder.bind("control", ports.control, "--control-port")?;
        let addresses = ServiceAddresses {
            dynamodb: dynamodb_address,
            s3: s3_address,
            sqs: sqs_address,
            rds_data: rds_data_address,
            scheduler: scheduler_address,
            secrets: secrets_address,
            opensearch: opensearch_address,
            lambda: lambda_address,
            control: control_address,
            oidc: oidc_address,
            apis: api_addresses,
        };
        Ok((
            Self {
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
                apis,
                addresses,
            },
            binder.refused,
        ))
    }

    /// Returns the addresses that the template needs to be resolved.
    pub(crate) fn for_template(&self, region: &str, account: &str, stack: &str) -> Addresses {
        Addresses {
            region: region.to_owned(),
            account: account.to_owned(),
            stack: stack.to_owned(),
            sqs: self.addresses.sqs,
            opensearch: self.addresses.opensearch,
            apis: self.addresses.apis.clone(),
        }
    }
}

fn first_then_free(port: u16, flag: &'static str) -> impl Iterator<Item = (u16, &'static str)> {
    std::iter::once((port, flag)).chain(std::iter::repeat((0, flag)))
}

/// Binds one port after the other, and collects what cannot be had.
struct Binder<'a> {
    earlier: &'a RememberedPorts,
    /// The flag that asked for each port.
    asked: BTreeMap<u16, &'static str>,
    refused: Vec<BindError>,
}

impl Binder<'_> {
    fn bind_gated(&mut self, name: &str, port: u16, flag: &'static str) -> Result<(Gated, SocketAddr), BindError> {
        let (front, address) = self.bind(name, port, flag)?;
        let (back, back_address) = free()?;
        Ok((Gated { front, back, back_address }, address))
    }

    /// Binds the port; for 0 the one that the service had in the last run, if it is free, else any.
    fn bind(&mut self, name: &str, port: u16, flag: &'static str) -> Result<(TcpListener, SocketAddr), BindError> {
        if port == 0 {
            let earlier = self.earlier.get(name).filter(|port| !self.asked.contains_key(port));
            return earlier.and_then(|port| listen(port).ok()).map_or_else(free, Ok);
        }
        if let Some(first) = self.asked.insert(port, flag) {
            self.refused.push(BindError::Twice { port, first, flag });
            return free();
        }
        listen(port).or_else(|source| {
            self.refused.push(match source.kind() {
                io::ErrorKind::AddrInUse => BindError::InUse { port, flag },
                _ => BindError::Refused { port, flag, source },
            });
            free()
        })
    }
}

fn free() -> Result<(TcpListener, SocketAddr), BindError> {
    listen(0).map_err(BindError::NoPort)
}

fn listen(port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = TcpSocket::new_v4()?;
    // Connections of a cloud that has just stopped do not hold its ports. On Windows it would mean to share them.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    let listener = socket.listen(BACKLOG)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binder(earlier: &RememberedPorts) -> Binder<'_> {
        Binder { earlier, asked: BTreeMap::new(), refused: Vec::new() }
    }

    #[tokio::test]
    async fn all_ports_that_cannot_be_had_are_named_with_their_flags() {
        let (_taken, address) = free().unwrap();
        let (port, earlier) = (address.port(), RememberedPorts::default());
        let mut binder = binder(&earlier);
        for flag in ["--http-port", "--websocket-port"] {
            binder.bind("", port, flag).unwrap();
        }
        let refused: Vec<_> = binder.refused.iter().map(ToString::to_string).collect();
        let expected = [
            format!("port {port} is in use: choose another one with `--http-port` (0 takes any that is free)"),
            format!(
                "port {port} is asked for twice: choose another one with `--http-port` or `--websocket-port` \
                 (0 takes any that is free)"
            ),
        ];
        assert_eq!(refused, expected);
    }

    #[tokio::test]
    async fn a_service_keeps_its_port_while_nothing_else_has_it() {
        // Below those that the kernel gives, so that no other test gets it once it is free.
        let (first, address) = (20_000..30_000).find_map(|port| listen(port).ok()).unwrap();
        let earlier = RememberedPorts::from_iter([("s3".to_owned(), address.port())]);
        let (_, other) = binder(&earlier).bind("s3", 0, "--s3-port").unwrap();
        assert_ne!(other, address, "it is taken");
        drop(first);
        let (_, same) = binder(&earlier).bind("s3", 0, "--s3-port").unwrap();
        assert_eq!(same, address);
    }
}
