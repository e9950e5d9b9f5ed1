/** Limits of the protocol that a client has to keep. */

/** Messages of a batch. */
export const MAX_BATCH_MESSAGES = 25;

/** Bytes of the messages of a batch: a frame has at most 32 KB, and each started 32 KB is billed. */
export const MAX_BATCH_BYTES = 31 * 1024;

/** Receipts of a frame. */
export const MAX_RECEIPTS = 100;

/** Conversations of a sync. */
export const MAX_SYNC_CONVERSATIONS = 50;

/** Ids of a request for profiles. */
export const MAX_USER_IDS = 100;

/** Parts whose requests are signed together. */
export const MAX_PARTS_PER_REQUEST = 100;

/** The count of unread messages that stands for all larger ones. */
export const MAX_UNREAD = 100;
