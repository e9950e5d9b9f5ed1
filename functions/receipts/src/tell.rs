//! Who hears of which receipts.

use std::collections::{BTreeMap, HashMap};

use domain::wire::Push;
use domain::{Connection, Receipt, UserId};
use lambda_kit::push::{Frame, encode};
use store::receipts::Recorded;

/// The receipts that each user hears of.
pub(crate) fn by_user(recorded: &[Recorded]) -> BTreeMap<UserId, Vec<Receipt>> {
    let mut by_user: BTreeMap<UserId, Vec<Receipt>> = BTreeMap::new();
    for Recorded { receipt, audience } in recorded {
        for user in audience {
            by_user.entry(*user).or_default().push(*receipt);
        }
    }
    by_user
}

/// One frame for each user.
pub(crate) fn frames(by_user: &BTreeMap<UserId, Vec<Receipt>>) -> HashMap<UserId, String> {
    let frame = |(user, receipts): (&UserId, &Vec<Receipt>)| {
        encode(&Push::Receipts { receipts: receipts.clone() })
            .inspect_err(|error| tracing::error!(%error, "a frame cannot be written"))
            .ok()
            .map(|json| (*user, json))
    };
    by_user.iter().filter_map(frame).collect()
}

/// The frames, to every connection of their users.
pub(crate) fn address<'a>(
    connections: &'a [Connection],
    frames: &'a HashMap<UserId, String>,
) -> impl Iterator<Item = Frame<'a, 'a>> {
    connections.iter().filter_map(|connection| {
        let json = frames.get(&connection.user_id)?;
        Some(Frame { connection_id: &connection.connection_id, json })
    })
}
