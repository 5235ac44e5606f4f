import { lazy, Suspense, useState } from "react";
import { DialogTrigger, Popover } from "react-aria-components";
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
  const [isOpen, open] = useState(false);
  const change = (next: boolean) => {
    open(next);
    onOpenChange?.(next);
  };
  return (
    <DialogTrigger isOpen={isOpen} onOpenChange={change}>
      <IconButton icon="react" label={label} />
      <Popover placement="top end" className="emoji-popover">
        <Suspense fallback={<div className="emoji-picker skeleton" />}>
          <Picker
            label={label}
            onPick={(emoji) => {
              usedEmoji(emoji);
              change(false);
              onPick(emoji);
            }}
          />
        </Suspense>
      </Popover>
    </DialogTrigger>
  );
}
