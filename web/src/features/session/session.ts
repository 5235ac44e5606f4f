import { create } from "zustand";
import { type Conversation, startConversation } from "../../app/conversation";
import { prefer } from "../../app/preferences";
import { Memory } from "../../log/storage";
import { Backoff } from "../../wire/backoff";
import { Api, csrf, isLoggedOut } from "../../wire/http";
import type { Me, SessionResponse } from "../../wire/types";

/** Who uses this browser. */
export type Session =
  | { kind: "unknown" }
  | { kind: "nobody"; notice?: Notice }
  | { kind: "somebody"; me: Me; conversation: Conversation }
  /** The server can't be reached, and this device does not know who is here. */
  | { kind: "unreachable" };

/** Why nobody is here any more: the session was ended, they logged out, or did without the server knowing. */
export type Notice = "ended" | "left" | "untold";

/** The API, for everything but messages. */
export const api = new Api();

/** The session of this tab. */
export const useSession = create<Session>(() => ({ kind: "unknown" }));

/** Who was here last. */
const LAST = "hubbub.me";
/** Notes that somebody has logged out and the server does not know yet. */
const LEAVING = "hubbub.leaving";
/** How long the server may take to say who is here, or to take note of a logout, in milliseconds. */
const PATIENCE = 10_000;
const channel = new BroadcastChannel("hubbub.session");
channel.onmessage = ({ data }) => {
  if (data === "ended") left();
  if (data === "begun" && useSession.getState().kind === "nobody") void resume();
};

const backoff = new Backoff();
let trying: ReturnType<typeof setTimeout> | undefined;

/** Does something again in a while: each time later, and once at a time. */
function again(act: () => Promise<void>): void {
  clearTimeout(trying);
  trying = setTimeout(() => void act(), backoff.wait());
}

let resuming: Promise<void> | undefined;

/**
 * Finds out who is here. While the server does not tell, it is the one who was here last, with what the
 * device remembers.
 */
export function resume(): Promise<void> {
  clearTimeout(trying);
  resuming ??= findOut().finally(() => {
    resuming = undefined;
  });
  return resuming;
}

async function findOut(): Promise<void> {
  if (useSession.getState().kind === "somebody") return;
  if (!(await isLeft())) {
    set({ kind: "nobody", notice: "untold" });
    again(resume);
    return;
  }
  // The cookie that scripts can read comes and goes with the session's own: no need to ask and be refused.
  if (csrf() === undefined) {
    await forget();
    return;
  }
  const me = await whoIsHere();
  if (me === "nobody") await forget();
  else if (me) await enter(me);
  else {
    set({ kind: "unreachable" });
    again(resume);
  }
}

async function whoIsHere(): Promise<Me | "nobody" | undefined> {
  try {
    return await api.ask<Me>("me", { signal: AbortSignal.timeout(PATIENCE) });
  } catch (error) {
    return isLoggedOut(error) ? "nobody" : last();
  }
}

function last(): Me | undefined {
  const noted = localStorage.getItem(LAST);
  return noted ? (JSON.parse(noted) as Me) : undefined;
}

let leaving: Promise<boolean> | undefined;

/** Whether no logout waits to be told to the server; one that does is told. */
function isLeft(): Promise<boolean> {
  leaving ??= tellLogout().finally(() => {
    leaving = undefined;
  });
  return leaving;
}

async function tellLogout(): Promise<boolean> {
  if (localStorage.getItem(LEAVING) === null) return true;
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    if (csrf() !== undefined) await api.ask("logout", { method: "POST", signal });
  } catch (error) {
    if (!isLoggedOut(error)) return false;
  }
  localStorage.removeItem(LEAVING);
  return true;
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
  await isLeft();
  clearTimeout(trying);
  await api.ask<SessionResponse>(path, { method: "POST", body: { ...body, transport: "cookie" } });
  // What was left before is nobody's any more: these are the cookies of the new session.
  localStorage.removeItem(LEAVING);
  await enter(await api.ask<Me>("me"));
  channel.postMessage("begun");
}

/**
 * Logs out, in every tab, and removes what the device remembers. A server that can't be reached is told
 * later: until then a reload does not bring the session back.
 */
export async function logOut(): Promise<void> {
  const session = useSession.getState();
  if (session.kind !== "somebody") return;
  localStorage.setItem(LEAVING, "yes");
  const told = isLeft();
  channel.postMessage("ended");
  left();
  await Memory.erase(session.me.id);
  if ((await told) || useSession.getState().kind !== "nobody") return;
  set({ kind: "nobody", notice: "untold" });
  again(resume);
}

/** Somebody has logged out, in this tab or in another one. */
function left(): void {
  const session = useSession.getState();
  if (session.kind !== "somebody") return;
  leave(session.conversation);
  localStorage.removeItem(LAST);
  set({ kind: "nobody", notice: "left" });
}

function leave({ engine, memory }: Conversation): void {
  engine.stop();
  memory.close();
}

/** Takes note of a change of one's own account. */
export function becomes(me: Me): void {
  const session = useSession.getState();
  if (session.kind !== "somebody") return;
  localStorage.setItem(LAST, JSON.stringify(me));
  set({ ...session, me });
}

async function enter(me: Me): Promise<void> {
  backoff.reset();
  const conversation = await startConversation(api, me.id);
  localStorage.setItem(LAST, JSON.stringify(me));
  conversation.engine.onLink((link) => {
    if (link.kind === "ended") void forget("ended");
  });
  set({ kind: "somebody", me, conversation });
}

/** The session is over. What could be read here goes with it; what was written waits for the next one. */
async function forget(notice?: Notice): Promise<void> {
  const session = useSession.getState();
  const user = session.kind === "somebody" ? session.me.id : last()?.id;
  if (session.kind === "somebody") leave(session.conversation);
  localStorage.removeItem(LAST);
  set(notice ? { kind: "nobody", notice } : { kind: "nobody" });
  if (user !== undefined) await Memory.eraseRead(user).catch(() => undefined);
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
