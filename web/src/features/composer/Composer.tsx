import { type ClipboardEvent, type KeyboardEvent, useCallback, useEffect, useRef, useState } from "react";
import { useConversation } from "../../app/conversation";
import { openDialog } from "../../app/dialogs";
import { t, useLocale } from "../../app/i18n";
import { usePreferences } from "../../app/preferences";
import { Button, IconButton } from "../../ui/Button";
import { isCoarse } from "../../ui/pointer";
import { toast } from "../../ui/Toasts";
import type { Message, Room } from "../../wire/types";
import { Quoted } from "../timeline/Quote";
import { Completions, useCompletion } from "./completion";
import { EmojiButton } from "./EmojiButton";
import { emojiOf } from "./shortcodes";
import { Uploads } from "./Uploads";
import { ready, useUploads } from "./uploads";
import { useTyping } from "./useTyping";
import "./composer.css";

interface Props {
  readonly room: Room;
  readonly replyTo: Message | undefined;
  readonly onReplied: () => void;
  /** Edits the person's last message. */
  readonly onEditLast: () => void;
}

/** Text longer than this, pasted, is offered as a file, in characters. */
const LONG_PASTE = 4_000;
/** Members from which on calling all of them is asked about first. */
const MANY = 12;
const EVERYBODY = /(^|[^\p{L}\p{N}_@.-])@(?:all|everyone)(?![\p{L}\p{N}_-])/u;
/** From this part of the limit on, what is left is shown. */
const NEAR_LIMIT = 0.9;
const segmenter = new Intl.Segmenter();

/** Where a person writes. */
export function Composer({ room, replyTo, onReplied, onEditLast }: Props) {
  const conversation = useConversation();
  const input = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const [text, setText] = useDraft(room.id);
  const [pasted, setPasted] = useState<string>();
  const enterSends = usePreferences((preferences) => preferences.enterSends);
  const uploads = useUploads(room.id);
  const completion = useCompletion({ input, text, setText, room });
  const typing = useTyping(room);
  const most = conversation.engine.limits?.text_graphemes ?? 4_000;
  const left = text.length > most * NEAR_LIMIT ? most - count(text, most + 1_000) : undefined;
  const refused = refusal(room, useLocale());

  useEffect(() => {
    if (replyTo) input.current?.focus();
  }, [replyTo]);

  // Who comes into a room can write at once; on a phone that would open the keyboard.
  useEffect(() => {
    const busy = document.activeElement?.closest(".panel, .dialog");
    if (!isCoarse() && !busy) input.current?.focus();
  }, []);

  // As high as the text, up to a third of the screen.
  useEffect(() => {
    const element = input.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight, window.innerHeight / 3)}px`;
    void text;
  }, [text]);

  const say = useCallback(async () => {
    const attachments = await ready(room.id);
    const said = text.trim();
    if (attachments === undefined || (said === "" && attachments.length === 0)) return;
    if (count(text, most + 1) > most) {
      toast(t("That is too long. The most is {most} characters.", { most }));
      return;
    }
    setText("");
    typing.stop();
    onReplied();
    const body = {
      text: said,
      ...(attachments.length > 0 ? { attachments } : {}),
      ...(replyTo ? { reply_to: replyTo.id } : {}),
    };
    if (!(await conversation.send(room.id, body))) {
      setText(text);
      toast(t("Too much is waiting to be sent. Try again when there is a connection."));
    }
  }, [conversation, room.id, text, setText, most, replyTo, onReplied, typing]);

  const send = () => {
    if (room.members < MANY || !EVERYBODY.test(text) || !mayCallAll(room)) {
      void say();
      return;
    }
    openDialog({
      kind: "confirm",
      question: {
        title: t("Call everybody?"),
        text: t("@all notifies {members, plural, one {# member} other {# members}} of this room.", {
          members: room.members,
        }),
        action: t("Send"),
        act: () => void say(),
      },
    });
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    // While an input method composes, its keys are its own (229: Safari's word for it).
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    if (completion.onKeyDown(event)) return;
    if (event.key === "Enter" && event.shiftKey !== enterSends && !event.altKey) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && text === "") {
      event.preventDefault();
      onEditLast();
    } else if (event.key === "Escape" && replyTo) {
      event.stopPropagation();
      onReplied();
    }
  };

  const onPaste = (event: ClipboardEvent) => {
    const files = [...event.clipboardData.files];
    const pasted = event.clipboardData.getData("text/plain");
    if (files.length > 0) {
      event.preventDefault();
      uploads.add(files);
    } else {
      setPasted(pasted.length > LONG_PASTE ? pasted : undefined);
    }
  };
  const attachPasted = () => {
    if (pasted === undefined) return;
    uploads.add([new File([pasted], "text.txt", { type: "text/plain" })]);
    setText(text.replace(pasted.replaceAll("\r\n", "\n"), ""));
    setPasted(undefined);
    input.current?.focus();
  };

  if (refused) return <div className="composer-closed">{refused}</div>;
  return (
    <div className="composer">
      {replyTo && (
        <div className="composer-reply">
          <span>{t("Replying to")}</span> <Quoted message={replyTo} />
          <IconButton icon="close" size={16} label={t("Cancel reply")} onPress={onReplied} />
        </div>
      )}
      {pasted !== undefined && text !== "" && (
        <div className="composer-note" role="status">
          <span>{t("That is a long text.")}</span>
          <Button onPress={attachPasted}>{t("Attach it as a file")}</Button>
          <IconButton icon="close" size={16} label={t("Dismiss")} onPress={() => setPasted(undefined)} />
        </div>
      )}
      <Uploads room={room.id} />
      <Completions completion={completion} />
      <div className="composer-line">
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          onChange={({ currentTarget }) => {
            uploads.add([...(currentTarget.files ?? [])]);
            currentTarget.value = "";
          }}
        />
        <IconButton icon="add" label={t("Attach files")} onPress={() => picker.current?.click()} />
        <textarea
          ref={input}
          className="composer-input"
          data-composer
          rows={1}
          dir="auto"
          value={text}
          placeholder={t("Message {room}", { room: room.name })}
          aria-label={t("Message {room}", { room: room.name })}
          enterKeyHint={enterSends ? "send" : "enter"}
          {...completion.attributes}
          onChange={({ currentTarget }) => {
            setText(withEmoji(currentTarget));
            if (currentTarget.value === "") typing.stop();
            else typing.tick();
          }}
          onBlur={typing.stop}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
        />
        {left !== undefined && (
          <span className="composer-left" data-over={left < 0 || undefined} role="status">
            {left}
          </span>
        )}
        <EmojiButton
          label={t("Emoji")}
          onPick={(emoji) => {
            completion.insert(emoji);
          }}
        />
        <IconButton
          icon="send"
          label={t("Send")}
          isDisabled={text.trim() === "" && uploads.list.length === 0}
          onPress={send}
        />
      </div>
    </div>
  );
}

/** What is being typed into a room; it survives a reload and a change of room. */
function useDraft(room: string): [string, (text: string) => void] {
  const { memory } = useConversation();
  const [text, set] = useState("");
  useEffect(() => {
    let current = true;
    void memory.draft(room).then((draft) => {
      // What has been typed meanwhile is newer.
      if (current && draft) set((typed) => typed || draft);
    });
    return () => {
      current = false;
    };
  }, [memory, room]);
  const keep = useCallback(
    (next: string) => {
      set(next);
      void memory.keepDraft(room, next);
    },
    [memory, room],
  );
  return [text, keep];
}

/** What is typed, with the `:shortcode:` that has just been closed as its emoji. */
function withEmoji(input: HTMLTextAreaElement): string {
  const { value, selectionStart } = input;
  const found = /(^|\s):([a-z0-9_+-]{2,40}):$/.exec(value.slice(0, selectionStart));
  const emoji = found && emojiOf(found[2] ?? "");
  if (!found || !emoji) return value;
  const start = selectionStart - (found[2]?.length ?? 0) - 2;
  const at = start + emoji.length;
  requestAnimationFrame(() => input.setSelectionRange(at, at));
  return value.slice(0, start) + emoji + value.slice(selectionStart);
}

/** Whether this person's `@all` calls everybody. */
function mayCallAll({ mention_all, role }: Room): boolean {
  const rank = { member: 0, moderator: 1, owner: 2 };
  return role !== null && rank[role] >= rank[mention_all];
}

/** What a person sees as characters, up to `most`. */
function count(text: string, most: number): number {
  let graphemes = 0;
  for (const _ of segmenter.segment(text)) {
    graphemes += 1;
    if (graphemes >= most) break;
  }
  return graphemes;
}

/** Why nothing can be written here, if that is so. */
function refusal(room: Room, locale: string): string | undefined {
  if (room.archived) return t("This room is archived: it can be read, but nothing can be added.");
  if (room.muted_until && Date.parse(room.muted_until) > Date.now()) {
    const until = new Date(room.muted_until).toLocaleString(locale);
    return t("You can’t write here until {until}.", { until });
  }
  return undefined;
}
