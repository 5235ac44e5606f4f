import { Lexer, type Token, type Tokens } from "marked";

/** What stands for a hidden text. */
const HIDDEN = "▮";
/** Blocks inside blocks inside blocks: past this depth they are left as they were typed. */
const DEPTH = 20;

/** Characters that are written by a name more often than not. */
const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', nbsp: "\u00a0" };

/**
 * A text without its marks, for a line of it or a notification: blocks and items each on a line of their own,
 * links as their text, code as it is, spoilers as one ▮. The server makes the same of it.
 */
export function plainText(text: string): string {
  try {
    return blocks(new Lexer({ gfm: true, breaks: true }).lex(text), 0)
      .filter((line) => line !== "")
      .join("\n")
      .trimEnd();
  } catch {
    // Quotes in quotes in quotes, thousands deep: the lexer gives up.
    return text;
  }
}

/** The lines of some blocks. */
function blocks(tokens: readonly Token[], depth: number): string[] {
  return depth > DEPTH ? tokens.map(({ raw }) => raw.trimEnd()) : tokens.flatMap((one) => block(one, depth));
}

function block(token: Token, depth: number): string[] {
  switch (token.type) {
    case "space":
    case "hr":
    case "def":
      return [];
    case "paragraph":
    case "text":
    case "heading":
      return [line((token as Tokens.Paragraph).tokens ?? [token])];
    case "code":
      return [(token as Tokens.Code).text];
    case "blockquote":
      return blocks((token as Tokens.Blockquote).tokens, depth + 1);
    case "list": {
      const { ordered, start, items } = token as Tokens.List;
      const first = start === "" ? 1 : start;
      return items.map((item, index) => {
        const mark = ordered ? `${first + index}. ` : "• ";
        return mark + blocks(item.tokens, depth + 1).join("\n");
      });
    }
    default:
      return [token.raw.trimEnd()];
  }
}

/** The text of one block, with what is between two pairs of bars hidden. */
function line(tokens: readonly Token[]): string {
  let text = "";
  const bars: number[] = [];
  const take = (token: Token): void => {
    switch (token.type) {
      case "strong":
      case "em":
      case "del":
      case "link":
        for (const inner of (token as Tokens.Strong).tokens) take(inner);
        break;
      case "image":
      case "codespan":
      case "escape":
        text += (token as Tokens.Codespan).text;
        break;
      case "br":
        text += "\n";
        break;
      case "text": {
        const { tokens, raw } = token as Tokens.Text;
        if (tokens) {
          for (const inner of tokens) take(inner);
          break;
        }
        const said = raw.replace(/&(amp|lt|gt|quot|nbsp);/g, (_, name: string) => ENTITIES[name] ?? "");
        for (const { index } of said.matchAll(/\|\|/g)) bars.push(text.length + index);
        text += said;
        break;
      }
      default:
        text += token.raw;
    }
  };
  for (const token of tokens) take(token);
  for (let pair = bars.length - (bars.length % 2) - 2; pair >= 0; pair -= 2) {
    const [from = 0, to = 0] = bars.slice(pair, pair + 2);
    if (text.slice(from + 2, to).trim() === "") continue;
    text = text.slice(0, from) + HIDDEN + text.slice(to + 2);
  }
  return text;
}
