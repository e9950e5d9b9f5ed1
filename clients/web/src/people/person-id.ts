/** The ids of users. */

/** The namespace of URLs, of RFC 9562. */
const NAMESPACE_URL = "6ba7b811-9dad-11d1-80b4-00c04fd430c8";

/** Returns the id of the user with this subject at an issuer: `UUIDv5(UUIDv5(NAMESPACE_URL, iss), sub)`. */
export async function personId(issuer: string, subject: string): Promise<string> {
  return uuid5(await uuid5(NAMESPACE_URL, issuer), subject);
}

/** The issuer that a token names. */
export function issuerOf(token: string): string {
  const payload = (token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/");
  return (JSON.parse(atob(payload)) as { iss: string }).iss;
}

async function uuid5(namespace: string, name: string): Promise<string> {
  const prefix = Uint8Array.from(namespace.replace(/-/g, "").match(/../g) ?? [], (digits) =>
    Number.parseInt(digits, 16),
  );
  const bytes = new Uint8Array([...prefix, ...new TextEncoder().encode(name)]);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-1", bytes)).slice(0, 16);
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
