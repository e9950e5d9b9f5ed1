import { createHash } from "node:crypto";
import { DIALOGUES, FRIENDS, WORDS } from "./dialogues.js";
import { CHATS, GREETINGS } from "./languages.js";
import { PEOPLE } from "./people.js";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const EMOJI = ["👍", "❤️", "😂", "🎉", "🌻", "🙏"];
const SUBJECTS = PEOPLE.map(({ subject }) => subject);

/** How long ago the last messages of the conversations were. */
const AGES_MINUTES = [6, 50, 190, 320, 1_500, 1_580, 2_900, 4_400, 5_900, 7_300, 8_800, 10_400];

/** Messages of each of the two large conversations. */
const MANY = 440;

/** An id that follows from a name: a repeated import meets what it made. */
export function idOf(name) {
  const hash = createHash("sha1").update(`demo:${name}`).digest("hex");
  return hash.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, "$1-$2-5$3-8$4-$5");
}

/** A generator of numbers that are the same every time. */
function numbers(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Returns the lines of an import: three weeks of talk that ends `now`. */
export function history(now) {
  const users = PEOPLE.map(({ subject, name }) => ({ user_id: idOf(subject), display_name: name, subject }));
  const conversations = [
    group("Garden", ["alice", "bob", "carol", "dave", "grace"], talk(MANY, 1), { history: "full" }),
    group("Town square", SUBJECTS, talk(MANY, 2), {
      type: "public",
      topic: "For everybody who passes by",
      history: "full",
    }),
    group("Hello in every language", SUBJECTS, greetings()),
    direct("alice", "bob", FRIENDS),
    ...Object.entries(CHATS).map(([subject, texts]) => direct("alice", subject, texts, [subject, "alice"])),
  ];
  const lines = { "users.jsonl": users, "conversations.jsonl": [], "members.jsonl": [] };
  conversations.forEach(({ conversation, members, said }, index) => {
    lines["conversations.jsonl"].push(conversation);
    lines["members.jsonl"].push(...members);
    const id = conversation.conversation_id;
    lines[`messages/${id}.jsonl`] = spread(said, now - AGES_MINUTES[index] * MINUTE_MS, index + 1).map(
      (message, seq) => ({
        ...message,
        conversation_id: id,
        message_id: idOf(`${id} ${seq}`),
        seq: seq + 1,
      }),
    );
  });
  return lines;
}

/** What was said in a group: dialogues by changing people, with replies, reactions and edits. */
function talk(count, seed) {
  const next = numbers(seed);
  const said = [];
  while (said.length < count) {
    const words = Object.fromEntries(Object.entries(WORDS).map(([kind, all]) => [kind, all[next(all.length)]]));
    const dialogue = DIALOGUES[next(DIALOGUES.length)];
    let before;
    for (const [index, line] of dialogue.entries()) {
      const text = line.replace(/\{(\w+)\}/g, (_, kind) => words[kind]);
      let sender = next(1_000);
      if (sender === before) sender += 1;
      before = sender;
      const replies = index > 0 && next(5) === 0;
      said.push({
        sender,
        text: text.charAt(0).toUpperCase() + text.slice(1),
        pause: index > 0,
        ...(replies ? { reply_to: said.length - 1 } : {}),
        ...(next(4) === 0 ? { emoji: EMOJI[next(EMOJI.length)], fans: 1 + next(3) } : {}),
        ...(next(25) === 0 ? { edited: true } : {}),
      });
    }
  }
  return said;
}

function greetings() {
  const hellos = Object.entries(GREETINGS).map(([subject, text]) => ({ subject, text, pause: true }));
  const answers = SUBJECTS.slice(1).map((subject, index) => ({
    subject,
    text: ["💛", "👋👋", "😊", "🌍🌏🌎"][index % 4],
    pause: true,
    reply_to: 0,
  }));
  hellos[0] = { ...hellos[0], emoji: "👋", fans: 9 };
  return [...hellos, ...answers];
}

function group(title, subjects, said, more = {}) {
  const id = idOf(title);
  const conversation = { conversation_id: id, type: "group", title, ...more };
  const members = subjects.map((subject, index) => ({
    conversation_id: id,
    user_id: idOf(subject),
    role: index === 0 ? "owner" : index === 1 ? "admin" : "member",
    joined_seq: 1,
  }));
  return { conversation, members, said: said.map((line) => message(line, subjects)) };
}

function direct(one, other, texts, turns = [one, other]) {
  const id = idOf(`${one} ${other}`);
  const conversation = { conversation_id: id, type: "private" };
  const members = [one, other].map((subject) => ({
    conversation_id: id,
    user_id: idOf(subject),
    role: "member",
    joined_seq: 1,
  }));
  const said = texts.map((text, index) => message({ subject: turns[index % 2], text, pause: true }, [one, other]));
  return { conversation, members, said };
}

function message({ sender, subject, text, pause, reply_to, emoji, fans, edited }, subjects) {
  const from = subject ?? subjects[sender % subjects.length];
  const others = subjects.filter((other) => other !== from).slice(0, fans ?? 0);
  return {
    pause,
    edited,
    kind: "text",
    sender_id: idOf(from),
    text,
    ...(reply_to === undefined ? {} : { reply_to_seq: reply_to + 1 }),
    ...(emoji === undefined ? {} : { reactions: [{ emoji, count: others.length, user_ids: others.map(idOf).sort() }] }),
  };
}

/** Gives messages times that end at `end`: minutes within a dialogue, hours between two. */
function spread(said, end, seed) {
  const next = numbers(seed * 77);
  const dialogues = said.filter(({ pause }) => pause !== true).length || 1;
  const between = (20 * DAY_MS) / Math.max(dialogues, 4);
  const gaps = said.map(({ pause }) =>
    pause === true ? (1 + next(4)) * MINUTE_MS : between * (0.5 + next(100) / 100),
  );
  let time = end - gaps.slice(1).reduce((sum, gap) => sum + gap, 0);
  return said.map(({ edited, ...line }, index) => {
    delete line.pause;
    if (index > 0) time += gaps[index];
    const sent_at = new Date(time).toISOString();
    return { ...line, sent_at, ...(edited === true ? { edited_at: new Date(time + 30_000).toISOString() } : {}) };
  });
}
