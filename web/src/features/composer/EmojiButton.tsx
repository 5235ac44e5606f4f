import { lazy, Suspense, useRef, useState } from "react";
import { usedEmoji } from "../../app/preferences";
import { IconButton } from "../../ui/Button";

const Picker = lazy(() => import("./EmojiPicker"));

interface Props {
  readonly label: string;
  readonly onPick: (emoji: string) => void;
  readonly onOpenChange?: (open: boolean) => void;
}

/** A button that opens the emoji picker, which is loaded when it is first wanted. */
export function EmojiButton({ label, onPick, onOpenChange }: Props) {
  const button = useRef<HTMLButtonElement>(null);
  const [isOpen, setOpen] = useState(false);
  const open = (next: boolean) => {
    setOpen(next);
    onOpenChange?.(next);
  };
  return (
    <>
      <IconButton
        ref={button}
        icon="react"
        label={label}
        aria-haspopup="dialog"
        aria-expanded={isOpen}
        data-emoji
        onPress={() => open(!isOpen)}
      />
      {isOpen && (
        <Suspense fallback={null}>
          <Picker
            button={button}
            label={label}
            onClose={() => open(false)}
            onPick={(emoji) => {
              usedEmoji(emoji);
              open(false);
              onPick(emoji);
            }}
          />
        </Suspense>
      )}
    </>
  );
}
