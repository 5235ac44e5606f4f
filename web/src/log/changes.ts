import type { Deleted, Edited, Message, Reaction } from "../wire/types";

/** An event that changes a message that is already in its place. */
export type Change =
  | ({ type: "edited" } & Edited)
  | ({ type: "deleted" } & Deleted)
  | ({ type: "reaction" } & Reaction);

/** People that a reaction names at the most. */
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

/**
 * The server's own rule: what one person has done already changes nothing. Somebody who is not among those
 * named of an emoji with more of them than are named is taken at the event's word.
 */
function react(
  reactions: Message["reactions"],
  { emoji, sender, on }: { emoji: string; sender: string; on: boolean },
): Message["reactions"] {
  const found = reactions.find((reaction) => reaction.emoji === emoji);
  if (!found) return on ? [...reactions, { emoji, count: 1, users: [sender] }] : reactions;
  const isNamed = found.users.includes(sender);
  const allNamed = found.count === found.users.length;
  if (on ? isNamed : !isNamed && allNamed) return reactions;
  const others = found.users.filter((user) => user !== sender);
  const users = on && allNamed && others.length < REACTION_USERS ? [...others, sender] : others;
  const count = found.count + (on ? 1 : -1);
  return reactions
    .map((reaction) => (reaction === found ? { emoji, count, users } : reaction))
    .filter((reaction) => reaction.count > 0);
}
