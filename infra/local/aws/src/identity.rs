//! The region and account of everything in the local cloud.

/// The region of every service.
pub const REGION: &str = "us-east-1";

/// The account of every service: one that AWS never assigns.
pub const ACCOUNT: &str = "000000000000";
