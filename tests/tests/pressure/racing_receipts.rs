//! Receipts of one user that are recorded in any order, and at the same time.

use std::collections::BTreeMap;

use domain::settings::SettingsChange;
use domain::{ConversationId, Receipt, ReceiptKind, Seq, Timestamp, UserId};
use end_to_end::faults::Kind;
use end_to_end::{Cloud, aws};
use futures_util::future::join_all;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use store::dynamodb::Watermarks;
use uuid::Uuid;

use crate::PLAN;

/// The name of the recorder in fault plans.
const RECORDER: &str = "recorder";

/// Users, each with receipts of their own.
const USERS: usize = 30;

/// Number of seqs in their conversation.
const SEQS: u64 = 8;

/// Returns the time at which a user reached each seq: the earliest of the receipts at or above it.
fn earliest_times(receipts: &[Receipt]) -> BTreeMap<Seq, Timestamp> {
    let since = |seq: u64| {
        let at_or_above = receipts.iter().filter(|receipt| receipt.seq.0 >= seq);
        Some((Seq(seq), at_or_above.map(|receipt| receipt.at).min()?))
    };
    (1..=SEQS).filter_map(since).collect()
}

#[tokio::test]
async fn concurrent_receipts_store_the_earliest_times() {
    let _plan = PLAN.write().await;
    let mut choice = StdRng::seed_from_u64(5);
    let cloud = Cloud::shared();
    let [delivered, read] = ["local-DeliveryStatusTable", "local-ReadStatusTable"].map(str::to_owned);
    let watermarks = Watermarks::new(aws::dynamodb_as(cloud, RECORDER), delivered, read);
    let conversation_id = ConversationId(Uuid::now_v7());
    let now = Timestamp::now().epoch_millis();
    let of_one_user = |choice: &mut StdRng| -> Vec<Receipt> {
        let (kind, user_id) = (ReceiptKind::Read, UserId(Uuid::new_v4()));
        // They come late, and a higher one can be the earlier.
        let mut receipt = || {
            let (seq, later) = (choice.random_range(1..=SEQS), choice.random_range(0..8));
            Receipt {
                kind,
                conversation_id,
                user_id,
                seq: Seq(seq),
                at: Timestamp::from_epoch_millis(now + 1_000 * later),
            }
        };
        let mut receipts: Vec<Receipt> = (0..6).map(|_| receipt()).collect();
        receipts.shuffle(choice);
        receipts
    };
    let all: Vec<Vec<Receipt>> = (0..USERS).map(|_| of_one_user(&mut choice)).collect();
    let record_all = async |receipts: Vec<&Receipt>| {
        let recorded = join_all(receipts.into_iter().map(|receipt| watermarks.record(receipt))).await;
        assert!(recorded.iter().all(Result::is_ok), "{recorded:?}");
    };
    let check = async || {
        let checks = all.iter().map(async |receipts| {
            let user = receipts[0].user_id;
            for (seq, since) in earliest_times(receipts) {
                let known = watermarks.reached(ReceiptKind::Read, conversation_id, &[user], seq).await.unwrap();
                assert_eq!(known.get(&user), Some(&since), "seq {seq} of {receipts:?}");
            }
        });
        join_all(checks).await;
    };
    cloud.inject_faults(3, &[Kind::Delay(0, 40).rule().function(RECORDER).chance(0.7)]).await;
    // Settings share the item of the watermark, and may come before it.
    let archive = SettingsChange { archived: Some(true), ..SettingsChange::default() };
    let set = all
        .iter()
        .step_by(2)
        .map(|receipts| watermarks.change_settings(conversation_id, receipts[0].user_id, &archive, Timestamp::now()));
    assert!(join_all(set).await.iter().all(Result::is_ok));
    // The first is there before the others race.
    record_all(all.iter().map(|receipts| &receipts[0]).collect()).await;
    record_all(all.iter().flat_map(|receipts| &receipts[1..]).collect()).await;
    cloud.clear_faults().await;
    check().await;
    // Once more, as a queue may give them; and what comes after them hides none of them.
    record_all(all.iter().flatten().collect()).await;
    let at = Timestamp::from_epoch_millis(now + 60_000);
    let last: Vec<Receipt> = all.iter().map(|receipts| Receipt { seq: Seq(SEQS + 1), at, ..receipts[0] }).collect();
    record_all(last.iter().collect()).await;
    check().await;
    for (number, receipts) in all.iter().enumerate() {
        let (_, settings) = watermarks.read_state(conversation_id, receipts[0].user_id).await.unwrap();
        assert_eq!(settings.archived, number % 2 == 0);
    }
}
