//! Pages of lists, bounded by number and by bytes.

use std::io;

use serde::Serialize;

/// Most bytes of a frame that a client receives: the largest message of API Gateway's WebSocket API.
pub const MAX_FRAME_BYTES: usize = 128 * 1024;

/// Most bytes of the items in the body of an HTTP response. Lambda allows 6 MB for a response that holds the body as a string,
/// whose quotes and backslashes it escapes once more: at most twice the bytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Bytes of a frame that are reserved for what surrounds its items: the type, the cursor, and a `reply_to` of 128 bytes that
/// JSON may escape to six times as many.
const ENVELOPE_BYTES: usize = 2 * 1024;

/// The bytes that are left in an answer for items.
///
/// The first item always fits. So a page makes progress, and every single item has to be smaller than an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    left: usize,
    untouched: bool,
}

impl Room {
    /// Returns the room of an HTTP response.
    pub const fn of_body() -> Self {
        Self { left: MAX_BODY_BYTES, untouched: true }
    }

    /// Returns the room of a frame.
    pub const fn of_frame() -> Self {
        Self { left: MAX_FRAME_BYTES - ENVELOPE_BYTES, untouched: true }
    }

    /// Returns half of the room, for one of two lists of the same answer.
    #[must_use]
    pub const fn half(self) -> Self {
        Self { left: self.left / 2, untouched: self.untouched }
    }

    /// Takes the bytes of a part that the answer has in any case.
    pub fn reserve(&mut self, part: &impl Serialize) -> serde_json::Result<()> {
        self.left = self.left.saturating_sub(bytes(part)? + 1);
        Ok(())
    }

    /// Takes the bytes of one more item of a list, or returns false if they do not fit.
    pub fn admit(&mut self, item: &impl Serialize) -> serde_json::Result<bool> {
        // The comma after it.
        let bytes = bytes(item)? + 1;
        let fits = self.untouched || bytes <= self.left;
        if fits {
            self.left = self.left.saturating_sub(bytes);
            self.untouched = false;
        } else {
            // Later items do not take the place of this one.
            self.left = 0;
        }
        Ok(fits)
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// True if items of the list follow that are not in the page.
    pub more: bool,
}

impl<T: Serialize> Page<T> {
    /// Takes the first items of a list: at most `limit`, and as many as fit in the room.
    pub fn cut(list: impl IntoIterator<Item = T>, limit: usize, mut room: Room) -> serde_json::Result<Self> {
        let mut page = Self { items: Vec::new(), more: false };
        for item in list {
            if page.items.len() >= limit || !room.admit(&item)? {
                page.more = true;
                break;
            }
            page.items.push(item);
        }
        Ok(page)
    }

    /// Splits a list into as few pages as the room allows.
    pub fn split(list: impl IntoIterator<Item = T>, room: Room) -> serde_json::Result<Vec<Vec<T>>> {
        let (mut pages, mut page, mut left) = (Vec::new(), Vec::new(), room);
        for item in list {
            if !left.admit(&item)? {
                pages.push(std::mem::take(&mut page));
                left = room;
                left.admit(&item)?;
            }
            page.push(item);
        }
        pages.extend((!page.is_empty()).then_some(page));
        Ok(pages)
    }
}

impl<T> Page<T> {
    /// Returns the cursor of the next page, made of the last item; `None` on the last page.
    pub fn cursor<C>(&self, of: impl FnOnce(&T) -> C) -> Option<C> {
        self.items.last().filter(|_| self.more).map(of)
    }
}

/// Returns the length of the item's JSON.
fn bytes(item: &impl Serialize) -> serde_json::Result<usize> {
    let mut counter = Counter(0);
    serde_json::to_writer(&mut counter, item)?;
    Ok(counter.0)
}

/// Counts the bytes that are written to it.
struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        self.0 += written.len();
        Ok(written.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(bytes: usize) -> Room {
        Room { left: bytes, untouched: true }
    }

    #[test]
    fn page_ends_at_its_limit_or_at_its_bytes() {
        let page = |limit, bytes| Page::cut(["aa", "bb", "cc"], limit, room(bytes)).unwrap();
        // Each takes four bytes and a comma.
        for (limit, bytes, items, more) in
            [(9, 15, 3, false), (9, 14, 2, true), (2, 99, 2, true), (3, 99, 3, false), (9, 0, 1, true)]
        {
            let page = page(limit, bytes);
            assert_eq!((page.items.len(), page.more), (items, more), "{limit} {bytes}");
            assert_eq!(page.cursor(|item| *item).is_some(), more);
        }
        assert_eq!(Page::cut([""; 0], 9, room(9)).unwrap(), Page { items: Vec::new(), more: false });
    }

    #[test]
    fn items_are_counted_as_json_escapes_them() {
        let controls = "\u{1}".repeat(10);
        assert_eq!(bytes(&controls).unwrap(), 62);
        assert_eq!(Page::cut([&controls, &controls], 9, room(126)).unwrap().items.len(), 2);
        assert_eq!(Page::cut([&controls, &controls], 9, room(125)).unwrap().items.len(), 1);
    }

    #[test]
    fn nothing_follows_an_item_that_did_not_fit() {
        let mut room = room(10);
        assert!(room.admit(&"aa").unwrap());
        assert!(!room.admit(&"a long text").unwrap());
        assert!(!room.admit(&"").unwrap());
    }

    #[test]
    fn parts_split_from_a_list_keep_its_order_and_lose_nothing() {
        let list: Vec<u32> = (100..200).collect();
        let parts = Page::split(list.clone(), room(41)).unwrap();
        assert!(parts.iter().all(|part| part.len() <= 10), "{parts:?}");
        assert_eq!((parts.len(), parts.concat()), (10, list));
        assert_eq!(Page::<u32>::split([], room(9)).unwrap(), Vec::<Vec<u32>>::new());
    }
}
