/** Runs the steps of a scenario. */

import { expect } from "vitest";
import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { IndexedDbStore, type Client, type Store } from "../../src/index.js";
import { Backstage } from "./backstage.js";
import { FakeLocks } from "./fake-locks.js";
import { FaultyProxy } from "./faulty-proxy.js";
import type { Endpoints } from "./local-cloud.js";
import { caughtUp, clientOf, PATIENCE, textsOf, tokensOf } from "./people.js";
import { written, type ExpectStep, type NetworkStep, type Scenario, type Step } from "./scenario.js";

/** The clients of one scenario. */
export class Stage {
  private readonly endpoints: Endpoints;
  private readonly scenario: Scenario;
  private readonly backstage: Backstage;
  private readonly clients = new Map<string, Client>();
  private readonly proxies = new Map<string, FaultyProxy>();
  private readonly databases = new Map<string, IDBFactory>();
  private readonly locks = new FakeLocks();

  constructor(endpoints: Endpoints, scenario: Scenario) {
    this.endpoints = endpoints;
    this.scenario = scenario;
    this.backstage = new Backstage(endpoints);
  }

  /** Runs all steps. The error of a step names it. */
  async run(): Promise<void> {
    await this.backstage.prepare(this.scenario);
    for (const [index, step] of this.scenario.steps.entries()) {
      try {
        await this.step(step);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        throw new Error(`step ${index + 1}, ${JSON.stringify(step).slice(0, 200)}: ${message}`, { cause: error });
      }
    }
  }

  /** Ends everything, whatever has happened. */
  async end(): Promise<void> {
    await this.backstage.faults(null);
    for (const client of this.clients.values()) await client.stop();
    for (const proxy of this.proxies.values()) proxy.stop();
  }

  private async step(step: Step): Promise<void> {
    const { backstage } = this;
    switch (step.do) {
      case "start":
        return this.start(step.client);
      case "stop":
        return this.client(step.client).stop();
      case "open":
        this.conversation(step.client).open();
        return;
      case "read":
        this.conversation(step.client).read();
        return;
      case "say":
        if ("client" in step) return this.say(step.client, step.texts.map(written), step.wait ?? true);
        return backstage.say(
          step.user,
          step.texts?.map(written) ?? Array.from({ length: step.count ?? 0 }, (_, n) => `${step.prefix ?? ""} ${n}`),
        );
      case "edit":
        return backstage.edit(step.user, step.text, step.to);
      case "delete":
        return backstage.delete(step.user, step.text);
      case "react":
        return backstage.react(step.user, step.text, step.emoji, step.on ?? true);
      case "add":
        return backstage.add(step.user, step.member);
      case "remove":
        return backstage.remove(step.user, step.member);
      case "faults":
        return backstage.faults(step.plan);
      case "delete_account":
        return backstage.deleteAccount(step.user, step.messages);
      case "kill":
        return backstage.kill(step.function);
      case "history":
        return backstage.expectHistory(step.user, step.texts);
      case "network":
        this.network(step);
        return;
      case "expect":
        return this.expect(step);
    }
  }

  private async start(name: string): Promise<void> {
    const described = this.scenario.clients[name];
    if (described === undefined) throw new Error(`no client ${name}`);
    const proxy = await FaultyProxy.start(this.endpoints.websocket);
    this.proxies.set(name, proxy);
    const username = this.backstage.names.get(described.user) ?? "";
    const { answer = 2_000, sync, renew_before_expiry } = described.pace ?? {};
    const store = described.store === undefined ? undefined : this.store(described.store);
    const client = clientOf(this.endpoints, username, {
      websocket: proxy.url,
      getToken: tokensOf(this.endpoints, username, () => described.token_seconds),
      environment: { locks: this.locks },
      pace: {
        // Long enough to be seen, and short enough for a test.
        answer,
        reconnect: [50, 1_000],
        ...(sync === undefined ? {} : { sync }),
        ...(renew_before_expiry === undefined ? {} : { renewBeforeExpiry: renew_before_expiry }),
      },
      ...(store === undefined ? {} : { store }),
    });
    this.clients.set(name, client);
    await client.start();
    await caughtUp(client);
  }

  private store(name: string): Store {
    const factory = this.databases.get(name) ?? new IDBFactory();
    this.databases.set(name, factory);
    return new IndexedDbStore(`${name}-${this.backstage.conversation}`, { factory, ranges: IDBKeyRange });
  }

  private async say(name: string, texts: readonly string[], wait: boolean): Promise<void> {
    const submitted = texts.map((text) => this.conversation(name).send(text));
    await Promise.all(submitted.map(({ kept }) => kept));
    if (wait) await Promise.allSettled(submitted.map((one) => one.accepted()));
  }

  private network(step: NetworkStep): void {
    const proxy = this.proxy(step.client);
    if (step.lose_answers !== undefined) proxy.faults.loseAnswers = { ...step.lose_answers };
    if (step.cut_at_answers !== undefined) proxy.faults.cutAtAnswers = { ...step.cut_at_answers };
    if (step.lose_pushes !== undefined) proxy.faults.losePushes = step.lose_pushes;
    if (step.delay !== undefined) proxy.faults.delay = step.delay;
    if (step.offline !== undefined) proxy.faults.offline = step.offline;
    if (step.inject !== undefined) proxy.inject(step.inject);
    if (step.offline === true || step.cut === true) proxy.cut();
    if (step.offline === false) {
      // The network that is back has no other faults.
      proxy.faults = {};
      this.client(step.client).sync();
    }
  }

  private async expect(step: ExpectStep): Promise<void> {
    const client = this.client(step.client);
    const conversation = this.conversation(step.client);
    const proxy = this.proxy(step.client);
    const seen = (): Record<string, unknown> => {
      const timeline = conversation.timeline.get();
      const texts = textsOf(timeline);
      const sent = (actions: object = {}): Record<string, number> =>
        Object.fromEntries(
          Object.keys(actions).map((action) => [
            action,
            proxy.frames.filter((frame) => frame.action === action).length,
          ]),
        );
      const reactions = Object.keys(step.reactions ?? {}).map((text) => {
        const message = timeline.messages.find((message) => message.kind === "text" && message.text === text);
        return [text, Object.fromEntries((message?.reactions ?? []).map(({ emoji, count }) => [emoji, count]))];
      });
      const failed = timeline.messages.flatMap(({ error }) => error?.code ?? []);
      return {
        ...(step.texts === undefined ? {} : { texts }),
        ...(step.ends_with === undefined ? {} : { ends_with: texts.slice(-step.ends_with.length) }),
        ...(step.reactions === undefined ? {} : { reactions: Object.fromEntries(reactions) as unknown }),
        ...(step.failed === undefined ? {} : { failed: counted(failed) }),
        ...(step.unread === undefined ? {} : { unread: conversation.view.get()?.unread }),
        ...(step.caught_up === undefined ? {} : { caught_up: client.connection.get().caughtUp }),
        ...(step.connections_at_least === undefined
          ? {}
          : { enough_connections: proxy.connections >= step.connections_at_least }),
        ...(step.at_least === undefined ? {} : { at_least: capped(sent(step.at_least), step.at_least) }),
      };
    };
    const { do: _do, client: _client, connections_at_least, at_most, ...wanted } = step;
    const written = JSON.parse(
      JSON.stringify(wanted, (_, value: unknown) => (isRepeated(value) ? value.repeat.repeat(value.times) : value)),
    ) as object;
    const all = connections_at_least === undefined ? written : { ...written, enough_connections: true };
    await expect.poll(seen, { timeout: PATIENCE, interval: 20 }).toEqual(all);
    for (const [action, most] of Object.entries(at_most ?? {})) {
      const count = proxy.frames.filter((frame) => frame.action === action).length;
      expect(count, `frames with ${action}`).toBeLessThanOrEqual(most);
    }
  }

  private client(name: string): Client {
    const client = this.clients.get(name);
    if (client === undefined) throw new Error(`${name} was not started`);
    return client;
  }

  private proxy(name: string): FaultyProxy {
    const proxy = this.proxies.get(name);
    if (proxy === undefined) throw new Error(`${name} was not started`);
    return proxy;
  }

  private conversation(name: string): ReturnType<Client["conversation"]> {
    return this.client(name).conversation(this.backstage.conversation);
  }
}

function isRepeated(value: unknown): value is { repeat: string; times: number } {
  return typeof value === "object" && value !== null && "repeat" in value;
}

function counted(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

/** Counts, those above the wanted ones as these. */
function capped(counts: Record<string, number>, wanted: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counts).map(([action, count]) => [action, Math.min(count, wanted[action] ?? 0)]),
  );
}
