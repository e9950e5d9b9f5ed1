//! Opening the log for a send: the reads and checks before the first put.

use std::slice;
use std::sync::Arc;

use domain::period::{Periods, SeqRange};
use domain::{Attachment, ConversationId, FileId, HistoryPolicy, Seq, Timestamp, UserId};
use futures_util::future::try_join_all;
use store::StoreError;
use store::clock::{Moment, Stopwatch};
use store::dynamodb::FileItem;
use store::dynamodb::messages::{LogItem, Order};

use super::{Draft, MAX_BEHIND_MEGABYTES, Opened, Refusal};
use crate::log::{Log, SendError};

/// Most items that a client may be behind and still send; beyond that it has to sync first.
pub(super) const MAX_BEHIND: u64 = 500;

impl Log {
    /// Opens the log for a single draft, as [`Self::open_all`] does. A refusal is an error.
    pub async fn open<'a>(&'a self, draft: &'a Draft) -> Result<Opened<'a>, SendError> {
        let mut opened = self.open_all(slice::from_ref(draft)).await?;
        opened.check().map_err(|refusal| refusal.error)?;
        Ok(opened)
    }

    /// Waits for its turn to write to the log. Then reads the items after the `after_seq` of the drafts, which have one
    /// conversation and sender, and, concurrently and consistently, the roster, as far as the process does not know them.
    ///
    /// Sends that are refused are open as well: see [`Opened::check`].
    pub async fn open_all<'a>(&'a self, drafts: &'a [Draft]) -> Result<Opened<'a>, SendError> {
        let draft = drafts.first().ok_or_else(|| StoreError::Inconsistent("a send without a draft".to_owned()))?;
        let Draft { conversation_id, sender_id, after_seq, .. } = *draft;
        let begun_at = Timestamp::now();
        let mut turn = self.cache.turn(conversation_id).await;
        let begun = Stopwatch::start();
        let known = turn.since(after_seq);
        let is_known = known.is_some();
        let was_muted_since = draft.is_muted_by(known.unwrap_or_default());
        let sent_before: Vec<Option<Seq>> =
            drafts.iter().map(|draft| draft.found_in(known.unwrap_or_default())).collect();
        // The answer to a message that was sent before has the members of now, which no put of this send proves.
        let roster = turn.roster().filter(|_| sent_before.iter().all(Option::is_none));
        let read_at = Moment::now();
        let rest_of_log = async { if is_known { Ok(None) } else { self.seen_since(draft).await.map(Some) } };
        let rest_of_roster = async {
            if roster.is_some() { Ok(None) } else { self.members.roster_for(sender_id, conversation_id, true).await }
        };
        let earlier = try_join_all(sent_before.into_iter().map(|seq| self.sent_before(conversation_id, seq)));
        let (seen, read_roster, earlier) = tokio::try_join!(rest_of_log, rest_of_roster, earlier)?;
        let roster = if let Some(roster) = roster {
            roster
        } else {
            let roster = Arc::new(read_roster.ok_or(SendError::NotAMember)?);
            turn.set_roster(&roster, read_at);
            roster
        };
        let member_as_of = roster.has(draft.sender_id).then_some(roster.conversation.members_seq);
        let mut opened = Opened {
            log: self,
            conversation_id,
            sender_id,
            drafts,
            begun,
            begun_at,
            was_muted_since,
            earlier,
            attachments: vec![Vec::new(); drafts.len()],
            mentioned: Vec::new(),
            turn,
            roster,
            member_as_of,
            rights_read: read_at,
            refusal: None,
        };
        let all_seen = seen.as_ref().is_none_or(|(_, all)| *all);
        if let Some((items, _)) = seen {
            if items.is_empty() {
                opened.turn.forget_items();
            }
            opened.add(items);
        }
        opened.authorise(all_seen).await?;
        if !all_seen {
            // Its end is not the head: what follows may have moved to the archive, and a put there would succeed.
            opened.turn.forget_items();
        }
        Ok(opened)
    }

    /// Reads the message that an earlier attempt wrote at `seq`.
    async fn sent_before(&self, conversation: ConversationId, seq: Option<Seq>) -> Result<Option<LogItem>, StoreError> {
        let Some(seq) = seq else { return Ok(None) };
        let item = self.messages.get(conversation, seq).await?;
        item.map(Some).ok_or_else(|| StoreError::Inconsistent(format!("the log lost the item at {seq}")))
    }

    /// Reads the items from the draft's `after_seq` on, or only the head if it has none. Reads at most one item more than a
    /// client may be behind; false if it did not reach the head without a hole. Empty if the log ends before `after_seq`.
    async fn seen_since(&self, draft: &Draft) -> Result<(Vec<LogItem>, bool), StoreError> {
        for consistent in [false, true] {
            let (seen, all) = match draft.after_seq {
                None => (Vec::from_iter(self.messages.head(draft.conversation_id, consistent).await?), true),
                Some(after) => {
                    let range = SeqRange { first: after.max(Seq(1)), last: Seq::MAX };
                    let limit = usize::try_from(MAX_BEHIND).unwrap_or(usize::MAX) + 2;
                    let (order, megabytes) = (Order::Ascending, MAX_BEHIND_MEGABYTES);
                    let read =
                        self.messages.read_bounded(draft.conversation_id, range, order, limit, megabytes, consistent);
                    let read = read.await?;
                    (read.items, !read.more)
                }
            };
            let first = draft.after_seq.map(|after| after.max(Seq(1)));
            let begins = seen.first().is_some_and(|item| first.is_none_or(|first| item.seq == first));
            // An eventually consistent read may lag behind what the client has seen, or leave out an item before later ones.
            if begins && is_contiguous(&seen) {
                return Ok((seen, all));
            }
            // Items after the client's last seq are in the archive: it is far behind.
            if consistent && !seen.is_empty() {
                return Ok((seen, false));
            }
        }
        Ok((Vec::new(), true))
    }
}

impl Draft {
    /// Returns the seq of this message if it is among the items.
    fn found_in(&self, items: &[LogItem]) -> Option<Seq> {
        items.iter().find(|item| self.wrote(item)).map(|item| item.seq)
    }

    /// Returns true if an attempt of this message wrote the item.
    pub(super) fn wrote(&self, item: &LogItem) -> bool {
        item.sender_id == self.sender_id && item.client_message_id == Some(self.client_message_id)
    }

    /// Returns the message that the draft answers, if that comes before the items that a send reads anyway.
    pub(in crate::log) fn earlier_reply_target(&self) -> Option<(ConversationId, Seq)> {
        let first = self.after_seq.map_or(Seq::MAX, |after| after.max(Seq(1)));
        self.content.reply_to_seq.filter(|target| *target < first).map(|target| (self.conversation_id, target))
    }
}

impl Opened<'_> {
    /// Refuses the messages that must not be put. A sender whose earlier attempts succeeded gets their seqs, even if they have left
    /// since or are far behind.
    async fn authorise(&mut self, all_seen: bool) -> Result<(), SendError> {
        if self.first_missing().is_none() {
            return Ok(());
        }
        if (!self.may_write() || self.check_send_rules().is_err())
            && let Err(error) = self.reauthorise().await
        {
            return self.refuse_rest(error);
        }
        // The sender is known to be a member below, so an error may reveal the head.
        let after = self.drafts[0].after_seq.unwrap_or(Seq::MAX);
        match self.turn.head() {
            None => self.refuse_rest(SendError::Ahead),
            Some(_) if !all_seen => self.refuse_rest(SendError::Behind),
            Some(last) if last.seq.0.saturating_sub(after.0) > MAX_BEHIND => self.refuse_rest(SendError::Behind),
            Some(_) => Ok(()),
        }
    }

    /// Attaches the files that the drafts name, out of those that were found. Files that cannot be attached are a refusal,
    /// unless an earlier attempt could.
    pub async fn attach(&mut self, found: &[FileItem]) -> Result<(), SendError> {
        for (index, draft) in self.drafts.iter().enumerate() {
            let attachment = |file: &FileId| {
                let found = found.iter().find(|item| item.attachment.file_id == *file);
                let found = found.filter(|item| item.may_be_attached(self.sender_id, self.conversation_id));
                found.map(|item| item.attachment.clone())
            };
            if let Some(attachments) = draft.attachment_ids.iter().map(attachment).collect::<Option<Vec<Attachment>>>()
            {
                self.attachments[index] = attachments;
                continue;
            }
            // The read may lag behind the log.
            while self.earlier[index].is_none() {
                if !self.read_on().await? {
                    return self.refuse_to_member(index, SendError::FileNotReady).await;
                }
            }
        }
        Ok(())
    }

    /// Checks the messages that the drafts answer: `targets`, or items after `after_seq`. A reply to no visible message is a
    /// refusal, unless an earlier attempt could. Finds mentioned members as well, if the roster does not hold all members.
    ///
    /// Cost: nothing, unless a draft mentions users who are not in the roster, or answers a message from before the sender's
    /// membership period.
    pub async fn refer(&mut self, targets: Vec<LogItem>) -> Result<(), SendError> {
        let missing = self.drafts.iter().zip(&self.earlier).filter(|(_, earlier)| earlier.is_none());
        let mentioned = missing.flat_map(|(draft, _)| draft.content.mentions.iter().copied());
        let mut unknown: Vec<UserId> = mentioned.filter(|user| !self.roster.has(*user)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        if !unknown.is_empty() {
            let found = self.log.members.among(self.conversation_id, &unknown).await?;
            self.mentioned = found.into_iter().map(|member| member.user_id).collect();
        }
        let mut periods = None;
        for (index, draft) in self.drafts.iter().enumerate() {
            let Some(target) = draft.content.reply_to_seq else { continue };
            while self.earlier[index].is_none() {
                let found = self.turn.items().iter().chain(&targets).find(|item| item.seq == target);
                // An event is no message.
                let exists = found.is_some_and(|item| !item.kind.is_event());
                if exists && self.may_see(target, &mut periods).await? {
                    break;
                }
                // The read may lag behind the log.
                if !self.read_on().await? {
                    return self.refuse_to_member(index, SendError::NoReplyTarget).await;
                }
                // What was read may end the membership by which the sender sees a message.
                if let Err(refusal) = self.verify_sender().await {
                    return self.refuse_rest(refusal);
                }
            }
        }
        Ok(())
    }

    /// Returns true if the sender may see the item at `seq`. `periods` keeps the sender's membership periods once they are read.
    async fn may_see(&self, seq: Seq, periods: &mut Option<Periods>) -> Result<bool, StoreError> {
        let everything = self.roster.conversation.history == HistoryPolicy::Full;
        if self.roster.member(self.sender_id).is_some_and(|sender| everything || sender.joined_seq <= seq) {
            return Ok(true);
        }
        if periods.is_none() {
            let view = self.log.members.view(self.conversation_id, self.sender_id).await?;
            *periods = view.map(|view| view.periods);
        }
        Ok(periods.as_ref().is_some_and(|periods| periods.covers(seq)))
    }

    /// Returns the index of the first draft of which no earlier attempt was found.
    fn first_missing(&self) -> Option<usize> {
        self.earlier.iter().position(Option::is_none)
    }

    /// Refuses every message that has no seq, for a reason that concerns no message of its own. Fails at once if the service did.
    fn refuse_rest(&mut self, error: SendError) -> Result<(), SendError> {
        if matches!(error, SendError::Store(_)) {
            return Err(error);
        }
        if let Some(index) = self.first_missing() {
            self.refuse(index, error);
        }
        Ok(())
    }

    /// Refuses to put anything, because of the draft at `index`, or because the sender is no member any more: then nothing of the log
    /// may show.
    async fn refuse_to_member(&mut self, index: usize, error: SendError) -> Result<(), SendError> {
        match self.verify_sender().await {
            Ok(()) => self.refuse(index, error),
            Err(refusal) => self.refuse_rest(refusal)?,
        }
        Ok(())
    }

    /// Refuses to put anything, because of the draft at `index`. The first reason counts.
    fn refuse(&mut self, index: usize, error: SendError) {
        self.refusal.get_or_insert(Refusal { index, error });
    }

    /// Fails with the refusal if there is one and no message has a seq yet: then nothing will.
    pub fn check(&mut self) -> Result<(), Refusal> {
        self.refusal.take_if(|_| self.earlier[0].is_none()).map_or(Ok(()), Err)
    }
}

/// Returns true if no seq is missing between the items.
fn is_contiguous(items: &[LogItem]) -> bool {
    items.windows(2).all(|pair| pair[1].seq == pair[0].seq.next())
}
