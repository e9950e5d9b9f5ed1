//! The sockets of a cloud: bound before anything starts, so that every address is known and every conflict shows early.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use local_template::{Addresses, Template};
use tokio::net::{TcpListener, TcpSocket};

/// Backlog of listeners, as far as the system allows (`net.core.somaxconn`). A client that meets a full one retries a second
/// later, so it takes all that may connect at once.
const BACKLOG: u32 = 16 * 1024;

/// The port of each service. 0 is any free one; a second API of a kind has a free one anyway.
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
    /// The operating system refuses for another reason.
    #[error("cannot listen on port {port} of 127.0.0.1: {source}")]
    Refused {
        /// The port; 0 for any.
        port: u16,
        source: io::Error,
    },
}

/// One listener per service, all on loopback.
pub(crate) struct Listeners {
    pub(crate) dynamodb: Gated,
    pub(crate) s3: TcpListener,
    pub(crate) sqs: Gated,
    pub(crate) rds_data: Gated,
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
    pub(crate) lambda: SocketAddr,
    pub(crate) control: SocketAddr,
    pub(crate) oidc: SocketAddr,
    pub(crate) apis: BTreeMap<String, SocketAddr>,
}

impl Listeners {
    /// Must be called within a Tokio runtime.
    pub(crate) fn bind(template: &Template, ports: Ports) -> Result<Self, BindError> {
        let (http, websocket) = template.api_ids();
        let http = http.into_iter().zip(first_then_free(ports.http, "--http-port"));
        let websocket = websocket.into_iter().zip(first_then_free(ports.websocket, "--websocket-port"));
        let mut apis = BTreeMap::new();
        let mut api_addresses = BTreeMap::new();
        for (id, (port, flag)) in http.chain(websocket) {
            let (listener, address) = bind(port, flag)?;
            api_addresses.insert(id.clone(), address);
            apis.insert(id, listener);
        }
        let (oidc, oidc_address) = bind(ports.oidc, "--oidc-port")?;
        let (dynamodb, dynamodb_address) = bind_gated(ports.dynamodb, "--dynamodb-port")?;
        let (s3, s3_address) = bind(ports.s3, "--s3-port")?;
        let (sqs, sqs_address) = bind_gated(ports.sqs, "--sqs-port")?;
        let (rds_data, rds_data_address) = bind_gated(ports.data_api, "--data-api-port")?;
        let (lambda, lambda_address) = bind(ports.lambda, "--lambda-port")?;
        let (control, control_address) = bind(ports.control, "--control-port")?;
        let addresses = ServiceAddresses {
            dynamodb: dynamodb_address,
            s3: s3_address,
            sqs: sqs_address,
            rds_data: rds_data_address,
            lambda: lambda_address,
            control: control_address,
            oidc: oidc_address,
            apis: api_addresses,
        };
        Ok(Self { dynamodb, s3, sqs, rds_data, lambda, control, oidc, apis, addresses })
    }

    /// Returns the addresses that the template needs to be resolved.
    pub(crate) fn for_template(&self, region: &str, account: &str, stack: &str) -> Addresses {
        Addresses {
            region: region.to_owned(),
            account: account.to_owned(),
            stack: stack.to_owned(),
            sqs: self.addresses.sqs,
            apis: self.addresses.apis.clone(),
        }
    }
}

fn first_then_free(port: u16, flag: &'static str) -> impl Iterator<Item = (u16, &'static str)> {
    std::iter::once((port, flag)).chain(std::iter::repeat((0, flag)))
}

fn bind_gated(port: u16, flag: &'static str) -> Result<(Gated, SocketAddr), BindError> {
    let (front, address) = bind(port, flag)?;
    let (back, back_address) = bind(0, "")?;
    Ok((Gated { front, back, back_address }, address))
}

fn bind(port: u16, flag: &'static str) -> Result<(TcpListener, SocketAddr), BindError> {
    let refused = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse if port != 0 => BindError::InUse { port, flag },
        _ => BindError::Refused { port, source },
    };
    let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // Connections of a cloud that has just stopped do not hold its ports. On Windows it would mean to share them.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_names_the_flag() {
        let (_taken, address) = bind(0, "--http-port").unwrap();
        let port = address.port();
        let error = bind(port, "--http-port").unwrap_err().to_string();
        let expected =
            format!("port {port} is in use: choose another one with `--http-port` (0 takes any that is free)");
        assert_eq!(error, expected);
    }
}
