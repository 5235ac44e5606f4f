// What a client does with the generated types. It is compiled, not run.
import {
  type ClientFrame,
  ERROR_STATUS,
  type Endpoints,
  type ErrorCode,
  type ServerFrame,
  mayReconnect,
} from "../../web/src/wire/generated/wire";

/** Each kind of frame narrows to its own fields, and none is forgotten. */
export function summary(frame: ServerFrame): string | number {
  switch (frame.type) {
    case "ready":
      return frame.limits.frame_bytes;
    case "message":
      return frame.body.text;
    case "edited":
      return frame.body.text;
    case "deleted":
    case "reaction":
      return frame.message;
    case "member":
      return `${frame.user} ${frame.change}`;
    case "room":
      return frame.topic ?? "";
    case "subscribed":
    case "unsubscribed":
    case "reset":
      return frame.room;
    case "ack":
      return frame.seq;
    case "sync":
      return frame.messages.length;
    case "marks":
      return frame.marks.length;
    case "typing":
      return frame.on ? frame.user : "";
    case "presence":
      return frame.users.map((state) => state.status).join();
    case "user":
      return frame.user.display_name;
    case "block":
      return `${frame.user} ${frame.blocked}`;
    case "inbox":
      return frame.waiting;
    case "heads":
      return frame.rooms.length;
    case "refreshed":
      return frame.token_expires_in_ms;
    case "goaway":
      return frame.reason;
    case "error":
      return ERROR_STATUS[frame.code];
    case "pong":
      return "";
    default:
      return frame satisfies never;
  }
}

export const send: ClientFrame = {
  type: "send",
  id: "019a1c30-1111-7aaa-8bbb-0123456789ab",
  room: "019a1c2e-7a10-7c3b-9d54-2f0f5a8e1b01",
  body: { text: "Tea?" },
};

// @ts-expect-error a send without a body is none
export const half: ClientFrame = { type: "send", id: send.id, room: send.room };

// @ts-expect-error a code that no server gives
export const unknown: ErrorCode = "no_such_code";

export const status: 429 = ERROR_STATUS.rate_limited;
export const back: boolean = mayReconnect(4000);

type Answer<E extends keyof Endpoints> = Endpoints[E]["answer"];
export const name = (room: Answer<"GET /rooms/{room}">): string => room.name;
