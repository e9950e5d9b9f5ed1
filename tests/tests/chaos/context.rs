//! The simulated users and their conversations.

use std::sync::Arc;

use domain::{ConversationId, ConversationType};
use end_to_end::Cloud;
use futures_util::future::join_all;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::erased::ErasedUser;
use crate::lane::Lane;
use crate::operations::{Completed, Outcome};
use crate::progress::Progress;
use crate::settings::Settings;
use crate::users::{SimulatedUser, until_settled};

#[derive(Clone, Debug)]
pub(crate) struct TestConversation {
    pub(crate) id: ConversationId,
    pub(crate) kind: ConversationType,
    /// By number; the first owns it.
    pub(crate) members: Vec<usize>,
    /// Held from the beginning where messages expire, so that all of its log is compared.
    pub(crate) is_held: bool,
}

pub(crate) struct Context {
    pub(crate) users: Arc<Vec<SimulatedUser>>,
    pub(crate) conversations: Arc<Vec<TestConversation>>,
    pub(crate) erased: Vec<ErasedUser>,
}

impl Context {
    pub(crate) async fn create(cloud: &Cloud, settings: &Settings) -> Self {
        let users = join_all((0..settings.users).map(|number| SimulatedUser::new(cloud, number, settings))).await;
        let numbers: Vec<usize> = (0..users.len()).collect();
        let user = |number: &usize| users[*number].id;
        let mut conversations = Vec::new();
        for (number, pair) in numbers.chunks_exact(2).enumerate() {
            let id =
                until_settled(|| users[pair[0]].api.talk_to(user(&pair[1]))).await.expect("a private conversation");
            let (kind, is_held) = (ConversationType::Private, number % 2 == 0);
            conversations.push(TestConversation { id, kind, members: pair.to_vec(), is_held });
        }
        for (number, members) in numbers.chunks(4).enumerate() {
            let others: Vec<_> = members[1..].iter().map(user).collect();
            let id = until_settled(|| users[members[0]].api.group("Chaos", &others)).await.expect("a group");
            let (kind, is_held) = (ConversationType::Group, number % 2 == 1);
            conversations.push(TestConversation { id, kind, members: members.to_vec(), is_held });
        }
        let id = until_settled(|| users[0].api.public("Chaos for all")).await.expect("a public conversation");
        for user in &users[1..] {
            until_settled(|| user.api.join(id)).await.expect("any user may join");
        }
        for user in &users {
            user.client.open(id);
        }
        let kind = ConversationType::Public;
        conversations.push(TestConversation { id, kind, members: numbers, is_held: false });
        let numbers = settings.users..settings.users + settings.erased;
        let erased = join_all(numbers.map(|number| SimulatedUser::new(cloud, number, settings))).await;
        let mut context = Self { users: Arc::new(users), conversations: Arc::new(conversations), erased: Vec::new() };
        for user in erased {
            context.add_erased(user).await;
        }
        context
    }

    /// Makes a user a member of the groups and public conversations that are not held.
    async fn add_erased(&mut self, user: SimulatedUser) {
        let mut conversations = Vec::new();
        for conversation in self.conversations.iter().filter(|conversation| !conversation.is_held) {
            match conversation.kind {
                ConversationType::Private => continue,
                ConversationType::Public => {
                    until_settled(|| user.api.join(conversation.id)).await.expect("any user may join");
                    user.client.open(conversation.id);
                }
                ConversationType::Group => {
                    let owner = &self.users[conversation.members[0]].api;
                    until_settled(|| owner.add(conversation.id, user.id)).await.expect("the owner may add users");
                }
            }
            conversations.push(conversation.id);
        }
        self.erased.push(ErasedUser { user, conversations });
    }

    /// Returns the conversations of a user.
    fn conversations_of(&self, user: usize) -> Vec<TestConversation> {
        self.conversations.iter().filter(|conversation| conversation.members.contains(&user)).cloned().collect()
    }

    /// Every user sends texts to each of their conversations until the end, with operations in between.
    pub(crate) async fn send_texts(&self, settings: &Settings, progress: &Arc<Progress>) -> Vec<Completed> {
        let lanes = self.users.iter().enumerate().flat_map(|(number, user)| {
            let conversations = self.conversations_of(number).into_iter();
            conversations.map(move |conversation| (user.clone(), conversation))
        });
        let start = |(number, (user, conversation)): (usize, _)| {
            let choice = StdRng::seed_from_u64(settings.seed ^ (number as u64 + 1));
            AbortOnDropHandle::new(tokio::spawn(Lane::new(user, conversation, settings, progress, choice).run()))
        };
        let lanes: Vec<_> = lanes.enumerate().map(start).collect();
        let mut completed = Vec::new();
        for lane in lanes {
            completed.extend(lane.await.expect("a simulated user does not panic"));
        }
        completed
    }

    /// Watches the server's read watermarks of every user, in their last conversation but the public one.
    pub(crate) fn watch_read_watermarks(&self, stop: &CancellationToken) -> Vec<JoinHandle<()>> {
        let watch = |(number, user): (usize, &SimulatedUser)| {
            let conversations = self.conversations_of(number);
            let conversation = conversations
                .iter()
                .rfind(|conversation| conversation.kind == ConversationType::Group)
                .expect("each user has a group");
            tokio::spawn(user.clone().watch_read_watermark(conversation.id, stop.clone()))
        };
        self.users.iter().enumerate().map(watch).collect()
    }

    /// Adds and unmutes every user in each of their conversations.
    pub(crate) async fn restore_members(&self) {
        for conversation in
            self.conversations.iter().filter(|conversation| conversation.kind != ConversationType::Private)
        {
            let owner = &self.users[conversation.members[0]].api;
            for user in conversation.members[1..].iter().map(|member| &self.users[*member]) {
                // Refused for a member.
                match conversation.kind {
                    ConversationType::Public => drop(until_settled(|| user.api.join(conversation.id)).await),
                    _ => drop(until_settled(|| owner.add(conversation.id, user.id)).await),
                }
                let unmuted = until_settled(|| owner.mute(conversation.id, user.id, None)).await;
                unmuted.expect("the owner can unmute");
            }
        }
    }

    /// Sends one more text of every user in each of their conversations.
    pub(crate) async fn send_final_messages(&self) -> Vec<Completed> {
        let mut completed = Vec::new();
        for conversation in self.conversations.iter() {
            let (members, id) = (conversation.members.iter().map(|member| &self.users[*member]), conversation.id);
            completed.extend(
                join_all(members.map(async |user| {
                    let sent = user.send_text(id).await.expect("every user is a member and not muted");
                    Completed { conversation: id, actor: user.id, operation: sent, outcome: Outcome::Applied }
                }))
                .await,
            );
        }
        completed
    }
}
