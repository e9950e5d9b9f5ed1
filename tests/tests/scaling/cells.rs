//! The cell of an id.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Returns the cell of a user or conversation among `cells`, counted from 0: jump consistent hash (Lamping and Veach, 2014) of the id's
/// SHA-256. Ids begin with their time, so they are no hash themselves.
pub(crate) fn cell_of(id: Uuid, cells: u32) -> u32 {
    let digest = Sha256::digest(id.as_bytes());
    let mut key = u64::from_be_bytes(digest[..8].try_into().unwrap());
    let (mut cell, mut next) = (0, 0);
    while next < i64::from(cells) {
        cell = next;
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        next = jump(cell, key);
    }
    u32::try_from(cell).unwrap()
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "the algorithm is defined by this arithmetic"
)]
fn jump(cell: i64, key: u64) -> i64 {
    ((cell + 1) as f64 * ((1_i64 << 31) as f64 / ((key >> 33) + 1) as f64)) as i64
}

#[test]
fn another_cell_takes_its_share_and_moves_nothing_else() {
    let mut random = fastrand::Rng::with_seed(1);
    let ids: Vec<Uuid> = (0..100_000).map(|_| Uuid::from_u128(random.u128(..))).collect();
    let moved = ids.iter().filter(|id| cell_of(**id, 50) != cell_of(**id, 51));
    let (mut count, mut elsewhere) = (0, 0);
    for id in moved {
        count += 1;
        elsewhere += u32::from(cell_of(*id, 51) != 50);
    }
    assert_eq!(elsewhere, 0, "ids move to the new cell only");
    // 100,000 / 51 is 1,961, with a standard deviation of 44.
    assert!((1_785..=2_137).contains(&count), "{count}");
}

#[test]
fn cells_have_the_same_number_of_ids_but_for_chance() {
    let mut random = fastrand::Rng::with_seed(2);
    let mut counts = [0_u32; 50];
    for _ in 0..100_000 {
        // As UUIDv7 has it: ids of one moment differ in their last 74 bits only.
        let id = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 | (random.u128(..) >> 66));
        counts[cell_of(id, 50) as usize] += 1;
    }
    // 2,000 each, with a standard deviation of 44.
    assert!(counts.iter().all(|count| (1_800..=2_200).contains(count)), "{counts:?}");
}
