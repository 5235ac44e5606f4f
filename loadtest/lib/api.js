// The HTTP API, as far as load needs it. Everything answers with the body, or throws.

import http from "k6/http";

const PASSWORD = "a password for a load test";
// Requests that are made at once while a run is prepared.
const BATCH = 20;
const TRIES = 4;
const RETRY_AFTER = 1_000;

function parameters(token, name) {
  const headers = { "Content-Type": "application/json" };
  if (token) {
    headers.Authorization = `Bearer ${token}`;
  }
  // One name for all rooms and users, or each would have a metric of its own.
  return { headers, tags: { name }, timeout: "30s" };
}

function body(response, expected) {
  if (!expected.includes(response.status)) {
    const said = response.error || String(response.body).slice(0, 300);
    throw new Error(`${response.request.method} ${response.url}: ${response.status} ${said}`);
  }
  return response.body ? response.json() : null;
}

/** Makes all requests, some at a time, in order; each is `[method, url, body, token, name]`. */
function inBatches(requests, expected) {
  const answers = [];
  for (let i = 0; i < requests.length; i += BATCH) {
    const batch = requests.slice(i, i + BATCH).map(([method, url, content, token, name]) => ({
      method,
      url,
      body: content === null ? null : JSON.stringify(content),
      params: parameters(token, name),
    }));
    answers.push(...http.batch(batch).map((response) => body(response, expected)));
  }
  return answers;
}

/** What is kept of a session. */
function session(name, answer) {
  return {
    name,
    id: answer.user.id,
    token: answer.access_token,
    refresh: answer.refresh_token,
    expires: Date.now() + answer.expires_in * 1000,
  };
}

export function register(server, names) {
  const requests = names.map((username, i) => [
    "POST",
    `${server(i)}/api/v1/register`,
    { username, password: PASSWORD },
    null,
    "register",
  ]);
  return inBatches(requests, [201]).map((answer, i) => session(names[i], answer));
}

/** `rooms` are `{name, owner, members}` with sessions in them; returns their ids. */
export function makeRooms(server, rooms) {
  const made = inBatches(
    rooms.map(({ name, owner }, i) => [
      "POST",
      `${server(i)}/api/v1/rooms`,
      { name, kind: "private" },
      owner.token,
      "make a room",
    ]),
    [201],
  );
  inBatches(
    rooms.flatMap(({ members }, i) =>
      members.map((member, j) => [
        "POST",
        `${server(j)}/api/v1/rooms/join`,
        { code: made[i].code },
        member.token,
        "join",
      ]),
    ),
    [200],
  );
  return made.map(({ id, code }) => ({ id, code }));
}

async function ask(method, url, content, token, name, expected) {
  const sent = content === null ? null : JSON.stringify(content);
  return body(await http.asyncRequest(method, url, sent, parameters(token, name)), expected);
}

export const login = async (server, name) =>
  session(
    name,
    await ask("POST", `${server}/api/v1/login`, { username: name, password: PASSWORD }, null, "login", [200]),
  );

export const rotate = (server, refresh) =>
  ask("POST", `${server}/api/v1/token`, { refresh_token: refresh }, null, "rotate the token", [200]);

export const join = (server, token, code) =>
  ask("POST", `${server}/api/v1/rooms/join`, { code }, token, "join", [200]);

export const leave = (server, token, room) =>
  ask("POST", `${server}/api/v1/rooms/${room}/leave`, null, token, "leave", [204]);

/** What is only read is asked for again when a server says that it can't just now, as clients do. */
export async function get(server, token, path, name) {
  for (let tried = 1; ; tried++) {
    const response = await http.asyncRequest("GET", `${server}/api/v1${path}`, null, parameters(token, name));
    if (response.status !== 503 || tried === TRIES) {
      return body(response, [200]);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER * tried));
  }
}

export const makeRoom = (server, token, name) =>
  ask("POST", `${server}/api/v1/rooms`, { name, kind: "private" }, token, "make a room", [201]);

export async function upload(server, token, room, bytes) {
  const { headers, ...rest } = parameters(token, "upload");
  headers["Content-Type"] = "application/octet-stream";
  const url = `${server}/api/v1/rooms/${room}/attachments?name=file.bin`;
  return body(await http.asyncRequest("POST", url, bytes, { headers, ...rest }), [201]);
}

export async function download(server, token, id) {
  const parts = { ...parameters(token, "download"), responseType: "binary" };
  const response = await http.asyncRequest("GET", `${server}/api/v1/attachments/${id}`, null, parts);
  if (response.status !== 200) {
    throw new Error(`download: ${response.status} ${response.error}`);
  }
  return response.body;
}

/** Everything stored in a room after `seq`: `{epoch, seq, messages}`, oldest first. */
export async function history(server, token, room, seq) {
  const messages = [];
  for (let after = seq; ; ) {
    const path = `/rooms/${room}/messages?after=${after}&limit=200`;
    const page = await get(server, token, path, "history");
    messages.push(...page.messages);
    if (page.after === undefined) {
      return { epoch: page.epoch, seq: page.seq, messages };
    }
    after = page.after;
  }
}
