import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { crc32, deflateSync } from "node:zlib";

/** Somebody else's web site, on this machine. */
export class Pages {
  /** The paths it was asked for. */
  readonly asked: string[] = [];
  private held: (() => void)[] | undefined;

  private constructor(private readonly server: Server) {}

  /** Starts one. */
  static async start(): Promise<Pages> {
    const server = createServer((request, response) => pages.answer(request.url ?? "/", response));
    const pages: Pages = new Pages(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return pages;
  }

  /** Where a page of it is. */
  url(path: string): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${path}`;
  }

  /** Answers nobody until `release`. */
  hold(): void {
    this.held ??= [];
  }

  /** Answers those who wait, and everybody from now on. */
  release(): void {
    const waiting = this.held ?? [];
    this.held = undefined;
    for (const answer of waiting) answer();
  }

  private answer(path: string, response: ServerResponse): void {
    this.asked.push(path);
    const answer = () => this.send(path, response);
    if (this.held) this.held.push(answer);
    else answer();
  }

  private send(path: string, response: ServerResponse): void {
    if (path.startsWith("/picture")) {
      response.writeHead(200, { "content-type": "image/png" }).end(picture(480, 320));
    } else if (path.startsWith("/nothing")) {
      response.writeHead(404).end();
    } else {
      const name = decodeURIComponent(path.slice(1));
      const html = `<!doctype html><meta charset="utf-8"><title>${name}</title>
        <meta property="og:site_name" content="The Gardener">
        <meta property="og:description" content="What to sow in which month, when to cut roses, and how to keep
          slugs away from lettuce without any poison at all: three hundred pages by people who have tried it.">
        <meta property="og:image" content="/picture.png">`;
      response.writeHead(200, { "content-type": "text/html" }).end(html);
    }
  }

  /** Ends it. */
  stop(): void {
    this.release();
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** A picture of a hill under the sky, as a PNG. */
function picture(width: number, height: number): Buffer {
  const row = width * 3 + 1;
  const pixels = Buffer.alloc(row * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const hill = height * (0.62 - 0.22 * Math.sin((x / width) * Math.PI * 1.4));
      const colour = y > hill ? [86, 142 - (y / height) * 50, 84] : [150 + (y / height) * 80, 190, 226];
      pixels.set(colour, y * row + 1 + x * 3);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const parts = [chunk("IHDR", header), chunk("IDAT", deflateSync(pixels)), chunk("IEND", Buffer.alloc(0))];
  return Buffer.concat([signature, ...parts]);
}

function chunk(kind: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(kind, "latin1"), content]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
