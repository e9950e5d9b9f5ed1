import { PalaverError } from "@palaver/client";
import { useCallback, useState } from "react";

/** What the user has asked for in a part of the page, and what became of it. */
export interface Requests {
  /** Watches over a request. */
  readonly act: (request: Promise<unknown>) => void;
  /** The words for the last request, if it has failed. */
  readonly failure: string | undefined;
  /** Forgets it. */
  readonly dismiss: () => void;
  /** Requests without an answer. */
  readonly pending: number;
  /** Requests that were fulfilled. */
  readonly fulfilled: number;
}

/** Returns what watches over the requests of a part of the page. */
export function useRequests(): Requests {
  const [failure, setFailure] = useState<string>();
  const [fulfilled, setFulfilled] = useState(0);
  const [pending, setPending] = useState(0);
  const act = useCallback((request: Promise<unknown>) => {
    setFailure(undefined);
    setPending((pending) => pending + 1);
    request
      .then(
        () => setFulfilled((fulfilled) => fulfilled + 1),
        (error: unknown) => setFailure(failureText(error)),
      )
      .finally(() => setPending((pending) => pending - 1));
  }, []);
  const dismiss = useCallback(() => setFailure(undefined), []);
  return { act, failure, dismiss, pending, fulfilled };
}

/** The words for a failure that the server does not explain. */
export const UNEXPLAINED = "That did not work: are you connected?";

/** The words for a request that has failed. */
export function failureText(error: unknown): string {
  return error instanceof PalaverError ? error.message : UNEXPLAINED;
}
