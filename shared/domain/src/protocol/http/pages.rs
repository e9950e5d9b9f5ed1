//! Sizes of the pages of lists.

use crate::protocol::read::PageSize;

/// `GET /v1/users` by name.
pub const USERS: PageSize = PageSize { default: 10, most: 20 };

/// `GET /v1/conversations`.
pub const CONVERSATIONS: PageSize = PageSize { default: 20, most: 50 };

/// `GET /v1/public-conversations`.
pub const PUBLIC_CONVERSATIONS: PageSize = PageSize { default: 20, most: 50 };

/// `GET /v1/search`: hits in messages.
pub const HITS: PageSize = PageSize { default: 20, most: 50 };

/// `GET /v1/mentions`: messages that mention the caller.
pub const MENTIONS: PageSize = PageSize { default: 20, most: 50 };

/// `GET /v1/conversations/{id}/members`.
pub const MEMBERS: PageSize = PageSize { default: 100, most: 1000 };

/// `GET /v1/blocks`: users whom the caller blocks.
pub const BLOCKS: PageSize = PageSize { default: 100, most: 1000 };

/// `GET /v1/presence`: one batch of reads.
pub const PRESENCE: PageSize = PageSize { default: 100, most: 100 };

/// `GET /v1/conversations/{id}/messages`: items of the history.
pub const HISTORY: PageSize = PageSize { default: 50, most: 100 };

/// `GET /v1/conversations/{id}/pins`: as many as can be pinned.
pub const PINS: PageSize = PageSize { default: 50, most: 50 };

/// `GET /v1/conversations/{id}/messages/{seq}/status`.
pub const RECIPIENTS: PageSize = PageSize { default: 100, most: 100 };

/// `GET /v1/conversations/{id}/receipts`.
pub const RECEIPTS: PageSize = PageSize { default: 100, most: 100 };

/// `GET /v1/server/audit`.
pub const AUDIT: PageSize = PageSize { default: 100, most: 500 };
