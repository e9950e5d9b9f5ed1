import { useState, type ReactNode } from "react";

/** The page on which a user of the local cloud chooses a name. */
export function SignIn({ onSignIn }: { readonly onSignIn: (name: string) => void }): ReactNode {
  const [name, setName] = useState("");
  const chosen = name.trim();
  return (
    <SignInForm
      disabled={chosen === ""}
      hint="The local cloud lets in every name, without a password."
      onSubmit={() => onSignIn(chosen)}
    >
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
    </SignInForm>
  );
}

/** The page that leads to the issuer's own. */
export function HostedSignInPage({
  failure,
  onSignIn,
}: {
  readonly failure: string | undefined;
  readonly onSignIn: () => void;
}): ReactNode {
  return (
    <SignInForm
      disabled={false}
      hint="You sign in on the page of your account, and come back here."
      onSubmit={onSignIn}
    >
      {failure !== undefined && <p role="alert">{failure}</p>}
    </SignInForm>
  );
}

function SignInForm({
  disabled,
  hint,
  onSubmit,
  children,
}: {
  readonly disabled: boolean;
  readonly hint: string;
  readonly onSubmit: () => void;
  readonly children?: ReactNode;
}): ReactNode {
  return (
    <main className="sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!disabled) onSubmit();
        }}
      >
        <img src="/icon.svg" alt="" width={64} height={64} />
        <h1>Palaver</h1>
        {children}
        <button className="primary" disabled={disabled}>
          Sign in
        </button>
        <p className="hint">{hint}</p>
      </form>
    </main>
  );
}
