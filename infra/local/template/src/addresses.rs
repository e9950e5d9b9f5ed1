//! The addresses that a template can refer to.

use std::collections::BTreeMap;
use std::net::SocketAddr;

/// The addresses that a template can refer to.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Region, the value of `AWS::Region`.
    pub region: String,
    /// Account id, the value of `AWS::AccountId`.
    pub account: String,
    /// `AWS::StackName`, and how the names of unnamed resources begin
    pub stack: String,
    /// Address of SQS: queue URLs begin with it.
    pub sqs: SocketAddr,
    /// Address of OpenSearch, the endpoint of a collection.
    pub opensearch: SocketAddr,
    /// Address of each API, by logical id.
    pub apis: BTreeMap<String, SocketAddr>,
}

impl Addresses {
    /// Returns the value of `AWS::StackId`.
    pub fn stack_id(&self) -> String {
        let Self { region, account, stack, .. } = self;
        format!("arn:aws:cloudformation:{region}:{account}:stack/{stack}/00000000-0000-0000-0000-000000000000")
    }
}
