import { useState, type ReactNode } from "react";

/** The page on which a user of the local cloud chooses a name. */
export function SignIn({ onSignIn }: { readonly onSignIn: (name: string) => void }): ReactNode {
  const [name, setName] = useState("");
  const chosen = name.trim();
  return (
    <main className="sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (chosen !== "") onSignIn(chosen);
        }}
      >
        <img src="/icon.svg" alt="" width={64} height={64} />
        <h1>Palaver</h1>
        <label>
          Your name
          <input
            value={name}
            onChange={(event) => setName(event.target.value)}
            maxLength={100}
            autoFocus
            autoComplete="username"
          />
        </label>
        <button className="primary" disabled={chosen === ""}>
          Sign in
        </button>
        <p className="hint">The local cloud lets in every name, without a password.</p>
      </form>
    </main>
  );
}
