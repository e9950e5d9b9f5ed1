//! The conversation of a run: what all of its tasks share.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chat::log::Log;
use chat::receipts::Receipts;
use domain::conversation::Member;
use domain::membership::Change as MembershipChange;
use domain::{ConversationId, ConversationType, HistoryPolicy, MessageKind, Role, UserId};
use end_to_end::aws;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::dynamodb::Watermarks;
use store::shared_cache::SharedCache;
use store::sql::outbox::Pending;
use uuid::{Builder, Uuid};

use crate::chaos::check::Change;
use crate::chaos::writer::{MakeWriter, Writer};
use crate::executor;
use crate::history::What;
use crate::network::Network;
use crate::plan::Plan;
use crate::shared::shared_cache;
use crate::tables::{DELIVERY_STATUS, READ_STATUS};

/// Conversations of this process so far: each run has keys of its own.
static RUNS: AtomicU64 = AtomicU64::new(0);

/// The conversation of a run, and who writes to it.
pub(crate) struct Conversation {
    pub(crate) id: ConversationId,
    pub(crate) users: Vec<UserId>,
    /// The processes that append: production code, or a mutant.
    processes: RefCell<Vec<Arc<dyn Writer>>>,
    /// The second level of the processes' caches.
    shared: Option<SharedCache>,
    make: MakeWriter,
    /// The log of production code, which reads for the checks.
    pub(crate) log: Log,
    pub(crate) receipts: Receipts,
    pub(crate) network: Network,
    pub(crate) skew: Duration,
    kind: ConversationType,
    history: HistoryPolicy,
    /// The members, by their index, and the version of the conversation, as SQL has them.
    decided: RefCell<(BTreeSet<usize>, u64)>,
    /// Changes that SQL has and the log may not have.
    pub(crate) outbox: RefCell<Vec<Pending>>,
    /// The changes whose outcome is known.
    pub(crate) changes: RefCell<Vec<Change>>,
}

impl Conversation {
    pub(crate) fn new(plan: &Plan, make: MakeWriter) -> Self {
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        let network = Network::new();
        let client = network.client();
        let shared = plan.shared.map(shared_cache);
        let mut rng = StdRng::seed_from_u64(plan.seed);
        let watermarks = Watermarks::new(client.clone(), DELIVERY_STATUS.to_owned(), READ_STATUS.to_owned());
        Self {
            id: ConversationId(Builder::from_unix_timestamp_millis(run, &[0; 10]).into_uuid()),
            users: (0..plan.users).map(|_| UserId(random_id(&mut rng))).collect(),
            processes: RefCell::new((0..plan.processes).map(|_| make(&client, shared.clone())).collect()),
            shared,
            make,
            receipts: Receipts { log: aws::log(&client), watermarks },
            log: aws::log(&client),
            network,
            skew: Duration::from_millis(plan.skew),
            kind: if plan.public { ConversationType::Public } else { ConversationType::Group },
            history: if rng.random_bool(0.3) { HistoryPolicy::Full } else { HistoryPolicy::SinceJoin },
            decided: RefCell::new(([0, 1].into(), 1)),
            outbox: RefCell::default(),
            changes: RefCell::default(),
        }
    }

    /// Returns one of the processes.
    pub(crate) fn process(&self, number: usize) -> Arc<dyn Writer> {
        Arc::clone(&self.processes.borrow()[number])
    }

    /// Replaces a process by one that remembers nothing. What the old one has begun goes on.
    pub(crate) fn restart(&self, number: usize) {
        self.processes.borrow_mut()[number] = (self.make)(&self.network.client(), self.shared.clone());
    }

    /// Returns the number of processes.
    pub(crate) fn process_count(&self) -> usize {
        self.processes.borrow().len()
    }

    /// Returns the members from the first item on.
    pub(crate) fn initial_members(&self) -> BTreeSet<UserId> {
        self.users.iter().take(2).copied().collect()
    }

    /// Returns the change that begins the conversation.
    pub(crate) fn created(&self) -> Pending {
        let members = self.initial_members().into_iter().map(|user| Member::new(user, Role::Member)).collect();
        self.logged(
            1,
            MessageKind::Created {
                conversation_type: self.kind,
                title: Some("Simulation".to_owned()),
                topic: None,
                custom: None,
                history: self.history,
                members,
            },
        )
    }

    /// Returns true if users come and go without an item, most often.
    pub(crate) fn is_public(&self) -> bool {
        self.kind == ConversationType::Public
    }

    /// Decides that a user joins or leaves, whichever they have not: by themselves and without an item, or by another one.
    pub(crate) fn change_member(&self, user: usize, silent: bool) {
        let user_id = self.users[user];
        let (members, version) = &mut *self.decided.borrow_mut();
        let joins = members.insert(user);
        if !joins {
            members.remove(&user);
        }
        *version += 1;
        executor::note(What::Decided { user, joins });
        let change = match (joins, silent) {
            (true, true) => self.pending(*version, MembershipChange::Joined { user_id, muted_until: None }),
            (false, true) => {
                let (promoted, closed, user_deleted) = (None, false, false);
                self.pending(*version, MembershipChange::Left { user_id, promoted, closed, user_deleted })
            }
            (true, false) => {
                let members = vec![Member::new(user_id, Role::Member)];
                self.logged(*version, MessageKind::MembersAdded { members })
            }
            (false, false) => self.logged(*version, MessageKind::MemberRemoved { user_id }),
        };
        self.outbox.borrow_mut().push(change);
    }

    /// Returns a change with an item, as the outbox has it.
    fn logged(&self, version: u64, item: MessageKind) -> Pending {
        self.pending(version, MembershipChange::Logged { actor: self.users[0], item })
    }

    /// Returns a change as the outbox has it.
    fn pending(&self, version: u64, change: MembershipChange) -> Pending {
        Pending { outbox_id: Uuid::nil(), conversation_id: self.id, version, change }
    }
}

/// Returns an id that only the generator decides.
pub(crate) fn random_id(rng: &mut StdRng) -> Uuid {
    Builder::from_random_bytes(rng.random()).into_uuid()
}
