/**
 * Fills a local cloud with people who have talked for three weeks: `node demo/main.js ../../target/local/endpoints.json`.
 *
 * The history is an import, so that it keeps its times; pictures are sent by their people. A cloud in which Alice has a conversation is left alone.
 */

import { createHash, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { history, idOf } from "./history.js";
import { hills } from "./picture.js";
import { zip } from "./zip.js";

/** Pictures, who sends them in the garden, and what is said with them. */
const PICTURES = [
  ["carol", "morning.png", 0.15, "This morning, from the hill"],
  ["grace", "evening.png", 0.55, "And this is the evening 🌇"],
];

const endpoints = JSON.parse(readFileSync(process.argv[2] ?? "../../target/local/endpoints.json", "utf8"));

async function request(token, method, path, body, headers = {}) {
  const response = await fetch(endpoints.http + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answers ${response.status}: ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

async function tokenOf(username) {
  const response = await fetch(endpoints.oidc_token, { method: "POST", body: JSON.stringify({ username }) });
  return (await response.json()).access_token;
}

async function serverToken() {
  const [{ client_id, client_secret }] = endpoints.programs;
  const response = await fetch(endpoints.oauth_token, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString("base64")}` },
    body: new URLSearchParams({ grant_type: "client_credentials" }),
  });
  return (await response.json()).access_token;
}

async function upload({ method, url, headers }, body) {
  const sent = Object.entries(headers).filter(([name]) => name !== "content-length");
  const response = await fetch(url, { method, headers: Object.fromEntries(sent), body });
  if (!response.ok) throw new Error(`the upload answers ${response.status}: ${await response.text()}`);
}

/** Asks again until the answer is as wanted. */
async function until(ask, isDone) {
  for (;;) {
    const answer = await ask();
    if (isDone(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function importHistory() {
  const token = await serverToken();
  const entries = Object.entries(history(Date.now()));
  const file = zip(entries.map(([name, lines]) => [name, lines.map((line) => `${JSON.stringify(line)}\n`).join("")]));
  const begun = await request(token, "POST", "/v1/server/imports", { source: "demo", size: file.length });
  await upload(begun.upload, file);
  await request(token, "POST", `/v1/server/imports/${begun.import_id}/start`);
  const ended = await until(
    () => request(token, "GET", `/v1/server/imports/${begun.import_id}`),
    ({ state }) => state !== "waiting" && state !== "running",
  );
  if (ended.state !== "done") throw new Error(`the import has ${ended.state}: ${JSON.stringify(ended.errors)}`);
  return ended.counts;
}

async function sendPicture(subject, name, hue, text, conversation) {
  const [token, bytes] = [await tokenOf(subject), hills(640, 420, hue)];
  const about = { name, content_type: "image/png", size: bytes.length };
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const path = `/v1/conversations/${conversation}`;
  const key = { "idempotency-key": idOf(name) };
  const announced = await request(token, "POST", `${path}/files`, { ...about, sha256 }, key);
  await upload(announced.upload, bytes);
  const { file_id } = announced.file;
  const inspected = await until(
    () => request(token, "GET", `/v1/files/${file_id}`),
    ({ status }) => status !== "pending",
  );
  if (inspected.status !== "ready") throw new Error(`${name} was refused: ${inspected.reason}`);
  await request(token, "POST", `${path}/messages`, {
    client_message_id: randomUUID(),
    text,
    attachment_ids: [file_id],
  });
}

/** Returns Alice's conversations, an empty list if she has never signed in. */
async function conversationsOfAlice() {
  const token = await tokenOf("alice");
  const answer = await request(token, "GET", "/v1/conversations?limit=50");
  return answer.conversations;
}

if ((await conversationsOfAlice()).length > 0) {
  console.log("The demo: Alice has conversations already, so nothing is added.");
} else {
  const counts = await importHistory();
  const garden = (await conversationsOfAlice()).find(({ title }) => title === "Garden");
  for (const [subject, name, hue, text] of PICTURES) {
    await sendPicture(subject, name, hue, text, garden.conversation_id);
  }
  console.log(
    `The demo: ${counts.users} people and ${counts.messages} messages. Sign in as alice, and in another window as bob.`,
  );
}
