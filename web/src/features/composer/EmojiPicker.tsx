import { EmojiPicker as Frimousse } from "frimousse";
import { Dialog } from "react-aria-components";
import { t } from "../../app/i18n";

interface Props {
  readonly label: string;
  readonly onPick: (emoji: string) => void;
}

/** All emoji, to be searched by name. Their names come from this server, like everything else. */
export default function EmojiPicker({ label, onPick }: Props) {
  return (
    <Dialog className="emoji-picker" aria-label={label}>
      <Frimousse.Root
        emojibaseUrl={`${location.origin}/emoji`}
        columns={8}
        onEmojiSelect={({ emoji }) => onPick(emoji)}
      >
        <Frimousse.Search className="input" placeholder={t("Search emoji")} autoFocus />
        <Frimousse.Viewport className="emoji-viewport">
          <Frimousse.Loading className="emoji-note">{t("Loading…")}</Frimousse.Loading>
          <Frimousse.Empty className="emoji-note">{t("No emoji found.")}</Frimousse.Empty>
          <Frimousse.List className="emoji-list" />
        </Frimousse.Viewport>
        <Frimousse.SkinToneSelector className="emoji-tone" />
      </Frimousse.Root>
    </Dialog>
  );
}
