import type { Client } from "@palaver/client";
import { ClientProvider } from "@palaver/client/react";
import { useEffect, useState, type ReactNode } from "react";
import { loadDeployment, type Deployment } from "./deployment";
import { beginSignIn, completeSignIn, endSignIn } from "./hosted-sign-in";
import { clientFor, localPerson, rememberedPerson, rememberName, type Person } from "./session";
import { HostedSignInPage, SignIn } from "./sign-in";
import { Workspace } from "./workspace";

/** The application: the sign-in page, or the chats of whoever has signed in. */
export function App(): ReactNode {
  const [deployment, setDeployment] = useState<Deployment>();
  const [failure, setFailure] = useState<string>();
  const [refusal, setRefusal] = useState<string>();
  const [person, setPerson] = useState<Person>();
  const [client, setClient] = useState<Client>();

  useEffect(() => {
    start
      .then(async (deployment) => {
        await returning(deployment).catch((error: unknown) => setRefusal(textOf(error)));
        setPerson(rememberedPerson(deployment));
        setDeployment(deployment);
      })
      .catch((error: unknown) => setFailure(textOf(error)));
  }, []);

  useEffect(() => {
    if (deployment === undefined || person === undefined) return;
    const client = clientFor(deployment, person, () => {
      setRefusal("Your sign-in has ended. Please sign in again.");
      setPerson(undefined);
    });
    setClient(client);
    void client.start();
    const wake = (): void => {
      client.sync();
    };
    // The connection of a network that is gone would look alive until something is sent.
    const drop = (): void => {
      client.reconnect();
    };
    window.addEventListener("online", wake);
    window.addEventListener("offline", drop);
    return () => {
      window.removeEventListener("online", wake);
      window.removeEventListener("offline", drop);
      setClient(undefined);
      void client.stop();
    };
  }, [deployment, person]);

  if (failure !== undefined) return <p className="notice">{failure}</p>;
  if (deployment === undefined) return null;
  const { sign_in } = deployment;
  if (person === undefined && sign_in !== undefined)
    return (
      <HostedSignInPage
        failure={refusal}
        onSignIn={() => void beginSignIn(sign_in).catch((error: unknown) => setRefusal(textOf(error)))}
      />
    );
  if (person === undefined)
    return (
      <SignIn
        onSignIn={(name) => {
          rememberName(name);
          setPerson(localPerson(name));
        }}
      />
    );
  const signOut = (): void => {
    window.location.hash = "";
    rememberName(undefined);
    setRefusal(undefined);
    setPerson(undefined);
    if (sign_in !== undefined) endSignIn(sign_in);
  };
  if (client === undefined) return null;
  return (
    <ClientProvider client={client}>
      <Workspace onSignOut={signOut} />
    </ClientProvider>
  );
}

/** Once for the page: React runs effects twice while it is developed. */
const start = loadDeployment();

let returned: Promise<void> | undefined;

/** Comes back from the issuer's page, once: a code works once. */
function returning({ sign_in }: Deployment): Promise<void> {
  returned ??= sign_in === undefined ? Promise.resolve() : completeSignIn(sign_in);
  return returned;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
