import { type Answer, ConnectionLost, type Exchange, type Send } from "../exchange";

/** What becomes of one request. */
export type Fate =
  | "well"
  /** It does not arrive. */
  | "lost"
  /** A part of its body arrives. */
  | "cut"
  /** It arrives, but the answer does not. */
  | "unheard"
  /** Something on the way, or the server, refuses it. */
  | { readonly status: number; readonly body?: object };

/** A server that speaks tus as ours does, behind a network that each request meets its fate on. */
export class TusServer {
  readonly uploads = new Map<string, { length: number; bytes: Uint8Array; name: string }>();
  /** Each request, as `PATCH 4` is one that began at 4. */
  readonly log: string[] = [];
  /** The most that a proxy before it lets through in one request. */
  most = Number.POSITIVE_INFINITY;
  private made = 0;

  /** @param fate Asked about each request, in their order. */
  constructor(private readonly fate: (method: string) => Fate = () => "well") {}

  /** Forgets what it has. */
  forget(): void {
    this.uploads.clear();
  }

  readonly send: Send = async (exchange) => {
    exchange.signal.throwIfAborted();
    const { method, headers = {}, body } = exchange;
    this.log.push(method === "PATCH" ? `PATCH ${headers["upload-offset"]}` : method);
    const bytes = new Uint8Array((await body?.arrayBuffer()) ?? []);
    const fate = this.fate(method);
    exchange.signal.throwIfAborted();
    if (fate === "lost") throw new ConnectionLost();
    if (typeof fate === "object") return answer(fate.status, {}, fate.body);
    if (bytes.length > this.most) return answer(413, {}, undefined, "<html>too large</html>");
    const arrived = fate === "cut" ? bytes.slice(0, Math.floor(bytes.length / 2)) : bytes;
    exchange.onProgress?.(arrived.length);
    const said = this.take(exchange, arrived);
    if (fate !== "well") throw new ConnectionLost();
    return said;
  };

  private take({ method, url, headers = {} }: Exchange, bytes: Uint8Array): Answer {
    if (method === "POST") {
      this.made += 1;
      const place = `/uploads/${this.made}`;
      const [, name = ""] = (headers["upload-metadata"] ?? "").split(" ");
      const upload = {
        length: Number(headers["upload-length"]),
        bytes: new Uint8Array(),
        name: new TextDecoder().decode(Uint8Array.from(atob(name), (letter) => letter.charCodeAt(0))),
      };
      this.uploads.set(place, upload);
      return answer(201, { location: place, ...standing(upload) });
    }
    const upload = this.uploads.get(url);
    if (!upload) return answer(404, {}, { code: "upload_not_found" });
    switch (method) {
      case "DELETE":
        this.uploads.delete(url);
        return answer(204, {});
      case "HEAD":
        return answer(200, standing(upload));
      case "PATCH":
        if (Number(headers["upload-offset"]) !== upload.bytes.length) {
          return answer(409, {}, { code: "offset_mismatch" });
        }
        upload.bytes = Uint8Array.from([...upload.bytes, ...bytes]);
        return answer(204, standing(upload));
      default:
        return upload.bytes.length === upload.length
          ? answer(200, {}, { id: url, name: upload.name, size: upload.length, type: "text/plain" })
          : answer(409, {}, { code: "upload_incomplete" });
    }
  }
}

function standing({ length, bytes }: { length: number; bytes: Uint8Array }): Record<string, string> {
  const isWhole = bytes.length === length;
  return {
    "upload-offset": String(bytes.length),
    ...(isWhole ? { "hubbub-attachment": "it" } : {}),
  };
}

function answer(status: number, headers: Record<string, string>, body?: object, text?: string): Answer {
  return {
    status,
    text: text ?? (body ? JSON.stringify(body) : ""),
    header: (name) => headers[name] ?? null,
  };
}
