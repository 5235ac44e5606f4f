import { type KeyboardEvent, type RefObject, type TextareaHTMLAttributes, useEffect, useState } from "react";
import { usedEmoji } from "../../app/preferences";
import { Avatar } from "../../ui/Avatar";
import type { Room } from "../../wire/types";
import { usePeopleById } from "../people/people";
import { useFoundMembers, useMembers } from "../people/useMembers";
import { emojiByShortcode } from "./shortcodes";

/** Something that can stand where the person is typing. */
interface Option {
  readonly key: string;
  readonly label: string;
  readonly hint: string | undefined;
  readonly insert: string;
  readonly picture: { id: string; name: string; url: string | null } | undefined;
}

interface Around {
  readonly input: RefObject<HTMLTextAreaElement | null>;
  readonly text: string;
  readonly setText: (text: string) => void;
  readonly room: Room;
}

/** Options shown at a time. */
const SHOWN = 8;
/** `@name` or `:emoji:` just before the cursor, after a space or at the start. */
const TRIGGER = /(^|[\s(])([@:])([\p{L}\p{N}_.+-]{0,32})$/u;

type ComboboxAttributes = Pick<
  TextareaHTMLAttributes<HTMLTextAreaElement>,
  "role" | "aria-autocomplete" | "aria-expanded" | "aria-controls" | "aria-activedescendant" | "onSelect"
>;

/** What is being completed, and with what. */
export interface Completion {
  readonly options: readonly Option[];
  readonly chosen: number;
  readonly attributes: ComboboxAttributes;
  choose(index: number): void;
  accept(index: number): void;
  insert(text: string): void;
  /** Whether the key was one for the list of options. */
  onKeyDown(event: KeyboardEvent): boolean;
}

/** What stands before the cursor and can be completed. */
interface Begun {
  /** Where its sign is. */
  readonly at: number;
  readonly sign: string;
  readonly word: string;
}

/** What is begun before a cursor, if anything is. */
function begunAt(text: string, cursor: number): Begun | undefined {
  const found = TRIGGER.exec(text.slice(0, cursor));
  if (!found) return undefined;
  const [, , sign = "", word = ""] = found;
  return { at: cursor - word.length - 1, sign, word };
}

const keyOf = (begun: Begun | undefined) => begun && `${begun.at}${begun.sign}${begun.word}`;

const fold = (text: string) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** Completes `@` with people of the room and `:` with emoji. */
export function useCompletion({ input, text, setText, room }: Around): Completion {
  const [dismissed, dismiss] = useState<number>();
  const [chosen, choose] = useState(0);
  /** What was begun where the cursor was moved to last: another one is drawn anew. */
  const [, follow] = useState<string>();
  const selection = () => {
    const { selectionStart: from, selectionEnd: to } = input.current ?? {};
    return { from: from ?? text.length, to: to ?? text.length };
  };
  const begun = begunAt(text, selection().from);
  const { sign, word = "" } = begun ?? {};
  const people = usePeopleOptions(room, sign === "@" ? word : undefined);
  const emoji = sign === ":" && word.length >= 2 ? emojiOptions(word) : [];
  const options = begun && dismissed !== begun.at ? [...people, ...emoji].slice(0, SHOWN) : [];

  useEffect(() => {
    choose(0);
    void word;
  }, [word]);

  const replace = (from: number, to: number, piece: string) => {
    setText(text.slice(0, from) + piece + text.slice(to));
    requestAnimationFrame(() => {
      input.current?.focus();
      input.current?.setSelectionRange(from + piece.length, from + piece.length);
    });
  };
  const accept = (index: number) => {
    const option = options[index];
    const { from, to } = selection();
    const replaced = begunAt(text, from);
    if (!option || !replaced) return;
    if (replaced.sign === ":") usedEmoji(option.insert.trim());
    replace(replaced.at, to, option.insert);
  };

  return {
    options,
    chosen,
    choose,
    accept,
    insert: (piece) => {
      const { from, to } = selection();
      replace(from, to, piece);
    },
    attributes: {
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": options.length > 0,
      "aria-controls": options.length > 0 ? "completions" : undefined,
      "aria-activedescendant": options.length > 0 ? `completion-${chosen}` : undefined,
      onSelect: ({ currentTarget }) =>
        follow(keyOf(begunAt(currentTarget.value, currentTarget.selectionStart))),
    },
    onKeyDown: (event) => {
      if (options.length === 0) return false;
      switch (event.key) {
        case "ArrowDown":
          choose((chosen + 1) % options.length);
          break;
        case "ArrowUp":
          choose((chosen + options.length - 1) % options.length);
          break;
        case "Tab":
        case "Enter":
          accept(chosen);
          break;
        case "Escape":
          dismiss(begun?.at);
          event.stopPropagation();
          break;
        default:
          return false;
      }
      event.preventDefault();
      return true;
    },
  };
}

function usePeopleOptions(room: Room, word: string | undefined): Option[] {
  const { members } = useMembers(room.id, word !== undefined);
  const found = useFoundMembers(room, word ?? "");
  const people = usePeopleById();
  if (word === undefined) return [];
  const wanted = fold(word);
  const inRoom = new Set([...members, ...found].map(({ id }) => id));
  const matches = [...people.values()]
    .filter(({ id, deleted }) => !deleted && (inRoom.has(id) || members.length === 0))
    .filter(({ username, display_name }) => {
      const words = fold(display_name).split(/\s+/);
      return username.startsWith(wanted) || words.some((part) => part.startsWith(wanted));
    })
    .sort((a, b) => a.display_name.localeCompare(b.display_name))
    .map(
      ({ id, username, display_name, avatar }): Option => ({
        key: id,
        label: display_name,
        hint: `@${username}`,
        insert: `@${username} `,
        picture: { id, name: display_name, url: avatar ?? null },
      }),
    );
  const everybody: Option = {
    key: "all",
    label: "@all",
    hint: String(room.members),
    insert: "@all ",
    picture: undefined,
  };
  return "all".startsWith(wanted) && wanted !== "" ? [...matches, everybody] : matches;
}

function emojiOptions(word: string): Option[] {
  return emojiByShortcode(word.toLowerCase(), SHOWN).map(([code, emoji]) => ({
    key: code,
    label: `${emoji} :${code}:`,
    hint: undefined,
    insert: `${emoji} `,
    picture: undefined,
  }));
}

/** The list of options, above the line that is being typed. */
export function Completions({ completion }: { readonly completion: Completion }) {
  const { options, chosen, choose, accept } = completion;
  if (options.length === 0) return null;
  return (
    <div className="completions" id="completions" role="listbox">
      {options.map(({ key, label, hint, picture }, index) => (
        <div
          key={key}
          id={`completion-${index}`}
          role="option"
          tabIndex={-1}
          aria-selected={index === chosen}
          className="completion"
          onPointerEnter={() => choose(index)}
          onPointerDown={(event) => {
            event.preventDefault();
            accept(index);
          }}
        >
          {picture && <Avatar id={picture.id} name={picture.name} picture={picture.url} size="small" />}
          <span dir="auto">{label}</span>
          {hint && <span className="completion-hint">{hint}</span>}
        </div>
      ))}
    </div>
  );
}
