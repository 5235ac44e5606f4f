import { create } from "zustand";
import type { Conversation } from "../../app/conversation";
import { isPassing } from "../../wire/http";
import type { PresenceState, User } from "../../wire/types";
import { api } from "../session/session";

/** Everybody this client has heard of. */
const usePeople = create<{ byId: ReadonlyMap<string, User> }>(() => ({ byId: new Map() }));

/** How long people must have stayed as they are before the device remembers them, in milliseconds. */
const REMEMBER_AFTER = 2_000;
/** People asked about at a time. */
const ASKED_AT_ONCE = 8;
/** Whom the server has told of since the page was loaded; others may be called something else by now. */
const fresh = new Set<string>();
const wanted = new Set<string>();
let asking = 0;

/** Takes note of people. */
export function met(users: readonly User[]): void {
  for (const { id } of users) fresh.add(id);
  know(users);
}

function know(users: readonly User[]): void {
  usePeople.setState(({ byId }) => ({
    byId: new Map([...byId, ...users.map((user): [string, User] => [user.id, user])]),
  }));
}

/** Somebody, as far as they are known. Whoever is not yet is asked about. */
export function usePerson(id: string): User | undefined {
  const user = usePeople(({ byId }) => byId.get(id));
  if (!fresh.has(id)) want(id);
  return user;
}

/** Everybody known, by id. Those who are named and not known yet are asked about. */
export function usePeopleById(named: readonly string[] = []): ReadonlyMap<string, User> {
  const byId = usePeople(({ byId }) => byId);
  for (const id of named) if (!fresh.has(id)) want(id);
  return byId;
}

/** What somebody is called; something to show even while that is not known. */
export function nameOf(user: User | undefined): string {
  return user?.display_name ?? "…";
}

/** Somebody, asked about where they are not known yet. */
export async function meet(id: string): Promise<User> {
  const known = usePeople.getState().byId.get(id);
  if (known) return known;
  const user = await api.ask<User>(`users/${id}`);
  met([user]);
  return user;
}

function want(id: string): void {
  if (wanted.has(id)) return;
  wanted.add(id);
  queueMicrotask(askNext);
}

function askNext(): void {
  if (asking >= ASKED_AT_ONCE) return;
  const id = [...wanted].find((id) => !fresh.has(id) && !underWay.has(id));
  if (id === undefined) return;
  asking += 1;
  underWay.add(id);
  api
    .ask<User>(`users/${id}`)
    .then((user) => met([user]))
    .catch((error: unknown) => {
      // What passes is asked again when somebody looks; a refusal stays one.
      if (!isPassing(error)) return;
      wanted.delete(id);
      underWay.delete(id);
    })
    .finally(() => {
      asking -= 1;
      askNext();
    });
}

const underWay = new Set<string>();

/** Keeps people's names, pictures and presence in step with what the server tells. */
export function followPeople(conversation: Conversation): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const kept = usePeople.subscribe(({ byId }) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      conversation.memory.keepList({ people: [...byId.values()] }).catch(() => undefined);
    }, REMEMBER_AFTER);
  });
  const stop = conversation.engine.onFrame((frame) => {
    if (frame.type === "user") met([frame.user]);
    if (frame.type === "presence") present(frame.users);
  });
  return () => {
    clearTimeout(timer);
    kept();
    stop();
  };
}

/** Names the people that the device remembers, until the server tells of them. */
export function recallPeople(people: readonly User[]): void {
  const { byId } = usePeople.getState();
  // Who is there now, nobody knows without the server.
  know(people.filter(({ id }) => !byId.has(id)).map((user) => ({ ...user, status: "offline" })));
}

function present(states: readonly PresenceState[]): void {
  const { byId } = usePeople.getState();
  met(
    states.flatMap((state) => {
      const user = byId.get(state.user);
      return user
        ? {
            ...user,
            status: state.status,
            status_text: state.status_text,
            last_seen: state.last_seen ?? null,
          }
        : [];
    }),
  );
}

/** How long rows gather before the server is told whose presence is on screen. */
const GATHER = 300;
const onScreen = new Map<string, number>();
let waiting = false;

/** Tells the server that these people's rows are on screen, until the returned function is called. */
export function watch(conversation: Conversation, users: readonly string[]): () => void {
  for (const user of users) onScreen.set(user, (onScreen.get(user) ?? 0) + 1);
  tellSoon(conversation);
  return () => {
    for (const user of users) {
      const count = (onScreen.get(user) ?? 1) - 1;
      if (count > 0) onScreen.set(user, count);
      else onScreen.delete(user);
    }
    tellSoon(conversation);
  };
}

function tellSoon(conversation: Conversation): void {
  if (waiting) return;
  waiting = true;
  setTimeout(() => {
    waiting = false;
    conversation.engine.watch([...onScreen.keys()]);
  }, GATHER);
}
