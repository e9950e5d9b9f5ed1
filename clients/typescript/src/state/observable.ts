/** Observable values without a framework. */

/** A value that changes. The snapshot is immutable, and the same object until something changes: it fits `useSyncExternalStore`. */
export interface Observable<T> {
  /** Returns the value of this moment. */
  readonly get: () => T;
  /** Calls the listener after changes, once for those of one turn of the event loop. Returns the end of the subscription. */
  readonly subscribe: (listener: () => void) => () => void;
}

/** A value that is computed when somebody asks, and again after it was invalidated. */
export class Derived<T> implements Observable<T> {
  private readonly listeners = new Set<() => void>();
  private readonly compute: () => T;
  private value: T | undefined;
  private fresh = false;
  private notifying = false;

  constructor(compute: () => T) {
    this.compute = compute;
  }

  readonly get = (): T => {
    if (!this.fresh) {
      this.value = this.compute();
      this.fresh = true;
    }
    return this.value as T;
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Something that the value is made of has changed. */
  invalidate(): void {
    this.fresh = false;
    if (this.notifying || this.listeners.size === 0) return;
    this.notifying = true;
    queueMicrotask(() => {
      this.notifying = false;
      for (const listener of [...this.listeners]) listener();
    });
  }
}

/** A value that is set. */
export class Cell<T> extends Derived<T> {
  private readonly set: (value: T) => void;

  constructor(initial: T) {
    let current = initial;
    super(() => current);
    this.set = (value) => {
      current = value;
    };
  }

  /** Changes the value. */
  change(value: T): void {
    this.set(value);
    this.invalidate();
  }
}

/** Resolves with the value as soon as it fulfils a condition; rejects when the signal is aborted before. */
export function when<T>(observable: Observable<T>, condition: (value: T) => boolean, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = observable.subscribe(check);
    function check(): void {
      const value = observable.get();
      if (!condition(value)) return;
      stop();
      resolve(value);
    }
    signal?.addEventListener("abort", () => {
      stop();
      reject(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
    });
    check();
  });
}
