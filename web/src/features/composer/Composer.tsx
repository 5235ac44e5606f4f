import { type KeyboardEvent, useEffect, useRef } from "react";
import { useConversation } from "../../app/conversation";
import { openDialog } from "../../app/dialogs";
import { t, useLocale } from "../../app/i18n";
import { usePreferences } from "../../app/preferences";
import { Button, IconButton } from "../../ui/Button";
import { focusComposer } from "../../ui/focusComposer";
import { isCoarse } from "../../ui/pointer";
import type { Room } from "../../wire/types";
import { CharactersLeft } from "./CharactersLeft";
import { whyClosed } from "./closed";
import { Completions, useCompletion } from "./completion";
import { useDraft, writeDraft } from "./drafts";
import { EmojiButton } from "./EmojiButton";
import { ReplyLine } from "./ReplyLine";
import { release, say, useIsHeld } from "./say";
import { emojiOf } from "./shortcodes";
import { Uploads } from "./Uploads";
import { boundsInWords, useUploads } from "./uploads";
import { useLongPaste } from "./useLongPaste";
import { useTyping } from "./useTyping";
import "./composer.css";

interface Props {
  readonly room: Room;
  /** Edits the person's last message. */
  readonly onEditLast: () => void;
}

/** Members from which on calling all of them is asked about first. */
const MANY = 12;
const EVERYBODY = /(^|[^\p{L}\p{N}_@.-])@(?:all|everyone)(?![\p{L}\p{N}_-])/u;

/** Where a person writes. */
export function Composer({ room, onEditLast }: Props) {
  const conversation = useConversation();
  const input = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const { text, replyTo } = useDraft(room.id);
  const setText = (next: string) => writeDraft(conversation, room.id, { text: next });
  const endReply = () => {
    writeDraft(conversation, room.id, { replyTo: undefined });
    focusComposer();
  };
  const isHeld = useIsHeld(room.id);
  const enterSends = usePreferences((preferences) => preferences.enterSends);
  const uploads = useUploads(room.id);
  const completion = useCompletion({ input, text, setText, room });
  const paste = useLongPaste({ addFiles: uploads.add, text, setText });
  const typing = useTyping(room);
  const most = conversation.engine.limits?.text_graphemes ?? 4_000;
  const closed = whyClosed(room, useLocale());

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

  const sayNow = () => {
    typing.stop();
    void say(conversation, room.id, most);
  };
  const send = () => {
    if (room.members < MANY || !EVERYBODY.test(text) || !mayCallAll(room)) {
      sayNow();
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
        act: sayNow,
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
    } else if (event.key === "Escape" && (isHeld || replyTo)) {
      event.stopPropagation();
      if (isHeld) release(room.id);
      else endReply();
    }
  };

  if (closed) return <div className="composer-closed">{closed}</div>;
  return (
    <div className="composer">
      {replyTo && <ReplyLine room={room.id} message={replyTo} onCancel={endReply} />}
      {paste.isOffered && (
        <div className="composer-note" role="status">
          <span>{t("That is a long text.")}</span>
          <Button
            onPress={() => {
              paste.attach();
              input.current?.focus();
            }}
          >
            {t("Attach it as a file")}
          </Button>
          <IconButton
            icon="close"
            size={16}
            label={t("Dismiss")}
            onPress={() => {
              paste.dismiss();
              focusComposer();
            }}
          />
        </div>
      )}
      <Uploads room={room.id} />
      {isHeld && (
        <div className="composer-note" role="status">
          <span>{t("It will be sent as soon as the files are there.")}</span>
          <Button onPress={() => release(room.id)}>{t("Don’t send yet")}</Button>
        </div>
      )}
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
        <IconButton
          icon="add"
          label={t("Attach files")}
          title={boundsInWords()}
          onPress={() => picker.current?.click()}
        />
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
          onPaste={paste.onPaste}
          readOnly={isHeld}
        />
        <CharactersLeft text={text} most={most} />
        <EmojiButton
          label={t("Emoji")}
          onPick={(emoji) => {
            completion.insert(emoji);
          }}
        />
        <IconButton
          icon="send"
          label={t("Send")}
          isDisabled={isHeld || (text.trim() === "" && uploads.list.length === 0)}
          onPress={send}
        />
      </div>
    </div>
  );
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
