import { useConnection } from "@palaver/client/react";
import { useEffect, useState, type ReactNode } from "react";

/** A page that loads needs so long to connect: nothing is wrong before. */
const PATIENCE_MS = 3_000;

/** Says that the client is not connected, once that lasts. */
export function ConnectionNotice(): ReactNode {
  const { status, refusal } = useConnection();
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  useEffect(() => {
    if (status === "online") setLate(true);
  }, [status]);
  if (status === "stopped" && refusal !== undefined) {
    return (
      <p className="connection" role="alert">
        {refusal === "user_deleted" ? "This account was deleted." : "The server does not accept this sign-in."}
      </p>
    );
  }
  if (status === "online" || !isLate) return null;
  return (
    <p className="connection" role="status">
      Connecting… Messages that you write are sent later.
    </p>
  );
}
