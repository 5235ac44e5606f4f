import { type ClipboardEvent, type KeyboardEvent, useCallback, useEffect, useRef, useState } from "react";
import { useConversation } from "../../app/conversation";
import { t } from "../../app/i18n";
import { usePreferences } from "../../app/preferences";
import { IconButton } from "../../ui/Button";
import { toast } from "../../ui/Toasts";
import type { Message, Room } from "../../wire/types";
import { Quoted } from "../timeline/Quote";
import { Completions, useCompletion } from "./completion";
import { EmojiButton } from "./EmojiButton";
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
/** From this part of the limit on, what is left is shown. */
const NEAR_LIMIT = 0.9;
const segmenter = new Intl.Segmenter();

/** Where a person writes. */
export function Composer({ room, replyTo, onReplied, onEditLast }: Props) {
  const conversation = useConversation();
  const input = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const [text, setText] = useDraft(room.id);
  const enterSends = usePreferences((preferences) => preferences.enterSends);
  const uploads = useUploads(room.id);
  const completion = useCompletion({ input, text, setText, room });
  const typing = useTyping(room);
  const most = conversation.engine.limits?.text_graphemes ?? 4_000;
  const left = text.length > most * NEAR_LIMIT ? most - count(text, most + 1_000) : undefined;
  const refused = refusal(room);

  useEffect(() => {
    if (replyTo) input.current?.focus();
  }, [replyTo]);

  // As high as the text, up to a third of the screen.
  useEffect(() => {
    const element = input.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight, window.innerHeight / 3)}px`;
    void text;
  }, [text]);

  const send = useCallback(async () => {
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

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    // While an input method composes, its keys are its own (229: Safari's word for it).
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    if (completion.onKeyDown(event)) return;
    if (event.key === "Enter" && event.shiftKey !== enterSends && !event.altKey) {
      event.preventDefault();
      void send();
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
    } else if (pasted.length > LONG_PASTE && window.confirm(t("That is a long text. Attach it as a file?"))) {
      event.preventDefault();
      uploads.add([new File([pasted], "text.txt", { type: "text/plain" })]);
    }
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
            setText(currentTarget.value);
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
          onPress={() => void send()}
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
      if (current && draft) set(draft);
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
function refusal(room: Room): string | undefined {
  if (room.archived) return t("This room is archived: it can be read, but nothing can be added.");
  if (room.muted_until && Date.parse(room.muted_until) > Date.now()) {
    const until = new Date(room.muted_until).toLocaleString();
    return t("You can’t write here until {until}.", { until });
  }
  return undefined;
}
