import { describe, expect, test } from "vitest";
import { type Block, links, type Node, parse } from "./markdown";

/** An example that holds for the server as well. */
interface Vector {
  readonly about: string;
  readonly input: string;
  readonly links?: string[];
}

/** The examples that hold for every client and for the server. */
const vectors = Object.values(
  import.meta.glob<Vector[]>("../../../../crates/protocol/tests/markdown.json", {
    import: "default",
    eager: true,
  }),
).flat();

/** The text of some nodes, and each link as `[text](href)` with its real host if that is told. */
function show(nodes: readonly Node[]): string {
  return nodes
    .map((node) => {
      switch (node.kind) {
        case "text":
          return node.text;
        case "break":
          return "\n";
        case "code":
          return `‹${node.text}›`;
        case "mention":
          return `<@${node.name}>`;
        case "link":
          return `[${show(node.children)}](${node.href})${node.host ? `!${node.host}` : ""}`;
        default:
          return `${node.kind}{${show(node.children)}}`;
      }
    })
    .join("");
}

function line(text: string): string {
  const blocks: Block[] = parse(text);
  expect(blocks.map(({ kind }) => kind)).toEqual(["paragraph"]);
  return blocks[0]?.kind === "paragraph" ? show(blocks[0].children) : "";
}

describe("text", () => {
  test("bold, italic, strike, code and spoilers, one in another", () => {
    expect(line("**a _b_** ~~c~~ `d **e**` ||f **g**||")).toBe(
      "strong{a em{b}} strike{c} ‹d **e**› spoiler{f strong{g}}",
    );
  });

  test("HTML and images are shown as they were typed", () => {
    expect(line("<b onclick=x>hi</b>")).toBe("<b onclick=x>hi</b>");
    expect(line("![a](https://example.org/a.png)")).toBe("![a](https://example.org/a.png)");
  });

  test("headings are no bigger than text", () => {
    expect(line("# Title")).toBe("strong{Title}");
  });

  test("a line break is one", () => {
    expect(line("a\nb")).toBe("a\nb");
  });
});

describe("links", () => {
  test("lead to the web and to mail, and nowhere else", () => {
    expect(line("[a](https://example.org/)")).toBe("[a](https://example.org/)");
    expect(line("[a](mailto:a@example.org)")).toBe("[a](mailto:a@example.org)");
    expect(line("[a](javascript:alert(1))")).toBe("[a](javascript:alert(1))");
    expect(
      parse("[a](data:text/html,x)").flatMap((block) => ("children" in block ? block.children : [])),
    ).toEqual([{ kind: "text", text: "[a](data:text/html,x)" }]);
  });

  test("tell their real host where the text claims another", () => {
    expect(line("[example.com](https://evil.example.org/)")).toBe(
      "[example.com](https://evil.example.org/)!evil.example.org",
    );
    expect(line("[https://example.org/x](https://example.org/y)")).toBe(
      "[https://example.org/x](https://example.org/y)",
    );
  });

  test("are their own host's at another port as well", () => {
    expect(line("https://example.org:8080/x")).toBe(
      "[https://example.org:8080/x](https://example.org:8080/x)",
    );
  });

  test("tell letters that only look like others: punycode is visible", () => {
    expect(line("<https://\u0430pple.com/>")).toContain("!xn--pple-43d.com");
  });

  test("lead where the server says that they lead", () => {
    expect(vectors.filter(({ links }) => links?.length)).not.toEqual([]);
    for (const { about, input, links: expected = [] } of vectors) {
      expect(links(parse(input)), about).toEqual(expected.map((address) => new URL(address).href));
    }
  });

  test("that log in somewhere, or are too long to be looked at, lead nowhere", () => {
    expect(links(parse("https://me:secret@example.org/"))).toEqual([]);
    expect(links(parse(`https://example.org/${"a".repeat(2_048)}`))).toEqual([]);
  });

  test("end where a hidden text does", () => {
    expect(line("||https://example.org/a|| b")).toBe(
      "spoiler{[https://example.org/a](https://example.org/a)} b",
    );
  });

  test("are not made inside code", () => {
    expect(line("`https://example.org`")).toBe("‹https://example.org›");
  });
});

describe("mentions", () => {
  test("are names after a space or at the start, without what follows a sentence", () => {
    expect(line("@maya, hi @jo.b.")).toBe("<@maya>, hi <@jo.b>.");
  });

  test("are not in addresses and not in code", () => {
    expect(line("a@example `@maya`")).toBe("a@example ‹@maya›");
  });
});

describe("blocks", () => {
  test("code keeps its language and every character", () => {
    expect(parse("```rust\nfn a() {}\n  // <b>\n```")).toEqual([
      { kind: "code", text: "fn a() {}\n  // <b>", language: "rust" },
    ]);
  });

  test("lists start where they say", () => {
    const [list] = parse("3. a\n4. b");
    expect(list).toMatchObject({ kind: "list", ordered: true, start: 3 });
  });

  test("markup thousands deep is shown as it was typed, and at once", () => {
    const began = performance.now();
    for (const deep of [">", "**a", "[", "||", "("]) {
      expect(JSON.stringify(parse(deep.repeat(4_000 / deep.length)))).toContain(deep.trim()[0]);
    }
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});
