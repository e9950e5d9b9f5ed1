//! Ranges of user ids, so that several workers can notify the members of a large conversation at the same time.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::UserId;

/// The users after one id, up to and including another. Ids are hashes, so that equal ranges hold about as many users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MemberRange {
    /// The last user before the range; `None` if the range starts with the first user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_user: Option<UserId>,
    /// The last user of the range; `None` if the range has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_user: Option<UserId>,
}

impl MemberRange {
    /// Returns true if the range holds every user.
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    /// Returns true if the user lies behind the end of the range.
    pub fn ends_before(&self, user: UserId) -> bool {
        self.last_user.is_some_and(|last| user > last)
    }

    /// Splits all users into this many equal ranges, at least one.
    pub fn split(number: u32) -> Vec<Self> {
        let number = u128::from(number.max(1));
        let width = u128::MAX / number;
        let border = |n: u128| (1..number).contains(&n).then(|| UserId(Uuid::from_u128(n * width)));
        (0..number).map(|n| Self { after_user: border(n), last_user: border(n + 1) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_is_in_exactly_one_shard() {
        let users = [0, 1, u128::MAX / 3, u128::MAX / 3 + 1, u128::MAX / 2, u128::MAX - 1, u128::MAX];
        for number in [0, 1, 2, 3, 7, 100] {
            let shards = MemberRange::split(number);
            assert_eq!(shards.len(), usize::try_from(number.max(1)).unwrap());
            for user in users.map(|id| UserId(Uuid::from_u128(id))) {
                let holds = |shard: &&MemberRange| {
                    shard.after_user.is_none_or(|after| user > after) && !shard.ends_before(user)
                };
                assert_eq!(shards.iter().filter(holds).count(), 1, "{user} of {number}");
            }
        }
        assert!(MemberRange::split(1)[0].is_whole());
        assert!(MemberRange::split(2).iter().all(|shard| !shard.is_whole()));
    }
}
