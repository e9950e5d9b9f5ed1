//! Receipts of a device: queued, and recorded by workers whenever they come to it.

use std::rc::Rc;
use std::time::Duration;

use domain::{Receipt, ReceiptKind, Timestamp};
use end_to_end::crash::unless_crashed;
use rand::RngExt;
use rand::rngs::StdRng;

use super::{Device, MAX_ROUNDS, POLLS};
use crate::executor::{self, Machine, Name};
use crate::history::What;

/// Longest time that a receipt waits in the queue, in milliseconds.
const QUEUE_MILLIS: u64 = 3_000;

/// Largest difference between the clocks that stamp receipts, in milliseconds.
const STAMP_MILLIS: u64 = 400;

impl Device {
    /// Acknowledges one of its own messages. The queue delivers the receipt once or twice, in no order.
    pub(super) fn acknowledge(&mut self, rng: &mut StdRng) {
        let Some(seq) = self.done.accepted.get(rng.random_range(0..=self.done.accepted.len())).copied() else { return };
        let receipt = Receipt {
            kind: if rng.random() { ReceiptKind::Read } else { ReceiptKind::Delivered },
            conversation_id: self.conversation.id,
            user_id: self.conversation.users[self.user],
            seq,
            at: Timestamp::now().plus(Duration::from_millis(rng.random_range(0..=STAMP_MILLIS))),
        };
        executor::note(What::Acknowledges { seq: seq.0, kind: receipt.kind });
        for _ in 0..rng.random_range(1..=2) {
            let name = Name::Receipt(self.number, self.done.receipts.len());
            let machine = Machine::new(name, rng.random(), self.conversation.skew);
            let conversation = Rc::clone(&self.conversation);
            let wait = Duration::from_millis(rng.random_range(0..=QUEUE_MILLIS));
            self.done.workers.push(executor::spawn(machine, async move {
                executor::sleep(wait).await;
                for _ in 0..MAX_ROUNDS {
                    let crash = executor::chance(|rng| rng.random_bool(0.25).then(|| rng.random_range(1..POLLS)));
                    match unless_crashed(conversation.receipts.record(receipt), crash).await {
                        Some(Ok(_)) => return true,
                        Some(Err(_)) => executor::note(What::Answered("failed".to_owned())),
                        None => executor::note(What::Answered("crashes".to_owned())),
                    }
                }
                false
            }));
        }
        self.done.receipts.push(receipt);
    }
}
