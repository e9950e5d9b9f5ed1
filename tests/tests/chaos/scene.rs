//! The simulated users and their conversations.

use std::sync::Arc;
use std::time::Duration;

use domain::{ConversationId, ConversationType};
use end_to_end::Cloud;
use futures_util::future::join_all;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::deeds::{Done, Outcome};
use crate::people::Chatter;

/// In a public conversation every user receives every message, so fewer are sent there: one in so many.
const PUBLIC_EVERY: u64 = 6;

#[derive(Clone, Debug)]
pub(crate) struct Room {
    pub(crate) id: ConversationId,
    pub(crate) kind: ConversationType,
    /// By number; the first owns it.
    pub(crate) members: Vec<usize>,
}

pub(crate) struct Context {
    pub(crate) people: Arc<Vec<Chatter>>,
    pub(crate) rooms: Arc<Vec<Room>>,
}

impl Context {
    pub(crate) async fn set(cloud: &Cloud, people: usize) -> Self {
        let people = join_all((0..people).map(|number| Chatter::new(cloud, number))).await;
        let numbers: Vec<usize> = (0..people.len()).collect();
        let user = |number: &usize| people[*number].user;
        let mut rooms = Vec::new();
        for pair in numbers.chunks_exact(2) {
            let id = people[pair[0]].api.talk_to(user(&pair[1])).await.expect("a private conversation");
            rooms.push(Room { id, kind: ConversationType::Private, members: pair.to_vec() });
        }
        for members in numbers.chunks(4) {
            let others: Vec<_> = members[1..].iter().map(user).collect();
            let id = people[members[0]].api.group("Chaos", &others).await.expect("a group");
            rooms.push(Room { id, kind: ConversationType::Group, members: members.to_vec() });
        }
        let id = people[0].api.public("Chaos for all").await.expect("a public conversation");
        for person in &people[1..] {
            person.api.join(id).await.expect("anybody may join");
        }
        for person in &people {
            person.client.open(id);
        }
        rooms.push(Room { id, kind: ConversationType::Public, members: numbers });
        Self { people: Arc::new(people), rooms: Arc::new(rooms) }
    }

    /// Returns the rooms of a user.
    fn rooms_of(&self, person: usize) -> Vec<Room> {
        self.rooms.iter().filter(|room| room.members.contains(&person)).cloned().collect()
    }

    /// Every user sends so many texts in each of their rooms, with operations in between.
    pub(crate) async fn talk(&self, seed: u64, messages: u64, pause: Duration) -> Vec<Done> {
        let talk = |number: usize| {
            let (person, rooms) = (self.people[number].clone(), self.rooms_of(number));
            let choice = StdRng::seed_from_u64(seed ^ (number as u64 + 1));
            tokio::spawn(person.talk(rooms, messages, pause, choice))
        };
        let talks: Vec<_> = (0..self.people.len()).map(talk).collect();
        let mut done = Vec::new();
        for talk in talks {
            done.extend(talk.await.expect("somebody who talks does not panic"));
        }
        done
    }

    /// Watches the server's read watermarks of every user, in their last room but the public one.
    pub(crate) fn watch_marks(&self, enough: &CancellationToken) -> Vec<JoinHandle<()>> {
        let watch = |(number, person): (usize, &Chatter)| {
            let rooms = self.rooms_of(number);
            let room = rooms.iter().rfind(|room| room.kind == ConversationType::Group).expect("a group for everybody");
            tokio::spawn(person.clone().watch_marks(room.id, enough.clone()))
        };
        self.people.iter().enumerate().map(watch).collect()
    }

    /// Everybody is everywhere, and may speak.
    pub(crate) async fn gather(&self) {
        for room in self.rooms.iter().filter(|room| room.kind != ConversationType::Private) {
            let owner = &self.people[room.members[0]].api;
            for person in room.members[1..].iter().map(|member| &self.people[*member]) {
                // Refused for a member.
                match room.kind {
                    ConversationType::Public => drop(person.api.join(room.id).await),
                    _ => drop(owner.add(room.id, person.user).await),
                }
                owner.mute(room.id, person.user, None).await.expect("the owner of a room lets speak");
            }
        }
    }

    /// Sends one more text of every user, everywhere.
    pub(crate) async fn last_words(&self) -> Vec<Done> {
        let mut done = Vec::new();
        for room in self.rooms.iter() {
            for person in room.members.iter().map(|member| &self.people[*member]) {
                let said = person.say(room.id).await.expect("everybody is there and may speak");
                done.push(Done { conversation: room.id, actor: person.user, deed: said, outcome: Outcome::Done });
            }
        }
        done
    }
}

impl Room {
    /// Returns true if a text with this number is sent here.
    pub(crate) fn hears(&self, number: u64) -> bool {
        self.kind != ConversationType::Public || number.is_multiple_of(PUBLIC_EVERY)
    }
}
