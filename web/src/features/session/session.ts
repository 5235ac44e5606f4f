import { create } from "zustand";
import { type Conversation, startConversation } from "../../app/conversation";
import { prefer } from "../../app/preferences";
import { Memory } from "../../log/storage";
import { Api, ApiError, csrf } from "../../wire/http";
import type { Me, SessionResponse } from "../../wire/types";

/** Who uses this browser. */
export type Session =
  | { kind: "unknown" }
  | { kind: "nobody"; notice?: string }
  | { kind: "somebody"; me: Me; conversation: Conversation }
  /** The server can't be reached, and this device does not know who is here. */
  | { kind: "unreachable" };

/** The API, for everything but messages. */
export const api = new Api();

/** The session of this tab. */
export const useSession = create<Session>(() => ({ kind: "unknown" }));

const LAST = "hubbub.me";
const channel = new BroadcastChannel("hubbub.session");
channel.onmessage = ({ data }) => {
  if (data === "ended") void forget();
  if (data === "begun" && useSession.getState().kind === "nobody") void resume();
};

/** Finds out who is here. Offline, the one who was here last, with what the device remembers. */
export async function resume(): Promise<void> {
  // The cookie that scripts can read comes and goes with the session's own: no need to ask and be refused.
  if (csrf() === undefined) {
    set({ kind: "nobody" });
    return;
  }
  try {
    await enter(await api.ask<Me>("me"));
  } catch (error) {
    const last = localStorage.getItem(LAST);
    if (error instanceof ApiError && error.problem) set({ kind: "nobody" });
    else if (last) await enter(JSON.parse(last) as Me);
    else set({ kind: "unreachable" });
  }
}

/** Logs in. Throws {@link ApiError}. */
export async function logIn(username: string, password: string): Promise<void> {
  await begin("login", { username, password });
}

/** Makes an account and logs in. Throws {@link ApiError}. */
export async function register(username: string, password: string, displayName: string): Promise<void> {
  const name = displayName.trim();
  prefer({ firstSteps: true });
  await begin("register", { username, password, ...(name ? { display_name: name } : {}) });
}

async function begin(path: string, body: object): Promise<void> {
  await api.ask<SessionResponse>(path, { method: "POST", body: { ...body, transport: "cookie" } });
  await enter(await api.ask<Me>("me"));
  channel.postMessage("begun");
}

/** Logs out, in every tab, and removes what the device remembers. */
export async function logOut(): Promise<void> {
  const session = useSession.getState();
  await api.ask("logout", { method: "POST" }).catch(() => undefined);
  channel.postMessage("ended");
  await forget();
  if (session.kind === "somebody") await Memory.erase(session.me.id);
}

/** Takes note of a change of one's own account. */
export function becomes(me: Me): void {
  const session = useSession.getState();
  if (session.kind !== "somebody") return;
  localStorage.setItem(LAST, JSON.stringify(me));
  set({ ...session, me });
}

async function enter(me: Me): Promise<void> {
  const conversation = await startConversation(api, me.id);
  localStorage.setItem(LAST, JSON.stringify(me));
  conversation.engine.onLink((link) => {
    if (link.kind === "ended") void forget(link.reason);
  });
  set({ kind: "somebody", me, conversation });
}

async function forget(notice?: string): Promise<void> {
  const session = useSession.getState();
  localStorage.removeItem(LAST);
  if (session.kind === "somebody") {
    session.conversation.engine.stop();
    session.conversation.memory.close();
  }
  set(notice === undefined ? { kind: "nobody" } : { kind: "nobody", notice });
}

function set(session: Session): void {
  useSession.setState(session, true);
}

/** Who is logged in; for components inside a session only. */
export function useMe(): Me {
  const session = useSession();
  if (session.kind !== "somebody") throw new Error("there is nobody outside a session");
  return session.me;
}
