import { useConnection } from "@palaver/client/react";
import { useEffect, useState, type ReactNode } from "react";
import { useLate } from "./common/late";

/** Says that the client is not connected, once that lasts. */
export function ConnectionNotice(): ReactNode {
  const { status, refusal } = useConnection();
  // A page that loads needs some time to connect.
  const isLate = useLate();
  const [wasOnline, setWasOnline] = useState(false);
  useEffect(() => {
    if (status === "online") setWasOnline(true);
  }, [status]);
  if (status === "stopped" && refusal !== undefined) {
    return (
      <p className="connection" role="alert">
        {refusal === "user_deleted" ? "This account was deleted." : "The server does not accept this sign-in."}
      </p>
    );
  }
  if (status === "online" || !(isLate || wasOnline)) return null;
  return (
    <p className="connection" role="status">
      Connecting… Messages that you write are sent later.
    </p>
  );
}
