//! Checks a JPEG before it is decoded: decoders decode any number of scans.

use domain::file::Rejection;

/// Most scans. Programs write about ten; decoding each one visits all pixels, even if the scan has few bytes.
pub(super) const MAX_SCANS: usize = 64;

const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;

/// Walks from marker to marker (ITU-T T.81, B.1) until the image or the file ends; bytes after the end are ignored. A file that
/// ends within a scan is shown by browsers, as far as it goes. Returns true if the image has its end.
pub(super) fn check(bytes: &[u8]) -> Result<bool, Rejection> {
    let (mut scans, mut has_end) = (0, false);
    let mut rest = bytes.strip_prefix(&[0xff, START_OF_IMAGE]).ok_or(Rejection::ImageUnreadable)?;
    while let Some((marker, after)) = next_marker(rest) {
        match marker {
            END_OF_IMAGE => {
                has_end = true;
                break;
            }
            START_OF_SCAN => scans += 1,
            _ => {}
        }
        if scans > MAX_SCANS {
            return Err(Rejection::ImageTooLarge);
        }
        let Some(behind) = behind_segment(marker, after) else { break };
        rest = behind;
    }
    if scans > 0 { Ok(has_end) } else { Err(Rejection::ImageUnreadable) }
}

/// Returns the next marker and the bytes after it. Skips the pixels of a scan before it, in which `ff` is followed by zero.
fn next_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let pair = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xff);
    let at = bytes.windows(2).position(pair)?;
    Some((*bytes.get(at + 1)?, bytes.get(at + 2..)?))
}

/// Behind the segment of a marker: some have none.
fn behind_segment(marker: u8, after: &[u8]) -> Option<&[u8]> {
    if matches!(marker, 0x01 | 0xd0..=0xd8) {
        return Some(after);
    }
    let length = u16::from_be_bytes([*after.first()?, *after.get(1)?]);
    after.get(usize::from(length.max(2))..)
}
