import type { Conversation, ConversationHandle, NotificationLevel, SettingsChange } from "@palaver/client";
import type { ReactNode } from "react";
import { upcoming } from "../common/times";

const HOUR_MS = 3_600_000;

const LEVELS: readonly (readonly [NotificationLevel, string])[] = [
  ["all", "All messages"],
  ["mentions", "Mentions only"],
  ["none", "Nothing"],
];

const MUTES: readonly (readonly [hours: number, string])[] = [
  [1, "For an hour"],
  [8, "For eight hours"],
  [168, "For a week"],
];

/** The time until which nothing is notified; `undefined` if that is over. */
export function quietUntil({ settings }: Conversation): string | undefined {
  const until = settings?.notifications_muted_until;
  return until !== undefined && Date.parse(until) > Date.now() ? until : undefined;
}

/** True if new messages are not notified, now or ever. */
export function isQuiet(view: Conversation): boolean {
  return view.settings?.notification_level === "none" || quietUntil(view) !== undefined;
}

interface Props {
  readonly chat: ConversationHandle;
  readonly view: Conversation;
  readonly act: (request: Promise<unknown>) => void;
  /** The conversation has gone to another part of the list. */
  readonly onMoved: () => void;
  /** The conversation is to be read later: showing it would read it. */
  readonly onUnread: () => void;
}

/** What the user sets for a conversation: on all devices, and for nobody else. */
export function ConversationSettings({ chat, view, act, onMoved, onUnread }: Props): ReactNode {
  const { archived = false, pinned = false, marked_unread = false, notification_level = "all" } = view.settings ?? {};
  const quiet = quietUntil(view);
  const isUnread = marked_unread || view.unread > 0;
  const change = (settings: SettingsChange, then: () => void = () => undefined): void =>
    act(chat.changeSettings(settings).then(then));
  const markRead = (): void => {
    chat.read(view.head_seq);
    if (marked_unread) change({ marked_unread: false }, onMoved);
    else onMoved();
  };
  return (
    <div className="settings">
      <div className="buttons">
        <button onClick={() => change({ pinned: !pinned }, onMoved)}>{pinned ? "Unpin" : "Pin to the top"}</button>
        <button onClick={() => change({ archived: !archived }, onMoved)}>{archived ? "Unarchive" : "Archive"}</button>
        <button onClick={isUnread ? markRead : () => change({ marked_unread: true }, onUnread)}>
          {isUnread ? "Mark as read" : "Mark as unread"}
        </button>
      </div>
      <label>
        Notifications
        <select
          value={notification_level}
          onChange={({ target }) => change({ notification_level: target.value as NotificationLevel })}
        >
          {LEVELS.map(([level, words]) => (
            <option key={level} value={level}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <label>
        Mute
        <select
          value={quiet === undefined ? "" : "muted"}
          onChange={({ target }) => change({ notifications_muted_until: muteUntil(target.value) })}
        >
          <option value="">Not muted</option>
          {quiet !== undefined && <option value="muted">Until {upcoming(quiet)}</option>}
          {MUTES.map(([hours, words]) => (
            <option key={hours} value={hours}>
              {words}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

function muteUntil(hours: string): string | null {
  return hours === "" ? null : new Date(Date.now() + Number(hours) * HOUR_MS).toISOString();
}
