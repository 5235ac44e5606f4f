import type { Deleted, Edited, Message, Reaction } from "../wire/types";

/** An event that changes a message that is already in its place. */
export type Change =
  | ({ type: "edited" } & Edited)
  | ({ type: "deleted" } & Deleted)
  | ({ type: "reaction" } & Reaction);

/** People that a reaction names at the most; the count is always exact. */
const REACTION_USERS = 100;

/**
 * A message after a change. The same object if nothing changes.
 *
 * A deletion beats everything: what is deleted stays so, whatever comes later.
 */
export function apply(message: Message, change: Change): Message {
  if (message.deleted_at) return message;
  switch (change.type) {
    case "edited":
      return {
        ...message,
        body: { ...message.body, text: change.body.text, mentions: change.body.mentions ?? {} },
        edited_at: change.at,
      };
    case "deleted":
      return { ...message, body: { text: "" }, deleted_at: change.at, reactions: [] };
    case "reaction":
      return { ...message, reactions: react(message.reactions, change) };
  }
}

function react(
  reactions: Message["reactions"],
  { emoji, sender, on }: { emoji: string; sender: string; on: boolean },
): Message["reactions"] {
  const found = reactions.find((reaction) => reaction.emoji === emoji);
  if (!found) return on ? [...reactions, { emoji, count: 1, users: [sender] }] : reactions;
  const named = found.users.includes(sender);
  if (on && named) return reactions;
  const users = on
    ? found.users.length < REACTION_USERS
      ? [...found.users, sender]
      : found.users
    : found.users.filter((user) => user !== sender);
  const count = found.count + (on ? 1 : -1);
  return reactions
    .map((reaction) => (reaction === found ? { emoji, count, users } : reaction))
    .filter((reaction) => reaction.count > 0);
}
