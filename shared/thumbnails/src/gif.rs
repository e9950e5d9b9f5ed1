//! The blocks of a GIF.

/// Returns true if the bytes end before the trailer, which is the last block of a GIF.
pub(super) fn is_cut(bytes: &[u8]) -> bool {
    reaches_trailer(bytes).is_none()
}

/// Walks from block to block; `None` if the bytes end on the way.
fn reaches_trailer(bytes: &[u8]) -> Option<()> {
    // Signature, screen, and the global table of colours.
    let mut at = 13 + table_bytes(*bytes.get(10)?);
    loop {
        at = match bytes.get(at)? {
            // An extension: its label, then sub-blocks.
            0x21 => after_sub_blocks(bytes, at + 2)?,
            // An image: its place, the local table, the size of a code, then sub-blocks.
            0x2c => after_sub_blocks(bytes, at + 11 + table_bytes(*bytes.get(at + 9)?))?,
            // The trailer, or what the decoder refuses.
            _ => return Some(()),
        };
    }
}

/// Returns the bytes of the table of colours that the flags announce.
fn table_bytes(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// Returns the position after the empty sub-block.
fn after_sub_blocks(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let size = usize::from(*bytes.get(at)?);
        at += 1 + size;
        if size == 0 {
            return Some(at);
        }
    }
}
