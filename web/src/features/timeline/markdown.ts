import { Lexer, type Token, type Tokens } from "marked";

/** A piece of a message's text, as it is drawn. There is no HTML anywhere. */
export type Node =
  | { kind: "text"; text: string }
  | { kind: "break" }
  | { kind: "strong" | "em" | "strike" | "spoiler"; children: Node[] }
  | { kind: "code"; text: string }
  | {
      kind: "link";
      href: string;
      children: Node[];
      host: string | undefined;
      /** Whether it was written in angle brackets: nothing more of it is to be shown. */
      quiet: boolean;
    }
  | { kind: "mention"; name: string };

/** A block of a message's text. */
export type Block =
  | { kind: "paragraph"; children: Node[] }
  | { kind: "code"; text: string; language: string | undefined }
  | { kind: "quote"; blocks: Block[] }
  | { kind: "list"; ordered: boolean; start: number; items: Block[][] }
  | { kind: "rule" };

/** Blocks inside blocks inside blocks: past this depth they are shown as plain text. */
const DEPTH = 6;

/** Reads a message's text: the Markdown subset, and nothing that is not in it. */
export function parse(text: string): Block[] {
  try {
    return blocks(new Lexer({ gfm: true, breaks: true }).lex(text), 0);
  } catch {
    // Quotes in quotes in quotes, thousands deep: the lexer calls itself for each, and gives up.
    return [plain(text)];
  }
}

function blocks(tokens: Token[], depth: number): Block[] {
  return tokens.flatMap((token) => block(token, depth));
}

function block(token: Token, depth: number): Block[] {
  if (depth > DEPTH) return [plain(token.raw)];
  switch (token.type) {
    case "space":
    case "def":
      return token.type === "def" ? [plain(token.raw.trimEnd())] : [];
    case "paragraph":
    case "text":
    // Headings are no bigger than text.
    case "heading": {
      const { tokens } = token as Tokens.Paragraph;
      const children = inline(tokens ?? [{ type: "text", raw: token.raw, text: token.raw }]);
      const bold: Node[] = token.type === "heading" ? [{ kind: "strong", children }] : children;
      return [{ kind: "paragraph", children: bold }];
    }
    case "code": {
      const { text, lang } = token as Tokens.Code;
      return [{ kind: "code", text, language: lang?.split(/\s/)[0] || undefined }];
    }
    case "blockquote":
      return [{ kind: "quote", blocks: blocks((token as Tokens.Blockquote).tokens, depth + 1) }];
    case "list": {
      const { ordered, start, items } = token as Tokens.List;
      return [
        {
          kind: "list",
          ordered,
          start: start === "" ? 1 : start,
          items: items.map((item) => blocks(item.tokens, depth + 1)),
        },
      ];
    }
    case "hr":
      return [{ kind: "rule" }];
    default:
      // Raw HTML, tables and whatever else: as it was typed.
      return [plain(token.raw.replace(/\n+$/, ""))];
  }
}

function plain(text: string): Block {
  return { kind: "paragraph", children: lines(text) };
}

function inline(tokens: Token[]): Node[] {
  return spoilers(tokens.flatMap(span));
}

function span(token: Token): Node[] {
  switch (token.type) {
    case "strong":
    case "em":
      return [{ kind: token.type, children: inline((token as Tokens.Strong).tokens) }];
    case "del":
      return [{ kind: "strike", children: inline((token as Tokens.Del).tokens) }];
    case "codespan":
      return [{ kind: "code", text: (token as Tokens.Codespan).text }];
    case "br":
      return [{ kind: "break" }];
    case "link":
      return link(token as Tokens.Link);
    case "escape":
      return [{ kind: "text", text: (token as Tokens.Escape).text }];
    case "text": {
      const { tokens, raw } = token as Tokens.Text;
      return tokens ? inline(tokens) : mentions(raw);
    }
    default:
      // Images and raw HTML: as they were typed.
      return lines(token.raw);
  }
}

function lines(text: string): Node[] {
  return text
    .split("\n")
    .flatMap((line, index): Node[] =>
      index === 0 ? mentions(line) : [{ kind: "break" }, ...mentions(line)],
    );
}

/** Links of other kinds than these are shown as they were typed. */
const PROTOCOLS = new Set(["https:", "http:", "mailto:"]);

function link(token: Tokens.Link): Node[] {
  const { href, raw, text, tokens } = token;
  // A bare address ends where a hidden text begins or ends.
  const bars = raw === text ? raw.indexOf("||") : -1;
  if (bars > 0) {
    const short = raw.slice(0, bars);
    const rest: Node = { kind: "text", text: raw.slice(bars) };
    const tokens = [{ type: "text", raw: short, text: short }];
    return [
      ...link({ ...token, href: href.slice(0, bars - raw.length), raw: short, text: short, tokens }),
      rest,
    ];
  }
  const url = URL.canParse(href) ? new URL(href) : undefined;
  if (!url || !PROTOCOLS.has(url.protocol)) return [{ kind: "text", text: raw }];
  const children = tokens.flatMap((token): Node[] =>
    token.type === "text" ? [{ kind: "text", text: (token as Tokens.Text).text }] : span(token),
  );
  const quiet = raw.startsWith("<");
  return [{ kind: "link", href: url.href, children, host: realHost(url, children), quiet }];
}

/** The longest address that the server looks at. */
const LONGEST = 2048;

/**
 * The addresses of the web that a text leads to, in their order: not those that are hidden, nor those in
 * angle brackets. The server finds the same.
 */
export function links(blocks: readonly Block[]): string[] {
  return blocks.flatMap((block) => {
    switch (block.kind) {
      case "paragraph":
        return linksAmong(block.children);
      case "quote":
        return links(block.blocks);
      case "list":
        return block.items.flatMap(links);
      default:
        return [];
    }
  });
}

function linksAmong(nodes: readonly Node[]): string[] {
  return nodes.flatMap((node) => {
    switch (node.kind) {
      case "link":
        return !node.quiet && isOfWeb(node.href) ? [node.href] : [];
      case "strong":
      case "em":
      case "strike":
        return linksAmong(node.children);
      default:
        return [];
    }
  });
}

/** Whether an address is one of the web, with no name and password in it. */
function isOfWeb(href: string): boolean {
  const { protocol, username, password } = new URL(href);
  return /^https?:$/.test(protocol) && !username && !password && href.length <= LONGEST;
}

/** The host a link leads to, where its text claims to be a URL of another. */
function realHost(url: URL, children: Node[]): string | undefined {
  const text = children.map((node) => (node.kind === "text" ? node.text : "")).join("");
  const claimed = /^\s*(?:https?:\/\/)?([^\s/:?#]+\.[^\s/:?#]+)/i.exec(text)?.[1];
  if (claimed === undefined || url.protocol === "mailto:") return undefined;
  return [url.host, url.hostname].includes(claimed.toLowerCase()) ? undefined : url.host;
}

const MENTION = /(?<![\p{L}\p{N}_@.-])@([a-z0-9](?:[a-z0-9_.-]*[a-z0-9_-])?)/giu;

function mentions(text: string): Node[] {
  const nodes: Node[] = [];
  let at = 0;
  for (const found of text.matchAll(MENTION)) {
    if (found.index > at) nodes.push({ kind: "text", text: text.slice(at, found.index) });
    nodes.push({ kind: "mention", name: (found[1] ?? "").toLowerCase() });
    at = found.index + found[0].length;
  }
  if (at < text.length) nodes.push({ kind: "text", text: text.slice(at) });
  return nodes;
}

/** Finds `||hidden||`, which may hold other markup. */
function spoilers(nodes: Node[]): Node[] {
  const pieces = nodes.flatMap((node): (Node | "||")[] => {
    if (node.kind !== "text" || !node.text.includes("||")) return [node];
    return node.text
      .split("||")
      .flatMap((text, index): (Node | "||")[] => [
        ...(index > 0 ? (["||"] as const) : []),
        ...(text === "" ? [] : [{ kind: "text", text } as const]),
      ]);
  });
  const done: Node[] = [];
  let open: Node[] | undefined;
  for (const piece of pieces) {
    if (piece !== "||") {
      (open ?? done).push(piece);
    } else if (!open) {
      open = [];
    } else {
      done.push(open.length > 0 ? { kind: "spoiler", children: open } : { kind: "text", text: "||||" });
      open = undefined;
    }
  }
  return open ? [...done, { kind: "text", text: "||" }, ...open] : done;
}
