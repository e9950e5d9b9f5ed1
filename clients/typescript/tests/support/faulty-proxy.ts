/** A WebSocket proxy between a client and the local cloud that loses, delays and cuts what it is told to. */

import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";

/** What the proxy does to the frames of the server. Numbers count down. */
export interface Faults {
  /** Answers to frames with this action are lost. */
  loseAnswers?: { action: string; count: number };
  /** As the one before, and the connection is cut with the answer. */
  cutAtAnswers?: { action: string; count: number };
  /** So many pushes of items are lost. */
  losePushes?: number;
  /** Frames of the server are delayed by milliseconds. */
  delay?: number;
  /** Handshakes fail. */
  offline?: boolean;
}

/** A frame of the client. */
export interface RecordedFrame {
  readonly action: string;
  readonly id?: string;
  readonly [field: string]: unknown;
}

const ITEM_PUSHES = ["message", "messages", "message_edited", "message_deleted", "reaction"];

/** The proxy of one client. */
export class FaultyProxy {
  /** All frames that the client has sent. */
  readonly frames: RecordedFrame[] = [];
  /** Connections that the server has accepted. */
  connections = 0;
  faults: Faults = {};
  private readonly server: WebSocketServer;
  private readonly pairs = new Set<[WebSocket, WebSocket]>();

  private constructor(server: WebSocketServer, upstream: string) {
    this.server = server;
    server.on("connection", (client, request) => {
      this.connect(client, new WebSocket(upstream, (request.headers["sec-websocket-protocol"] ?? "").split(/, */)));
    });
  }

  /** Listens on a free port. */
  static async start(upstream: string): Promise<FaultyProxy> {
    const state: { proxy?: FaultyProxy } = {};
    const verifyClient = (): boolean => state.proxy?.faults.offline !== true;
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "bearer", verifyClient });
    await new Promise((resolve) => server.once("listening", resolve));
    return (state.proxy = new FaultyProxy(server, upstream));
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Cuts all connections, without a close frame. */
  cut(): void {
    for (const [client, upstream] of this.pairs) {
      client.terminate();
      upstream.terminate();
    }
    this.pairs.clear();
  }

  /** Sends a frame to the client that no server has sent. */
  inject(frame: string): void {
    for (const [client] of this.pairs) client.send(frame);
  }

  stop(): void {
    this.cut();
    this.server.close();
  }

  private connect(client: WebSocket, upstream: WebSocket): void {
    const pair: [WebSocket, WebSocket] = [client, upstream];
    this.pairs.add(pair);
    const end = (): void => {
      this.pairs.delete(pair);
      client.close();
      upstream.close();
    };
    const early: string[] = [];
    upstream.on("open", () => {
      this.connections += 1;
      for (const frame of early) upstream.send(frame);
    });
    client.on("message", (data: Buffer) => {
      const text = data.toString();
      this.frames.push(JSON.parse(text) as RecordedFrame);
      if (upstream.readyState === WebSocket.OPEN) upstream.send(text);
      else early.push(text);
    });
    upstream.on("message", (data: Buffer) => {
      this.fromServer(data.toString(), pair);
    });
    for (const socket of pair) {
      socket.on("close", end);
      socket.on("error", end);
    }
  }

  private fromServer(text: string, [client]: [WebSocket, WebSocket]): void {
    const frame = (text === "" ? {} : JSON.parse(text)) as { type?: string; reply_to?: string };
    const action = this.frames.findLast(({ id }) => id !== undefined && id === frame.reply_to)?.action;
    if (action !== undefined && counts(this.faults.loseAnswers, action)) return;
    if (action !== undefined && counts(this.faults.cutAtAnswers, action)) {
      this.cut();
      return;
    }
    if ((this.faults.losePushes ?? 0) > 0 && ITEM_PUSHES.includes(frame.type ?? "")) {
      this.faults.losePushes = (this.faults.losePushes ?? 0) - 1;
      return;
    }
    const pass = (): void => {
      if (client.readyState === WebSocket.OPEN) client.send(text);
    };
    if (this.faults.delay === undefined) pass();
    else setTimeout(pass, this.faults.delay);
  }
}

function counts(rule: Faults["loseAnswers"], action: string): boolean {
  if (rule?.action !== action || rule.count <= 0) return false;
  rule.count -= 1;
  return true;
}
