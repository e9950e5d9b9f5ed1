//! Membership: joining, leaving and rights, against the real functions.

mod batch_costs;
mod concurrency;
mod costs;
mod crashes;
mod group;
mod muting;
mod periods;
mod public;
mod public_costs;
mod pushes;
mod reconcile;
mod refusals;
mod relays;
mod roles;
mod send_costs;
mod shared_cache;
