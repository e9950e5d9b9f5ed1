/** The wire types in one room: everything else of the client uses these names, and nothing else knows the wire. */

export * from "./errors.js";
export * from "./frames.js";
export * from "./limits.js";
export * from "./objects.js";
export * from "./items.js";
