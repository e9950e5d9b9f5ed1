//! Who comes, who goes, and what they may do, against the real functions.

mod roles;
