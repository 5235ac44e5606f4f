import { useEffect } from "react";
import { create } from "zustand";
import { type Conversation, useConversation } from "../../app/conversation";
import type { StoredDraft } from "../../log/storage";
import { useSession } from "../session/session";

/** What is being written in each room, as far as this tab has looked. */
const useDrafts = create<Record<string, StoredDraft>>(() => ({}));

const EMPTY: StoredDraft = { text: "" };

/** What is being written in a room; it survives a change of room and a reload. */
export function useDraft(room: string): StoredDraft {
  const conversation = useConversation();
  useEffect(() => void recallDraft(conversation, room), [conversation, room]);
  return useDrafts((drafts) => drafts[room]) ?? EMPTY;
}

/** What was written in a room, as the device remembers it, unless this tab knows better. */
export async function recallDraft({ memory }: Conversation, room: string): Promise<void> {
  if (useDrafts.getState()[room]) return;
  const draft = await memory.draft(room);
  // What has been written meanwhile is newer.
  if (!useDrafts.getState()[room]) useDrafts.setState({ [room]: draft });
}

/** What is being written in a room right now. */
export function draftOf(room: string): StoredDraft {
  return useDrafts.getState()[room] ?? EMPTY;
}

/** Changes a part of what is being written in a room. */
export function writeDraft({ memory }: Conversation, room: string, change: Partial<StoredDraft>): void {
  const draft = { ...draftOf(room), ...change };
  useDrafts.setState({ [room]: draft });
  void memory.keepDraft(room, draft);
}

// Somebody else may come.
useSession.subscribe(({ kind }) => {
  if (kind !== "somebody") useDrafts.setState({}, true);
});
