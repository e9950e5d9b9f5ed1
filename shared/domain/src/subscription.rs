//! Subscriptions to public conversations are stored in shards, since the request rate of one partition is limited.
//!
//! The number of shards is a power of two that only grows, and a connection's shard is its hash modulo that number. So a
//! connection that saw a smaller number than the current one has chosen a shard that is still read, and its subscription can be
//! in few shards only: those of every smaller number. A notifier that sees a number that is a moment old may miss connections
//! that have just subscribed in a shard beyond it; they find what they missed when they sync.

use std::time::Duration;

use uuid::Uuid;

/// Longest time that a subscription holds: API Gateway ends every connection after two hours.
pub const MAX_LIFETIME: Duration = Duration::from_hours(2);

/// Most shards of a conversation.
pub const MAX_SHARDS: u32 = 64;

/// Number of members up to which one shard is enough.
const MEMBERS_PER_SHARD: u32 = 1000;

/// Namespace UUID of the hashes of connection ids.
const NAMESPACE: Uuid = Uuid::from_u128(0x5b8f_6c0e_7a3d_4d0f_9d41_2c61_e0a7_93b4);

/// Returns the number of shards for this many members, at most [`MAX_SHARDS`].
pub fn shards(member_count: u32) -> u32 {
    member_count.div_ceil(MEMBERS_PER_SHARD).clamp(1, MAX_SHARDS).next_power_of_two()
}

/// Returns the shard in which a connection subscribes if there are `shards` shards.
pub fn shard(connection_id: &str, shards: u32) -> u32 {
    let hash = Uuid::new_v5(&NAMESPACE, connection_id.as_bytes()).into_bytes();
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) % shards.max(1)
}

/// Returns the other shards in which a connection may have subscribed while there were fewer shards.
pub fn earlier_shards(connection_id: &str, shards: u32) -> Vec<u32> {
    let current = shard(connection_id, shards);
    let smaller =
        std::iter::successors(Some(1_u32), |number| number.checked_mul(2)).take_while(|number| *number < shards);
    let mut earlier: Vec<u32> = smaller.map(|number| shard(connection_id, number)).filter(|n| *n != current).collect();
    earlier.dedup();
    earlier
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shard_count_grows_with_the_members_up_to_a_limit() {
        let counts = [0, 1, 1000, 1001, 2000, 2001, 4001, 32_001, 1_000_000, u32::MAX];
        assert_eq!(counts.map(shards), [1, 1, 1, 2, 2, 4, 8, 64, 64, 64]);
    }

    #[test]
    fn connection_is_found_with_the_same_or_a_larger_shard_count() {
        for id in (0..200).map(|n| format!("L0SM9cOFvHcCI{n}=")) {
            let now = shard(&id, MAX_SHARDS);
            let earlier = earlier_shards(&id, MAX_SHARDS);
            assert!(earlier.len() <= 6 && !earlier.contains(&now), "{earlier:?}");
            for number in [1, 2, 4, 8, 16, 32, 64] {
                let then = shard(&id, number);
                assert!(then < number && (then == now || earlier.contains(&then)), "{id}: {then} of {number}");
            }
            assert!(earlier_shards(&id, 1).is_empty());
        }
    }

    #[test]
    fn connections_are_spread_evenly_over_shards() {
        let mut counts = [0_u32; 8];
        for n in 0..8000 {
            counts[shard(&format!("{n}="), 8) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (800..1200).contains(count)), "{counts:?}");
    }
}
