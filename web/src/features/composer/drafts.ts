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
  // On a device that is full, what is written is there as long as the page is.
  memory.keepDraft(room, draft).catch(() => undefined);
}

/** What was written and is being said. */
interface Taken {
  readonly draft: StoredDraft;
  /** The message is on its way. */
  readonly sent: () => void;
  /** It is not: it stands where it was written again, before what has been written meanwhile. */
  readonly giveBack: () => void;
}

/** Takes what is written in a room, to say it. The device remembers it until that is done. */
export function takeDraft(conversation: Conversation, room: string): Taken {
  const draft = draftOf(room);
  useDrafts.setState({ [room]: EMPTY });
  return {
    draft,
    sent: () => writeDraft(conversation, room, {}),
    giveBack: () => {
      const { text, replyTo } = draftOf(room);
      const texts = [draft.text, text].filter((text) => text !== "");
      writeDraft(conversation, room, { text: texts.join("\n"), replyTo: replyTo ?? draft.replyTo });
    },
  };
}

// Somebody else may come.
useSession.subscribe(({ kind }) => {
  if (kind !== "somebody") useDrafts.setState({}, true);
});
