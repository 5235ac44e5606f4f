import { Lexer, type Token, type Tokens } from "marked";

/** A piece of a message's text, as it is drawn. There is no HTML anywhere. */
export type Node =
  | { kind: "text"; text: string }
  | { kind: "break" }
  | { kind: "strong" | "em" | "strike" | "spoiler"; children: Node[] }
  | { kind: "code"; text: string }
  | { kind: "link"; href: string; children: Node[]; host: string | undefined }
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

function link({ href, raw, tokens }: Tokens.Link): Node[] {
  const url = URL.canParse(href) ? new URL(href) : undefined;
  if (!url || !PROTOCOLS.has(url.protocol)) return [{ kind: "text", text: raw }];
  const children = tokens.flatMap((token): Node[] =>
    token.type === "text" ? [{ kind: "text", text: (token as Tokens.Text).text }] : span(token),
  );
  return [{ kind: "link", href: url.href, children, host: realHost(url, children) }];
}

/** The host a link leads to, where its text claims to be a URL of another. */
function realHost(url: URL, children: Node[]): string | undefined {
  const text = children.map((node) => (node.kind === "text" ? node.text : "")).join("");
  const claimed = /^\s*(?:https?:\/\/)?([^\s/:?#]+\.[^\s/:?#]+)/i.exec(text)?.[1];
  if (claimed === undefined || url.protocol === "mailto:") return undefined;
  return claimed.toLowerCase() === url.host ? undefined : url.host;
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
