//! The contract: what OpenSearch 2.19 documents of the requests that the local engine emulates.
//!
//! Runs against the local engine, and with `OPENSEARCH_URL` against a real one: `OPENSEARCH_USER` and `OPENSEARCH_PASSWORD` are for
//! basic authentication, `OPENSEARCH_INSECURE=1` accepts any certificate. Indices have names of their own and are removed.

mod aliases;
mod collection;
mod documents;
mod errors;
mod full_text;
mod harness;
mod indices;
mod limits;
mod order;
mod refresh;
mod term_level;
mod values;
mod versions;
