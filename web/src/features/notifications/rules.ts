import type { Message, Room } from "../../wire/types";

/** Which room somebody is looking at in some tab of this browser. */
export interface Looking {
  readonly room: string | undefined;
}

interface Case {
  readonly room: Pick<Room, "id" | "kind" | "notify">;
  readonly message: Pick<Message, "sender" | "seq" | "body">;
  readonly user: string;
  /** Whether it answers a message of theirs. */
  readonly repliesToMe: boolean;
  /** The seq up to which the room is read. */
  readonly read: number;
  /** Nothing, if nobody looks at any tab. */
  readonly looking: Looking | undefined;
}

/** Whether a message is worth a notification: it calls this person, and they have not seen it. */
export function concerns({ room, message, user, repliesToMe, read, looking }: Case): boolean {
  if (message.sender === user || message.seq <= read) return false;
  if (looking?.room === room.id) return false;
  if (room.notify === "nothing") return false;
  if (room.notify === "all" || room.kind === "direct" || room.kind === "group") return true;
  const { mentions } = message.body;
  return repliesToMe || mentions?.all === true || mentions?.users?.includes(user) === true;
}
