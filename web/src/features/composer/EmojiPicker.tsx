import { EmojiPicker as Frimousse, type SkinTone } from "frimousse";
import type { RefObject } from "react";
import { Dialog, Popover } from "react-aria-components";
import { t } from "../../app/i18n";
import { prefer, usePreferences } from "../../app/preferences";
import { useLayer } from "../../app/useLayer";
import { InLanguage } from "../../ui/InLanguage";
import "./emoji.css";

interface Props {
  readonly button: RefObject<HTMLButtonElement | null>;
  readonly label: string;
  readonly onPick: (emoji: string) => void;
  readonly onClose: () => void;
}

const TONES: readonly [SkinTone, string][] = [
  ["none", "✋"],
  ["light", "✋🏻"],
  ["medium-light", "✋🏼"],
  ["medium", "✋🏽"],
  ["medium-dark", "✋🏾"],
  ["dark", "✋🏿"],
];

/** All emoji, to be searched by name. Their names come from this server, like everything else. */
export default function EmojiPicker({ button, label, onPick, onClose }: Props) {
  const { recentEmoji, skinTone } = usePreferences();
  useLayer(onClose);
  const close = (open: boolean) => {
    if (!open) onClose();
  };
  return (
    <InLanguage>
      <Popover triggerRef={button} placement="top end" isOpen onOpenChange={close}>
        <Dialog className="emoji-picker" aria-label={label}>
          <Frimousse.Root
            className="emoji-root"
            emojibaseUrl={`${location.origin}/emoji`}
            columns={8}
            skinTone={skinTone}
            onEmojiSelect={({ emoji }) => onPick(emoji)}
          >
            <div className="emoji-head">
              <Frimousse.Search className="input" placeholder={t("Search emoji")} autoFocus />
              <select
                className="input emoji-tone"
                aria-label={t("Skin tone")}
                value={skinTone}
                onChange={({ currentTarget }) => prefer({ skinTone: currentTarget.value as SkinTone })}
              >
                {TONES.map(([tone, hand]) => (
                  <option key={tone} value={tone}>
                    {hand}
                  </option>
                ))}
              </select>
            </div>
            {recentEmoji.length > 0 && (
              <div className="emoji-recent" role="group" aria-label={t("Used last")}>
                {recentEmoji.slice(0, 8).map((emoji) => (
                  <button key={emoji} type="button" className="emoji" onClick={() => onPick(emoji)}>
                    {emoji}
                  </button>
                ))}
              </div>
            )}
            <Frimousse.Viewport className="emoji-viewport">
              <Frimousse.Loading className="emoji-note">{t("Loading…")}</Frimousse.Loading>
              <Frimousse.Empty className="emoji-note">{t("No emoji found.")}</Frimousse.Empty>
              <Frimousse.List className="emoji-list" />
            </Frimousse.Viewport>
          </Frimousse.Root>
        </Dialog>
      </Popover>
    </InLanguage>
  );
}
