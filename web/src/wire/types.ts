/** The wire types, all generated from the server's own. */
export type * from "./generated/wire";
