import type { Client } from "@palaver/client";
import { ClientProvider } from "@palaver/client/react";
import { useEffect, useState, type ReactNode } from "react";
import { loadDeployment, type Deployment } from "./deployment";
import { clientFor, rememberedName, rememberName } from "./session";
import { SignIn } from "./sign-in";
import { Workspace } from "./workspace";

/** The application: the sign-in page, or the chats of whoever has signed in. */
export function App(): ReactNode {
  const [deployment, setDeployment] = useState<Deployment>();
  const [failure, setFailure] = useState<string>();
  const [name, setName] = useState(rememberedName);
  const [client, setClient] = useState<Client>();

  useEffect(() => {
    loadDeployment().then(setDeployment, (error: unknown) => {
      setFailure(error instanceof Error ? error.message : String(error));
    });
  }, []);

  useEffect(() => {
    if (deployment === undefined || name === undefined) return;
    const client = clientFor(deployment, name);
    setClient(client);
    void client.start();
    const wake = (): void => {
      client.sync();
    };
    window.addEventListener("online", wake);
    return () => {
      window.removeEventListener("online", wake);
      setClient(undefined);
      void client.stop();
    };
  }, [deployment, name]);

  const changeName = (name: string | undefined): void => {
    rememberName(name);
    setName(name);
    window.location.hash = "";
  };

  if (failure !== undefined) return <p className="notice">{failure}</p>;
  if (name === undefined) return <SignIn onSignIn={changeName} />;
  if (client === undefined) return null;
  return (
    <ClientProvider client={client}>
      <Workspace onSignOut={() => changeName(undefined)} />
    </ClientProvider>
  );
}
