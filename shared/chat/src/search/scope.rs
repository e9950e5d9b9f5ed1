//! The conversations in which a user searches.

use domain::period::SeqRange;
use domain::{ConversationId, Periods, Seq, UserId};
use store::StoreError;
use store::dynamodb::Members;
use store::opensearch::Scope;

/// Most conversations of a search: as many values as OpenSearch takes. The newest ones of a user with more.
const MAX_CONVERSATIONS: usize = 65_536;

/// Most conversations whose membership periods are read: those that the user has left at some time, then the newest ones.
const MAX_READ: usize = 300;

/// Most ranges of seqs of a search. OpenSearch takes 1,024 clauses: each range may count as two, each conversation with ranges is one, and
/// the words ask for up to 200.
const MAX_RANGES: usize = 200;

/// Returns the conversations that a user is or was in, or what they see of them.
///
/// Beyond the limits, conversations count as a whole, also if stretches of them are hidden: what lies there is found and then left
/// out. Eventually consistent, for the same reason. Cost: a query for each 1 MB of conversations, and up to nine batches of keys.
pub(super) async fn of_user(members: &Members, user: UserId) -> Result<Scope, StoreError> {
    let mut all = members.all_of_user(user).await?;
    // Ids are in order of creation.
    all.sort_unstable_by_key(|of_user| std::cmp::Reverse(of_user.conversation_id));
    all.truncate(MAX_CONVERSATIONS);
    let mut read = all.clone();
    read.sort_by_key(|of_user| !of_user.was_left);
    read.truncate(MAX_READ);
    let read: Vec<ConversationId> = read.into_iter().map(|of_user| of_user.conversation_id).collect();
    let periods = members.periods_of_user(user, &read).await?;
    let mut scope = Scope::default();
    let mut ranges = 0;
    for of_user in all {
        let id = of_user.conversation_id;
        match periods.get(&id).map(visible) {
            Some(Visible::Nothing) => {}
            Some(Visible::Parts(parts)) if ranges + parts.len() <= MAX_RANGES => {
                ranges += parts.len();
                scope.parts.push((id, parts));
            }
            _ => scope.whole.push(id),
        }
    }
    Ok(scope)
}

/// Returns one conversation, or what these periods show of it.
pub(super) fn of_conversation(id: ConversationId, periods: &Periods) -> Scope {
    match visible(periods) {
        Visible::Nothing => Scope::default(),
        Visible::Whole => Scope { whole: vec![id], parts: Vec::new() },
        Visible::Parts(parts) => Scope { whole: Vec::new(), parts: vec![(id, parts)] },
    }
}

enum Visible {
    Nothing,
    Whole,
    Parts(Vec<SeqRange>),
}

fn visible(periods: &Periods) -> Visible {
    let ranges: Vec<SeqRange> = periods.within(Seq::ZERO, Seq::MAX).collect();
    match ranges.as_slice() {
        [] => Visible::Nothing,
        [range] if range.first <= Seq(1) && range.last == Seq::MAX => Visible::Whole,
        _ => Visible::Parts(ranges),
    }
}

#[cfg(test)]
mod tests {
    use domain::period::Left;
    use domain::{Period, Timestamp};

    use super::*;

    #[test]
    fn only_conversations_with_hidden_stretches_have_ranges() {
        let id = ConversationId::generate();
        let at = Timestamp::MIN;
        let period = |joined, left: Option<u64>| Period {
            joined_seq: Seq(joined),
            joined_at: at,
            left: left.map(|seq| Left { seq: Seq(seq), at }),
        };
        let scope = |periods| of_conversation(id, &Periods::new(periods));
        assert_eq!(scope(vec![period(1, None)]), Scope { whole: vec![id], parts: Vec::new() });
        let parts = |ranges: &[(u64, u64)]| Scope {
            whole: Vec::new(),
            parts: vec![(id, ranges.iter().map(|(a, b)| SeqRange { first: Seq(*a), last: Seq(*b) }).collect())],
        };
        assert_eq!(scope(vec![period(4, None)]), parts(&[(4, Seq::MAX.0)]));
        assert_eq!(scope(vec![period(1, Some(3)), period(9, None)]), parts(&[(1, 3), (9, Seq::MAX.0)]));
        assert_eq!(scope(vec![period(5, Some(4))]), Scope::default());
    }
}
