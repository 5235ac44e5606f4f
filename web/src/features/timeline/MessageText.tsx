import { Fragment, memo, type ReactNode, useMemo, useState } from "react";
import { t } from "../../app/i18n";
import { IconButton } from "../../ui/Button";
import { copy } from "../../ui/clipboard";
import { MentionName } from "../people/MentionName";
import { type Block, type Node, parse } from "./markdown";
import "./text.css";

/** What a message says, drawn. */
export const MessageText = memo(function MessageText({
  text,
  children,
}: {
  readonly text: string;
  /** What follows the last word. */
  readonly children?: ReactNode;
}) {
  const blocks = useMemo(() => parse(text), [text]);
  const jumbo = useMemo(() => isJumbo(text), [text]);
  return (
    <div className="text" data-jumbo={jumbo || undefined} dir="auto">
      <Blocks blocks={blocks} last={children} />
      {children && blocks.at(-1)?.kind !== "paragraph" && <p>{children}</p>}
    </div>
  );
});

/** At most three emoji and nothing else are drawn large. */
function isJumbo(text: string): boolean {
  const trimmed = text.trim();
  if (trimmed === "" || trimmed.length > 60) return false;
  const graphemes = [...new Intl.Segmenter().segment(trimmed.replace(/\s+/g, ""))];
  const isEmoji = (part: string) => /^(?:\p{Extended_Pictographic}|\p{RI}\p{RI})/u.test(part);
  return graphemes.length <= 3 && graphemes.every(({ segment }) => isEmoji(segment));
}

function Blocks({ blocks, last }: { readonly blocks: readonly Block[]; readonly last?: ReactNode }) {
  return blocks.map((block, index) => (
    <BlockView key={index} block={block} last={index === blocks.length - 1 && last} />
  ));
}

function BlockView({ block, last }: { readonly block: Block; readonly last?: ReactNode }) {
  switch (block.kind) {
    case "paragraph":
      return (
        <p>
          <Nodes nodes={block.children} />
          {last}
        </p>
      );
    case "code":
      return <CodeBlock text={block.text} language={block.language} />;
    case "quote":
      return (
        <blockquote>
          <Blocks blocks={block.blocks} />
        </blockquote>
      );
    case "list": {
      const items = block.items.map((item, index) => (
        <li key={index}>
          <Blocks blocks={item} />
        </li>
      ));
      return block.ordered ? <ol start={block.start}>{items}</ol> : <ul>{items}</ul>;
    }
    case "rule":
      return <hr />;
  }
}

function Nodes({ nodes }: { readonly nodes: readonly Node[] }) {
  return nodes.map((node, index) => <NodeView key={index} node={node} />);
}

function NodeView({ node }: { readonly node: Node }) {
  switch (node.kind) {
    case "text":
      return <Fragment>{node.text}</Fragment>;
    case "break":
      return <br />;
    case "strong":
      return (
        <strong>
          <Nodes nodes={node.children} />
        </strong>
      );
    case "em":
      return (
        <em>
          <Nodes nodes={node.children} />
        </em>
      );
    case "strike":
      return (
        <s>
          <Nodes nodes={node.children} />
        </s>
      );
    case "spoiler":
      return <Spoiler nodes={node.children} />;
    case "code":
      return <code>{node.text}</code>;
    case "mention":
      return <MentionName name={node.name} />;
    case "link":
      return (
        <>
          <a href={node.href} target="_blank" rel="noopener noreferrer nofollow">
            <Nodes nodes={node.children} />
          </a>
          {node.host && <span className="text-host"> ({node.host})</span>}
        </>
      );
  }
}

function Spoiler({ nodes }: { readonly nodes: readonly Node[] }) {
  const [shown, show] = useState(false);
  return shown ? (
    <span className="spoiler" data-shown>
      <Nodes nodes={nodes} />
    </span>
  ) : (
    <button
      type="button"
      className="spoiler"
      aria-label={t("Hidden text. Show it")}
      onClick={() => show(true)}
    >
      <span aria-hidden="true">
        <Nodes nodes={nodes} />
      </span>
    </button>
  );
}

function CodeBlock({ text, language }: { readonly text: string; readonly language: string | undefined }) {
  return (
    <div className="code-block" dir="ltr">
      {language && <span className="code-language">{language}</span>}
      <IconButton icon="copy" label={t("Copy code")} size={16} onPress={() => copy(text)} />
      <pre>
        <code>{text}</code>
      </pre>
    </div>
  );
}
