//! Cells with users, conversations and messages: what crosses between them, and whether everybody hears everything once.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use uuid::Uuid;

use crate::assert_quoted;
use crate::cells::cell_of;

/// Cells by id, with what each one did.
struct Cells {
    count: u32,
    /// Messages appended, by the cell of the conversation.
    appended: Vec<u32>,
    /// Fan-out messages to other cells.
    crossed: u32,
    /// Posts by the cell of the user.
    posts: Vec<u32>,
    /// Times that a user got a message.
    received: BTreeMap<(Uuid, u32), u32>,
}

impl Cells {
    fn new(count: u32) -> Self {
        let zeros = vec![0; count as usize];
        Self { count, appended: zeros.clone(), crossed: 0, posts: zeros, received: BTreeMap::new() }
    }

    /// Appends in the cell of the conversation. Each cell with members gets one fan-out message, with the seq, and posts to its own users.
    fn send(&mut self, conversation: Uuid, members: &[Uuid], seq: u32) {
        let home = cell_of(conversation, self.count);
        self.appended[home as usize] += 1;
        let targets: BTreeSet<u32> = members.iter().map(|member| cell_of(*member, self.count)).collect();
        self.crossed += u32::try_from(targets.iter().filter(|cell| **cell != home).count()).unwrap();
        for target in targets {
            for member in members.iter().filter(|member| cell_of(**member, self.count) == target) {
                self.posts[target as usize] += 1;
                *self.received.entry((*member, seq)).or_default() += 1;
            }
        }
    }
}

/// Expected number of cells that a message reaches, besides that of its conversation: members fall anywhere.
fn expected_crossings(cells: f64, members: f64) -> f64 {
    (cells - 1.0) * (1.0 - (1.0 - 1.0 / cells).powf(members))
}

fn ids(random: &mut Rng, count: usize) -> Vec<Uuid> {
    (0..count).map(|_| Uuid::from_u128(random.u128(..))).collect()
}

#[test]
fn every_cell_gets_a_message_once_and_the_formula_holds() {
    let mut random = Rng::with_seed(3);
    for members in [2, 8, 100] {
        let users = ids(&mut random, 2_000);
        let conversations = ids(&mut random, 400);
        let mut cells = Cells::new(40);
        for (seq, conversation) in (0..).zip(&conversations) {
            let chosen = random.choose_multiple(users.iter().copied(), members);
            cells.send(*conversation, &chosen, seq);
        }
        assert!(cells.received.values().all(|times| *times == 1));
        assert_eq!(cells.received.len(), conversations.len() * members);
        let crossed = f64::from(cells.crossed) / 400.0;
        let members = f64::from(u32::try_from(members).unwrap());
        let expected = expected_crossings(40.0, members);
        assert!((crossed / expected - 1.0).abs() < 0.05, "{members} members: {crossed} instead of {expected}");
    }
}

#[test]
fn a_conversation_loads_one_cell_and_its_posts_are_spread() {
    let mut random = Rng::with_seed(4);
    let members = ids(&mut random, 4_000);
    let conversation = Uuid::from_u128(random.u128(..));
    let mut cells = Cells::new(40);
    for seq in 0..5 {
        cells.send(conversation, &members, seq);
    }
    assert_eq!(cells.appended.iter().filter(|appended| **appended > 0).count(), 1);
    // One for each other cell, however many of its users are members.
    assert_eq!(cells.crossed, 5 * 39);
    // 500 each, with a standard deviation of 50: five messages to 100 members, whose number has one of 10.
    assert!(cells.posts.iter().all(|posts| (300..=700).contains(posts)), "{:?}", cells.posts);
}

#[test]
fn the_page_has_the_crossings_and_their_price() {
    let crossings = |members| expected_crossings(2_000.0, members);
    for (members, written) in [(2.0, "2.0"), (8.0, "8.0"), (100.0, "98"), (10_000.0, "1,986")] {
        let crossings = crossings(members);
        let text = if crossings < 10.0 { format!("{crossings:.1}") } else { format!("{crossings:.0}") };
        assert_eq!(text, written.replace(',', ""));
        assert_quoted(&format!("| {written} |"));
    }
    // Per message of a group of eight, a third of whom are online: the send and its fan-out; for each delivery two receipts on their way
    // to the conversation, one on to the sender and one to all members.
    let deliveries = 7.0 / 3.0;
    let crossings = 1.0 + 8.0 + deliveries * (2.0 + 1.0 + 8.0);
    assert_quoted(&format!("{crossings:.0} crossings"));
    // A crossing is a request to SQS, a Lambda request, and at most a receive and a delete.
    let dollars = crossings * (3.0 * 0.40 + 0.20);
    assert_quoted(&format!("{dollars:.0} dollars per million messages"));
}
